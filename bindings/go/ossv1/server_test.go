package oss_test

import (
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/osstest"
	oss "github.com/oss-upload/liboss_upload/bindings/go/ossv1"
)

const partSize = osstest.PartSize

var (
	check    = osstest.Check
	expectIs = osstest.ExpectIs
	exists   = osstest.Exists
	file     = osstest.File
)

func TestMain(m *testing.M) { osstest.Main(m) }

func TestEverythingExportedIsDocumented(t *testing.T) { osstest.ExpectDocumented(t, 100) }

// A server is the project's local OSS, with what this package makes of it.
type server struct {
	*osstest.Server
	t *testing.T
}

func newServer(t *testing.T, arguments ...string) *server {
	t.Helper()
	return &server{osstest.New(t, arguments...), t}
}

// bucket is the server's first bucket, made as Alibaba Cloud's SDK makes it.
func (s *server) bucket(options ...oss.ClientOption) *oss.Bucket {
	s.t.Helper()
	client, err := oss.New(s.Endpoint, s.AccessKeyID, s.AccessKeySecret, append([]oss.ClientOption{oss.Region(s.Region)}, options...)...)
	check(s.t, err)
	s.t.Cleanup(func() { client.Close() })
	bucket, err := client.Bucket(s.Buckets[0])
	check(s.t, err)
	return bucket
}
