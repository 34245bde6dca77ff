package interop

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"

	oss "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// sdkV1 is github.com/aliyun/aliyun-oss-go-sdk.
type sdkV1 struct{ bucket *oss.Bucket }

func newSdkV1(t testing.TB, version oss.AuthVersionType, w where) sdk {
	t.Helper()
	options := []oss.ClientOption{
		oss.AuthVersion(version), oss.Region(w.region), oss.HTTPClient(w.http), oss.UseCname(w.cname),
		oss.ForcePathStyle(w.pathStyle), oss.AdditionalHeaders(w.additionalHeaders), oss.RedirectEnabled(false),
	}
	if w.key.token != "" {
		options = append(options, oss.SecurityToken(w.key.token))
	}
	client := must(oss.New(w.endpoint, w.key.id, w.key.secret, options...))(t)
	return sdkV1{must(client.Bucket(w.bucket))(t)}
}

func optionsV1(h headers) (options []oss.Option) {
	for name, value := range h {
		options = append(options, oss.SetHeader(http.CanonicalHeaderKey(name), value))
	}
	return options
}

func (s sdkV1) put(key string, content []byte, h headers) error {
	return s.bucket.PutObject(key, bytes.NewReader(content), optionsV1(h)...)
}

func (s sdkV1) get(key, byteRange string) ([]byte, error) {
	var options []oss.Option
	if byteRange != "" {
		options = append(options, oss.NormalizedRange(byteRange))
	}
	body, err := s.bucket.GetObject(key, options...)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (s sdkV1) head(key string) (head, error) {
	h, err := s.bucket.GetObjectDetailedMeta(key)
	if err != nil {
		return head{}, err
	}
	return headOf(h), nil
}

func (s sdkV1) acl(key string) (string, error) {
	result, err := s.bucket.GetObjectACL(key)
	return result.ACL, err
}

func (s sdkV1) tags(key string) (map[string]string, error) {
	result, err := s.bucket.GetObjectTagging(key)
	tags := map[string]string{}
	for _, tag := range result.Tags {
		tags[tag.Key] = tag.Value
	}
	return tags, err
}

func (s sdkV1) remove(key string) error { return s.bucket.DeleteObject(key) }

func (s sdkV1) upload(key, uploadID string) oss.InitiateMultipartUploadResult {
	return oss.InitiateMultipartUploadResult{Bucket: s.bucket.BucketName, Key: key, UploadID: uploadID}
}

func (s sdkV1) initiate(key string, h headers) (string, error) {
	result, err := s.bucket.InitiateMultipartUpload(key, optionsV1(h)...)
	return result.UploadID, err
}

func (s sdkV1) uploadPart(key, uploadID string, number int, content []byte) (part, error) {
	size := int64(len(content))
	result, err := s.bucket.UploadPart(s.upload(key, uploadID), bytes.NewReader(content), size, number)
	return part{number, bare(result.ETag), size}, err
}

func (s sdkV1) complete(key, uploadID string, parts []part, h headers) error {
	var list []oss.UploadPart
	for _, p := range parts {
		list = append(list, oss.UploadPart{PartNumber: p.number, ETag: p.etag})
	}
	_, err := s.bucket.CompleteMultipartUpload(s.upload(key, uploadID), list, optionsV1(h)...)
	return err
}

func (s sdkV1) abort(key, uploadID string) error {
	return s.bucket.AbortMultipartUpload(s.upload(key, uploadID))
}

func (s sdkV1) listParts(key, uploadID string, page int) (parts []part, err error) {
	for marker := 0; ; {
		result, err := s.bucket.ListUploadedParts(
			s.upload(key, uploadID), oss.MaxParts(page), oss.PartNumberMarker(marker))
		if err != nil {
			return nil, err
		}
		for _, p := range result.UploadedParts {
			parts = append(parts, part{p.PartNumber, bare(p.ETag), int64(p.Size)})
			marker = p.PartNumber
		}
		if !result.IsTruncated {
			return parts, nil
		}
	}
}

func (s sdkV1) listUploads(prefix string, page int) (uploads []pending, err error) {
	for key, id := "", ""; ; {
		result, err := s.bucket.ListMultipartUploads(
			oss.Prefix(prefix), oss.MaxUploads(page), oss.KeyMarker(key), oss.UploadIDMarker(id))
		if err != nil {
			return nil, err
		}
		for _, u := range result.Uploads {
			uploads = append(uploads, pending{u.Key, u.UploadID})
		}
		if key, id = result.NextKeyMarker, result.NextUploadIDMarker; !result.IsTruncated {
			return uploads, nil
		}
	}
}

func (s sdkV1) listObjects(prefix, delimiter string, page int) (keys, prefixes []string, err error) {
	for token := ""; ; {
		options := []oss.Option{oss.Prefix(prefix), oss.Delimiter(delimiter), oss.MaxKeys(page)}
		if token != "" {
			options = append(options, oss.ContinuationToken(token))
		}
		result, err := s.bucket.ListObjectsV2(options...)
		if err != nil {
			return nil, nil, err
		}
		for _, object := range result.Objects {
			keys = append(keys, object.Key)
		}
		prefixes = append(prefixes, result.CommonPrefixes...)
		if token = result.NextContinuationToken; !result.IsTruncated {
			return keys, prefixes, nil
		}
	}
}

func (s sdkV1) listPage(size int, after, token string) (keys []string, next string, err error) {
	options := []oss.Option{oss.MaxKeys(size), oss.StartAfter(after)}
	if token != "" {
		options = append(options, oss.ContinuationToken(token))
	}
	result, err := s.bucket.ListObjectsV2(options...)
	for _, object := range result.Objects {
		keys = append(keys, object.Key)
	}
	return keys, result.NextContinuationToken, err
}

func (s sdkV1) uploadFile(key, path string, partSize int64, routines int, checkpoints string, h headers) error {
	options := append(optionsV1(h), oss.Routines(routines), oss.CheckpointDir(true, checkpoints))
	return s.bucket.UploadFile(key, path, partSize, options...)
}

func (s sdkV1) downloadFile(key, path string, partSize int64, routines int, checkpoints string) error {
	return s.bucket.DownloadFile(key, path, partSize, oss.Routines(routines), oss.CheckpointDir(true, checkpoints))
}

func (s sdkV1) presign(method, key string, h headers, seconds int64) (string, headers, error) {
	address, err := s.bucket.SignURL(key, oss.HTTPMethod(method), seconds, optionsV1(h)...)
	if err == nil {
		_, err = url.Parse(address)
	}
	return address, h, err
}
