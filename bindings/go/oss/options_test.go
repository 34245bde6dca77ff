package oss_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func TestVersion(t *testing.T) {
	if v := oss.Version(); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
		t.Errorf("the version is %q", v)
	}
}

func TestPrintedOptionsHideSecrets(t *testing.T) {
	client := oss.ClientOptions{
		Endpoint:        "oss-cn-hangzhou.aliyuncs.com",
		AccessKeyID:     "an-id",
		AccessKeySecret: "hush-1",
		SecurityToken:   "hush-2",
		Credentials:     "process:get --password hush-3",
		Proxy:           "http://user:hush-4@proxy:3128",
	}
	upload := oss.UploadOptions{
		Bucket:   "my-bucket",
		Headers:  map[string]string{"x-oss-server-side-encryption-key-id": "hush-5"},
		Metadata: map[string]string{"owner": "hush-6"},
	}
	batch := oss.BatchOptions{Bucket: "my-bucket", Headers: upload.Headers, Metadata: upload.Metadata, Exclude: []string{"*.tmp"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, options := range []any{client, &client, upload, &upload, batch, &batch, []any{client, upload, batch}} {
			if shown := fmt.Sprintf(verb, options); strings.Contains(shown, "hush") || strings.Contains(shown, "68757368") {
				t.Errorf("%s: %s", verb, shown)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("begin", "client", client, "upload", &upload, "batch", batch)
	if strings.Contains(log.String(), "hush") {
		t.Error(log.String())
	}
	for _, want := range []string{"oss-cn-hangzhou", "an-id", "process", "proxy:3128"} {
		if shown := client.String(); !strings.Contains(shown, want) {
			t.Errorf("no %q in %s", want, shown)
		}
	}
	for _, want := range []string{"my-bucket", "x-oss-server-side-encryption-key-id", "owner", "*.tmp"} {
		if shown := batch.GoString(); !strings.Contains(shown, want) {
			t.Errorf("no %q in %s", want, shown)
		}
	}
	for _, want := range []string{"my-bucket", "x-oss-server-side-encryption-key-id", "owner"} {
		if shown := upload.GoString(); !strings.Contains(shown, want) {
			t.Errorf("no %q in %s", want, shown)
		}
	}
	for _, address := range []string{"user:hush@proxy:3128", "http://user:hu%sh@proxy", "http://hush@proxy"} {
		if shown := (oss.ClientOptions{Proxy: address}).String(); strings.Contains(shown, "hu") && !strings.Contains(shown, "(hidden)") {
			t.Errorf("%s is shown as %s", address, shown)
		}
	}
}

// What the server cannot tell from any other upload is seen on the wire.
func TestOptionsOnTheWire(t *testing.T) {
	requests := make(chan *http.Request, 100)
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer peer.Close()
	localhost := strings.Replace(peer.URL, "127.0.0.1", "localhost", 1)
	path, _ := file(t, 100)
	first := func(changes func(*oss.ClientOptions, *oss.UploadOptions)) *http.Request {
		t.Helper()
		where := oss.ClientOptions{Endpoint: localhost, AccessKeyID: "an-id", AccessKeySecret: "b", MaxAttempts: 1}
		what := oss.UploadOptions{Bucket: "bucket", Key: "k"}
		changes(&where, &what)
		client, err := oss.NewClient(where)
		check(t, err)
		defer client.Close()
		_, err = client.UploadFile(context.Background(), path, &what)
		if len(requests) == 0 {
			t.Fatalf("no request has come: %v", err)
		}
		request := <-requests
		for len(requests) > 0 {
			<-requests
		}
		return request
	}

	r := first(func(c *oss.ClientOptions, _ *oss.UploadOptions) { c.CNAME = true })
	if r.URL.Path != "/k" || !strings.HasPrefix(r.Host, "localhost") {
		t.Errorf("CNAME: %s %s", r.Host, r.URL)
	}
	r = first(func(c *oss.ClientOptions, _ *oss.UploadOptions) { c.PathStyle = true })
	if r.URL.Path != "/bucket/k" || !strings.HasPrefix(r.Host, "localhost") {
		t.Errorf("PathStyle: %s %s", r.Host, r.URL)
	}
	r = first(func(c *oss.ClientOptions, u *oss.UploadOptions) {
		c.PathStyle, c.SecurityToken, c.UserAgent, u.ContentMD5 = true, "a-token", "player/7", true
	})
	if r.Header.Get("X-Oss-Security-Token") != "a-token" || r.Header.Get("Content-Md5") == "" ||
		!strings.Contains(r.UserAgent(), "player/7") || !strings.HasPrefix(r.Header.Get("Authorization"), "OSS an-id:") {
		t.Errorf("%v", r.Header)
	}
	r = first(func(c *oss.ClientOptions, _ *oss.UploadOptions) {
		c.PathStyle, c.Region, c.SignatureVersion = true, "cn-beijing", oss.SignatureV4
	})
	if authorization := r.Header.Get("Authorization"); !strings.Contains(authorization, "OSS4-HMAC-SHA256") ||
		!strings.Contains(authorization, "cn-beijing") {
		t.Error(authorization)
	}
	r = first(func(c *oss.ClientOptions, _ *oss.UploadOptions) {
		c.PathStyle, c.Credentials, c.AccessKeyID, c.AccessKeySecret = true, "anonymous", "", ""
	})
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		t.Errorf("anonymous, but %s", authorization)
	}
	r = first(func(c *oss.ClientOptions, _ *oss.UploadOptions) { c.Endpoint, c.Proxy = "http://oss.example", peer.URL })
	if !strings.Contains(r.Host+r.RequestURI, "bucket.oss.example") {
		t.Errorf("Proxy: %s %s %s", r.Method, r.Host, r.RequestURI)
	}
}

func TestTLS(t *testing.T) {
	authority := filepath.Join(t.TempDir(), "ca.pem")
	s := newServer(t, "--tls", "--ca-file", authority)
	path, _ := file(t, 3*partSize)
	once := func(o *oss.ClientOptions) { o.MaxAttempts = 1 }
	_, err := s.client(once).UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrNetwork)
	system := func(o *oss.ClientOptions) { o.CAFile = "system" }
	_, err = s.client(once, system).UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrNetwork)
	if runtime.GOOS == "linux" { // where a variable tells the store's place
		t.Setenv("SSL_CERT_FILE", authority)
		_, err = s.client(once, system).UploadFile(context.Background(), path, s.upload("k"))
		check(t, err)
	}
	for _, trust := range []func(*oss.ClientOptions){
		func(o *oss.ClientOptions) { o.CAFile = authority },
		func(o *oss.ClientOptions) { o.InsecureSkipVerify = true },
	} {
		_, err = s.client(once, trust).UploadFile(context.Background(), path, s.upload("k"))
		check(t, err)
	}
}

func TestStallTimeout(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "PutObject"}, "action": {"type": "stall", "at": "before_processing"}}]`)
	path, _ := file(t, 100)
	client := s.client(func(o *oss.ClientOptions) { o.MaxAttempts, o.StallTimeout = 2, 200*time.Millisecond })
	begin := time.Now()
	_, err := client.UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrTimeout)
	if took := time.Since(begin); took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
