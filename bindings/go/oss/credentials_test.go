package oss_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func from(source string) func(*oss.ClientOptions) {
	return func(o *oss.ClientOptions) {
		o.AccessKeyID, o.AccessKeySecret, o.Credentials, o.MaxAttempts = "", "", source, 1
	}
}

func TestCredentialsFromAnAddress(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 100)
	asked := 0
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": s.AccessKeyID, "AccessKeySecret": s.AccessKeySecret})
	}))
	defer vendor.Close()
	client := s.client(from("uri:" + vendor.URL + "/key"))
	for _, key := range []string{"a", "b"} {
		_, err := client.UploadFile(context.Background(), path, s.upload(key))
		check(t, err)
		s.ExpectObject(key, content)
	}
	if asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

func TestCredentialsThatFailToCome(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 100)
	_, err := s.client(from("process:echo hush& exit 3")).UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrCredentials)
	if !strings.Contains(err.Error(), "process: the command ended with status 3") || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

func TestWaitingForCredentials(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 100)
	client := s.client(func(o *oss.ClientOptions) { o.AccessKeyID, o.CredentialsWait = "unknown", 10*time.Minute })
	u, err := client.Start(path, s.upload("k"))
	check(t, err)
	defer u.Close()
	eventually(t, "it does not wait", func() bool { return u.Progress().Phase == oss.PhaseWaiting })
	check(t, client.SetCredentials(s.AccessKeyID, s.AccessKeySecret, ""))
	_, err = u.Wait(context.Background())
	check(t, err)
	s.ExpectObject("k", content)
	if name := oss.PhaseWaiting.String(); name != "waiting" {
		t.Error(name)
	}
}
