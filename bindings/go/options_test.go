package oss_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	oss "github.com/oss-upload/liboss_upload/bindings/go"
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
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, options := range []any{client, &client, upload, &upload, []any{client, upload}} {
			if shown := fmt.Sprintf(verb, options); strings.Contains(shown, "hush") || strings.Contains(shown, "68757368") {
				t.Errorf("%s: %s", verb, shown)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("begin", "client", client, "upload", &upload)
	if strings.Contains(log.String(), "hush") {
		t.Error(log.String())
	}
	for _, want := range []string{"oss-cn-hangzhou", "an-id", "process", "proxy:3128"} {
		if shown := client.String(); !strings.Contains(shown, want) {
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
