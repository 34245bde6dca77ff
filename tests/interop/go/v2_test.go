package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	oss "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

// sdkV2 is github.com/aliyun/alibabacloud-oss-go-sdk-v2.
type sdkV2 struct {
	client *oss.Client
	bucket *string
}

var background = context.Background()

func newSdkV2(version oss.SignatureVersionType, w where) sdk {
	config := oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider(w.key.id, w.key.secret, w.key.token)).
		WithEndpoint(w.endpoint).WithRegion(w.region).WithSignatureVersion(version).WithHttpClient(w.http).
		WithUseCName(w.cname).WithUsePathStyle(w.pathStyle).WithAdditionalHeaders(w.additionalHeaders)
	return sdkV2{oss.NewClient(config), oss.Ptr(w.bucket)}
}

func common(h headers) oss.RequestCommon { return oss.RequestCommon{Headers: h} }

func (s sdkV2) put(key string, content []byte, h headers) error {
	_, err := s.client.PutObject(background, &oss.PutObjectRequest{
		Bucket: s.bucket, Key: &key, Body: bytes.NewReader(content), RequestCommon: common(h),
	})
	return err
}

func (s sdkV2) get(key, byteRange string) ([]byte, error) {
	request := &oss.GetObjectRequest{Bucket: s.bucket, Key: &key}
	if byteRange != "" {
		request.Range = oss.Ptr("bytes=" + byteRange)
	}
	result, err := s.client.GetObject(background, request)
	if err != nil {
		return nil, err
	}
	defer result.Body.Close()
	return io.ReadAll(result.Body)
}

func (s sdkV2) head(key string) (head, error) {
	result, err := s.client.HeadObject(background, &oss.HeadObjectRequest{Bucket: s.bucket, Key: &key})
	if err != nil {
		return head{}, err
	}
	return headOf(result.Headers), nil
}

func (s sdkV2) acl(key string) (string, error) {
	result, err := s.client.GetObjectAcl(background, &oss.GetObjectAclRequest{Bucket: s.bucket, Key: &key})
	if err != nil {
		return "", err
	}
	return oss.ToString(result.ACL), nil
}

