package oss_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func TestStatusesMatchTheirSentinels(t *testing.T) {
	sentinels := map[oss.Status]error{
		-1: oss.ErrInvalidArgument, -2: oss.ErrIO, -3: oss.ErrNetwork, -4: oss.ErrTimeout, -5: oss.ErrService,
		-6: oss.ErrCredentials, -7: oss.ErrFileChanged, -8: oss.ErrChecksumMismatch, -9: oss.ErrCheckpoint,
		-10: oss.ErrCheckpointBusy, -11: oss.ErrPaused, -12: oss.ErrCancelled, -13: oss.ErrCallbackFailed,
		-14: oss.ErrUnsupported, -15: oss.ErrResources, -16: oss.ErrFilesFailed, -99: oss.ErrInternal,
	}
	names := map[oss.Status]string{
		oss.StatusInvalidArgument: "OSS_INVALID_ARGUMENT", oss.StatusIO: "OSS_IO", oss.StatusNetwork: "OSS_NETWORK",
		oss.StatusTimeout: "OSS_TIMEOUT", oss.StatusService: "OSS_SERVICE", oss.StatusCredentials: "OSS_CREDENTIALS",
		oss.StatusFileChanged: "OSS_FILE_CHANGED", oss.StatusChecksumMismatch: "OSS_CHECKSUM_MISMATCH",
		oss.StatusCheckpoint: "OSS_CHECKPOINT", oss.StatusCheckpointBusy: "OSS_CHECKPOINT_BUSY",
		oss.StatusPaused: "OSS_PAUSED", oss.StatusCancelled: "OSS_CANCELLED",
		oss.StatusCallbackFailed: "OSS_CALLBACK_FAILED", oss.StatusUnsupported: "OSS_UNSUPPORTED",
		oss.StatusResources: "OSS_RESOURCES", oss.StatusFilesFailed: "OSS_FILES_FAILED", oss.StatusInternal: "OSS_INTERNAL",
	}
	if len(names) != len(sentinels) {
		t.Errorf("%d names, %d sentinels", len(names), len(sentinels))
	}
	for status, name := range names {
		if status.String() != name {
			t.Errorf("%d is %s, not %s", status, status, name)
		}
		for other, sentinel := range sentinels {
			if errors.Is(&oss.Error{Status: status}, sentinel) != (other == status) {
				t.Errorf("%s and %v", name, sentinel)
			}
		}
	}
}

func TestServiceErrors(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 3*partSize)
	wrong := s.client(func(o *oss.ClientOptions) { o.AccessKeySecret = "wrong" })
	tests := []struct {
		client *oss.Client
		bucket string
		status int
		code   string
	}{
		{wrong, s.Buckets[0], 403, "SignatureDoesNotMatch"},
		{s.client(), "no-such-bucket", 404, "NoSuchBucket"},
	}
	for _, test := range tests {
		_, err := test.client.UploadFile(context.Background(), path, &oss.UploadOptions{Bucket: test.bucket, Key: "k"})
		expectIs(t, err, oss.ErrService)
		var failure *oss.Error
		var refused *oss.ServiceError
		if !errors.As(err, &failure) || !errors.As(err, &refused) {
			t.Fatalf("%T: %v", err, err)
		}
		if failure.HTTPStatus != test.status || failure.Code != test.code || failure.RequestID == "" || failure.Retryable ||
			failure.Message == "" {
			t.Errorf("%#v", failure)
		}
		want := oss.ServiceError{
			Code: failure.Code, RequestID: failure.RequestID, EC: failure.EC, StatusCode: failure.HTTPStatus,
			Message: failure.Message,
		}
		if *refused != want {
			t.Errorf("%#v is not %#v", refused, want)
		}
	}
}

func TestLocalFileErrors(t *testing.T) {
	s := newServer(t)
	client := s.client()
	_, err := client.UploadFile(context.Background(), filepath.Join(t.TempDir(), "missing"), s.upload("k"))
	expectIs(t, err, fs.ErrNotExist, oss.ErrIO, syscall.ENOENT)
	var refused *oss.ServiceError
	if errors.As(err, &refused) {
		t.Errorf("the server said nothing, but %v", refused)
	}
	_, err = client.UploadFile(context.Background(), t.TempDir(), s.upload("k"))
	expectIs(t, err, oss.ErrIO)

	path, _ := file(t, 2*partSize)
	_, err = client.UploadFile(context.Background(), path, s.upload("k", func(o *oss.UploadOptions) {
		o.CheckpointPath = filepath.Join(t.TempDir(), "missing", "k.cp")
	}))
	expectIs(t, err, oss.ErrCheckpoint, fs.ErrNotExist)
	s.ExpectNoObject("k")
}

func TestNetworkErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := listener.Addr().String()
	check(t, listener.Close())
	client, err := oss.NewClient(oss.ClientOptions{
		Endpoint: "http://" + address, AccessKeyID: "a", AccessKeySecret: "b", MaxAttempts: 2,
	})
	check(t, err)
	defer client.Close()
	path, _ := file(t, 100)
	_, err = client.UploadFile(context.Background(), path, &oss.UploadOptions{Bucket: "bucket", Key: "k"})
	expectIs(t, err, oss.ErrNetwork, connectionRefused)
	var failure *oss.Error
	if !errors.As(err, &failure) || !failure.Retryable {
		t.Errorf("%#v", failure)
	}
}

