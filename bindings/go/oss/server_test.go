package oss_test

import (
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/osstest"
	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

const partSize = osstest.PartSize

var (
	check      = osstest.Check
	expectIs   = osstest.ExpectIs
	eventually = osstest.Eventually
	exists     = osstest.Exists
	file       = osstest.File
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

func (s *server) options() oss.ClientOptions {
	return oss.ClientOptions{
		Endpoint:        s.Endpoint,
		Region:          s.Region,
		AccessKeyID:     s.AccessKeyID,
		AccessKeySecret: s.AccessKeySecret,
	}
}

// client is a client of the server; changes are made to its options before.
func (s *server) client(changes ...func(*oss.ClientOptions)) *oss.Client {
	s.t.Helper()
	options := s.options()
	for _, change := range changes {
		change(&options)
	}
	client, err := oss.NewClient(options)
	check(s.t, err)
	s.t.Cleanup(func() { client.Close() })
	return client
}

func limited(bytesPerSecond int64) func(*oss.ClientOptions) {
	return func(o *oss.ClientOptions) { o.MaxBytesPerSecond = bytesPerSecond }
}

// upload are options with bucket and key.
func (s *server) upload(key string, changes ...func(*oss.UploadOptions)) *oss.UploadOptions {
	options := &oss.UploadOptions{Bucket: s.Buckets[0], Key: key}
	for _, change := range changes {
		change(options)
	}
	return options
}