func (s sdkV2) tags(key string) (map[string]string, error) {
	result, err := s.client.GetObjectTagging(background, &oss.GetObjectTaggingRequest{Bucket: s.bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, tag := range result.Tags {
		tags[oss.ToString(tag.Key)] = oss.ToString(tag.Value)
	}
	return tags, nil
}

func (s sdkV2) remove(key string) error {
	_, err := s.client.DeleteObject(background, &oss.DeleteObjectRequest{Bucket: s.bucket, Key: &key})
	return err
}

func (s sdkV2) initiate(key string, h headers) (string, error) {
	result, err := s.client.InitiateMultipartUpload(background, &oss.InitiateMultipartUploadRequest{
		Bucket: s.bucket, Key: &key, RequestCommon: common(h),
	})
	if err != nil {
		return "", err
	}
	return oss.ToString(result.UploadId), nil
}

func (s sdkV2) uploadPart(key, uploadID string, number int, content []byte) (part, error) {
	result, err := s.client.UploadPart(background, &oss.UploadPartRequest{
		Bucket: s.bucket, Key: &key, UploadId: &uploadID, PartNumber: int32(number), Body: bytes.NewReader(content),
	})
	if err != nil {
		return part{}, err
	}
	return part{number, bare(oss.ToString(result.ETag)), int64(len(content))}, nil
}

func (s sdkV2) complete(key, uploadID string, parts []part, h headers) error {
	list := []oss.UploadPart{}
	for _, p := range parts {
		list = append(list, oss.UploadPart{PartNumber: int32(p.number), ETag: oss.Ptr(p.etag)})
	}
	_, err := s.client.CompleteMultipartUpload(background, &oss.CompleteMultipartUploadRequest{
		Bucket: s.bucket, Key: &key, UploadId: &uploadID, RequestCommon: common(h),
		CompleteMultipartUpload: &oss.CompleteMultipartUpload{Parts: list},
	})
	return err
}

func (s sdkV2) abort(key, uploadID string) error {
	_, err := s.client.AbortMultipartUpload(background, &oss.AbortMultipartUploadRequest{
		Bucket: s.bucket, Key: &key, UploadId: &uploadID,
	})
	return err
}

func (s sdkV2) listParts(key, uploadID string, page int) (parts []part, err error) {
	pages := s.client.NewListPartsPaginator(&oss.ListPartsRequest{
		Bucket: s.bucket, Key: &key, UploadId: &uploadID, MaxParts: int32(page),
	})
	for pages.HasNext() {
		result, err := pages.NextPage(background)
		if err != nil {
			return nil, err
		}
		for _, p := range result.Parts {
			parts = append(parts, part{int(p.PartNumber), bare(oss.ToString(p.ETag)), p.Size})
		}
	}
	return parts, nil
}

func (s sdkV2) listUploads(prefix string, page int) (uploads []pending, err error) {
	pages := s.client.NewListMultipartUploadsPaginator(&oss.ListMultipartUploadsRequest{
		Bucket: s.bucket, Prefix: &prefix, MaxUploads: int32(page),
	})
	for pages.HasNext() {
		result, err := pages.NextPage(background)
		if err != nil {
			return nil, err
		}
		for _, u := range result.Uploads {
			uploads = append(uploads, pending{oss.ToString(u.Key), oss.ToString(u.UploadId)})
		}
	}
	return uploads, nil
}

func (s sdkV2) listObjects(prefix, delimiter string, page int) (keys, prefixes []string, err error) {
	pages := s.client.NewListObjectsV2Paginator(&oss.ListObjectsV2Request{
		Bucket: s.bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: int32(page),
	})
	for pages.HasNext() {
		result, err := pages.NextPage(background)
		if err != nil {
			return nil, nil, err
		}
		for _, object := range result.Contents {
			keys = append(keys, oss.ToString(object.Key))
		}
		for _, p := range result.CommonPrefixes {
			prefixes = append(prefixes, oss.ToString(p.Prefix))
		}
	}
	return keys, prefixes, nil
}

func (s sdkV2) listPage(size int, after, token string) (keys []string, next string, err error) {
	request := &oss.ListObjectsV2Request{
		Bucket: s.bucket, MaxKeys: int32(size), StartAfter: &after, EncodingType: oss.Ptr("url"),
	}
	if token != "" {
		request.ContinuationToken = &token
	}
	result, err := s.client.ListObjectsV2(background, request)
	if err != nil {
		return nil, "", err
	}
	for _, object := range result.Contents {
		keys = append(keys, oss.ToString(object.Key))
	}
	return keys, oss.ToString(result.NextContinuationToken), nil
}

// uploadFile gives the headers as fields: the uploader hands each field to the request that it belongs to.
func (s sdkV2) uploadFile(key, path string, partSize int64, routines int, checkpoints string, h headers) error {
	request := &oss.PutObjectRequest{Bucket: s.bucket, Key: &key, Metadata: map[string]string{}}
	for name, value := range h {
		switch meta, isMeta := strings.CutPrefix(name, "x-oss-meta-"); {
		case isMeta:
			request.Metadata[meta] = value
		case name == "Content-Type":
			request.ContentType = oss.Ptr(value)
		case name == "x-oss-object-acl":
			request.Acl = oss.ObjectACLType(value)
		default:
			return fmt.Errorf("no field for %s", name)
		}
	}
	uploader := s.client.NewUploader(func(o *oss.UploaderOptions) {
		o.PartSize, o.ParallelNum = partSize, routines
		o.EnableCheckpoint, o.CheckpointDir = true, checkpoints+string(os.PathSeparator)
	})
	_, err := uploader.UploadFile(background, request, path)
	return err
}

func (s sdkV2) downloadFile(key, path string, partSize int64, routines int, checkpoints string) error {
	downloader := s.client.NewDownloader(func(o *oss.DownloaderOptions) {
		o.PartSize, o.ParallelNum = partSize, routines
		o.EnableCheckpoint, o.CheckpointDir = true, checkpoints+string(os.PathSeparator)
	})
	_, err := downloader.DownloadFile(background, &oss.GetObjectRequest{Bucket: s.bucket, Key: &key}, path)
	return err
}

func (s sdkV2) presign(method, key string, h headers, seconds int64) (string, headers, error) {
	requests := map[string]any{
		http.MethodGet:  &oss.GetObjectRequest{Bucket: s.bucket, Key: &key, RequestCommon: common(h)},
		http.MethodHead: &oss.HeadObjectRequest{Bucket: s.bucket, Key: &key, RequestCommon: common(h)},
		http.MethodPut:  &oss.PutObjectRequest{Bucket: s.bucket, Key: &key, RequestCommon: common(h)},
	}
	result, err := s.client.Presign(background, requests[method], oss.PresignExpires(time.Duration(seconds)*time.Second))
	if err != nil {
		return "", nil, err
	}
	return result.URL, result.SignedHeaders, nil
}

func headOf(h http.Header) head {
	var size int64
	fmt.Sscan(h.Get("Content-Length"), &size)
	return head{size, bare(h.Get("ETag")), h.Get("X-Oss-Hash-Crc64ecma"), h}
}

func bare(etag string) string { return strings.Trim(etag, `"`) }