func TestInvalidClientOptions(t *testing.T) {
	good := oss.ClientOptions{Region: "cn-hangzhou", AccessKeyID: "a", AccessKeySecret: "b"}
	tests := map[string]func(*oss.ClientOptions){
		"NUL in Endpoint":        func(o *oss.ClientOptions) { o.Endpoint = "a\x00b" },
		"NUL in AccessKeySecret": func(o *oss.ClientOptions) { o.AccessKeySecret = "a\x00b" },
		"not UTF-8":              func(o *oss.ClientOptions) { o.UserAgent = "\xff" },
		"no endpoint":            func(o *oss.ClientOptions) { o.Region = "" },
		"SignatureVersion":       func(o *oss.ClientOptions) { o.SignatureVersion = 3 },
		"V4 without a region":    func(o *oss.ClientOptions) { o.Endpoint, o.Region, o.SignatureVersion = "a.example", "", 4 },
		"ConnectTimeout":         func(o *oss.ClientOptions) { o.ConnectTimeout = -1 },
		"StallTimeout":           func(o *oss.ClientOptions) { o.StallTimeout = 60 * 24 * time.Hour },
		"MaxAttempts":            func(o *oss.ClientOptions) { o.MaxAttempts = 1001 },
		"MaxAttempts below 0":    func(o *oss.ClientOptions) { o.MaxAttempts = -1 },
		"MaxBytesPerSecond":      func(o *oss.ClientOptions) { o.MaxBytesPerSecond = 1023 },
		"rate below 0":           func(o *oss.ClientOptions) { o.MaxBytesPerSecond = -1 },
	}
	for name, change := range tests {
		options := good
		change(&options)
		client, err := oss.NewClient(options)
		if client != nil || !errors.Is(err, oss.ErrInvalidArgument) {
			t.Errorf("%s: %v, %v", name, client, err)
		}
	}
	_, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou", Credentials: "no-such-provider"})
	expectIs(t, err, oss.ErrInvalidArgument)
	_, err = oss.NewClient(oss.ClientOptions{
		Region: "cn-hangzhou", AccessKeyID: "a", AccessKeySecret: "b", CAFile: filepath.Join(t.TempDir(), "missing"),
	})
	expectIs(t, err, oss.ErrIO, fs.ErrNotExist)
}

func TestInvalidUploadOptions(t *testing.T) {
	client, err := oss.NewClient(oss.ClientOptions{Region: "cn-hangzhou", AccessKeyID: "a", AccessKeySecret: "b"})
	check(t, err)
	defer client.Close()
	path, _ := file(t, 100)
	tests := map[string]func(*oss.UploadOptions){
		"no bucket":              func(o *oss.UploadOptions) { o.Bucket = "" },
		"no key":                 func(o *oss.UploadOptions) { o.Key = "" },
		"NUL in Key":             func(o *oss.UploadOptions) { o.Key = "a\x00b" },
		"Key is not UTF-8":       func(o *oss.UploadOptions) { o.Key = "\xff" },
		"bad bucket":             func(o *oss.UploadOptions) { o.Bucket = "A_B" },
		"PartSize":               func(o *oss.UploadOptions) { o.PartSize = 100<<10 - 1 },
		"PartSize below 0":       func(o *oss.UploadOptions) { o.PartSize = -2 },
		"Routines":               func(o *oss.UploadOptions) { o.Routines = 101 },
		"Routines below 0":       func(o *oss.UploadOptions) { o.Routines = -2 },
		"OnFileChange":           func(o *oss.UploadOptions) { o.OnFileChange = 2 },
		"VerifyResume":           func(o *oss.UploadOptions) { o.VerifyResume = 3 },
		"two checkpoints":        func(o *oss.UploadOptions) { o.CheckpointPath, o.CheckpointDir = "a", "b" },
		"header without a name":  func(o *oss.UploadOptions) { o.Headers = map[string]string{"": "x"} },
		"line break in a header": func(o *oss.UploadOptions) { o.Headers = map[string]string{"Expires": "a\r\nb: c"} },
		"NUL in a header":        func(o *oss.UploadOptions) { o.Headers = map[string]string{"Expires": "a\x00"} },
		"NUL in metadata":        func(o *oss.UploadOptions) { o.Metadata = map[string]string{"a\x00": "x"} },
		"metadata without name":  func(o *oss.UploadOptions) { o.Metadata = map[string]string{"": "x"} },
		"metadata twice": func(o *oss.UploadOptions) {
			o.Headers, o.Metadata = map[string]string{"x-oss-meta-a": "1"}, map[string]string{"A": "2"}
		},
	}
	for name, change := range tests {
		options := &oss.UploadOptions{Bucket: "bucket", Key: "k"}
		change(options)
		u, err := client.Start(path, options)
		if u != nil || !errors.Is(err, oss.ErrInvalidArgument) {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
	for _, path := range []string{"", "a\x00b"} {
		_, err = client.Start(path, &oss.UploadOptions{Bucket: "bucket", Key: "k"})
		expectIs(t, err, oss.ErrInvalidArgument)
	}
	_, err = client.Start(path, nil)
	expectIs(t, err, oss.ErrInvalidArgument)
}
