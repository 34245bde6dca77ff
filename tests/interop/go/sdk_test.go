// Package interop lets Alibaba Cloud's SDKs for Go, unchanged, use the local OSS, and read what this library uploads.
package interop

import (
	"errors"
	"net/http"
	"testing"

	v2 "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	v1 "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// Where says how to reach a bucket.
type where struct {
	endpoint, region, bucket string
	key                      key
	cname, pathStyle         bool
	additionalHeaders        []string
	http                     *http.Client
}

type headers = map[string]string

type head struct {
	size  int64
	etag  string
	crc64 string
	http.Header
}

type part struct {
	number int
	etag   string
	size   int64
}

type pending struct{ key, uploadID string }

// An sdk is one of Alibaba Cloud's SDKs with one signature version. Every method is a call of the SDK's public interface.
type sdk interface {
	put(key string, content []byte, h headers) error
	get(key, byteRange string) ([]byte, error)
	head(key string) (head, error)
	acl(key string) (string, error)
	tags(key string) (map[string]string, error)
	remove(key string) error

	initiate(key string, h headers) (string, error)
	uploadPart(key, uploadID string, number int, content []byte) (part, error)
	complete(key, uploadID string, parts []part, h headers) error
	abort(key, uploadID string) error
	listParts(key, uploadID string, page int) ([]part, error)
	listUploads(prefix string, page int) ([]pending, error)
	listObjects(prefix, delimiter string, page int) (keys, prefixes []string, err error)
	// listPage lists one page of at most size objects, after a key or from where a token says.
	listPage(size int, after, token string) (keys []string, next string, err error)

	uploadFile(key, path string, partSize int64, routines int, checkpoints string, h headers) error
	downloadFile(key, path string, partSize int64, routines int, checkpoints string) error
	// presign gives a URL, and the headers that must be sent with it.
	presign(method, key string, h headers, seconds int64) (string, headers, error)
}

// A kind is a way to make an sdk.
type kind struct {
	name             string
	version          int
	correctsTheClock bool
	connect          func(t testing.TB, w where) sdk
}

var kinds = []kind{
	{"go-v1-sign1", 1, false, func(t testing.TB, w where) sdk { return newSdkV1(t, v1.AuthV1, w) }},
	{"go-v1-sign4", 4, false, func(t testing.TB, w where) sdk { return newSdkV1(t, v1.AuthV4, w) }},
	{"go-v2-sign1", 1, true, func(t testing.TB, w where) sdk { return newSdkV2(v2.SignatureVersionV1, w) }},
	{"go-v2-sign4", 4, true, func(t testing.TB, w where) sdk { return newSdkV2(v2.SignatureVersionV4, w) }},
}

// connection is how an sdk usually reaches a server.
func connection(s *server) where {
	return where{
		endpoint: s.endpoint("127.0.0.1"), region: s.Region, bucket: bucketName, key: s.key(), http: s.http,
	}
}

// forAll runs a test with every SDK in every version, over HTTP and HTTPS, each with a server of its own.
func forAll(t *testing.T, test func(t *testing.T, s *server, k kind)) {
	for _, scheme := range []string{"http", "https"} {
		for _, k := range kinds {
			t.Run(k.name+"-"+scheme, func(t *testing.T) { test(t, newServer(t, scheme), k) })
		}
	}
}

// forAllConnected is forAll for tests that need no connection of their own.
func forAllConnected(t *testing.T, test func(t *testing.T, s *server, o sdk)) {
	forAll(t, func(t *testing.T, s *server, k kind) { test(t, s, k.connect(t, connection(s))) })
}

// refused demands that an error is this response of the server.
func refused(t testing.TB, err error, code string, status int) {
	t.Helper()
	var old v1.ServiceError
	var young *v2.ServiceError
	var gotCode, ec, id string
	var gotStatus int
	switch {
	case errors.As(err, &old):
		gotCode, gotStatus, ec, id = old.Code, old.StatusCode, old.Ec, old.RequestID
	case errors.As(err, &young):
		gotCode, gotStatus, ec, id = young.Code, young.StatusCode, young.EC, young.RequestID
	default:
		t.Fatalf("wanted %s, got no response of the server: %v", code, err)
	}
	if gotCode != code || gotStatus != status {
		t.Fatalf("wanted %d %s, got %v", status, code, err)
	}
	if ec == "" || id == "" {
		t.Fatalf("a response without EC or request id: %v", err)
	}
}
