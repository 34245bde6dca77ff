package oss_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	oss "github.com/oss-upload/liboss_upload/bindings/go"
)

// A server is the project's local OSS, a process of its own for each test.
type server struct {
	Endpoint        string   `json:"endpoint"`
	Region          string   `json:"region"`
	AccessKeyID     string   `json:"access_key_id"`
	AccessKeySecret string   `json:"access_key_secret"`
	Buckets         []string `json:"buckets"`

	t *testing.T
}

// TestMain gives the examples a server of their own.
func TestMain(m *testing.M) {
	s, stop, err := startServer("--bucket", "my-bucket")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, value := range map[string]string{
		"OSS_ENDPOINT": s.Endpoint, "OSS_REGION": s.Region, "OSS_ACCESS_KEY_ID": s.AccessKeyID,
		"OSS_ACCESS_KEY_SECRET": s.AccessKeySecret, "OSS_SESSION_TOKEN": "",
	} {
		os.Setenv(name, value)
	}
	status := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func serverBinary() (string, error) {
	candidates := []string{"../../target/release/oss-server", "../../target/debug/oss-server"}
	if named := os.Getenv("OSS_SERVER"); named != "" {
		candidates = []string{named}
	}
	for _, path := range candidates {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no local OSS server at %s: run `cargo build --release -p oss-server`, or name one in OSS_SERVER",
		strings.Join(candidates, " or "))
}

// startServer starts a server, which lives until stop is called.
func startServer(arguments ...string) (s *server, stop func() error, err error) {
	binary, err := serverBinary()
	if err != nil {
		return nil, nil, err
	}
	var complaints bytes.Buffer
	command := exec.Command(binary, append([]string{"--exit-with-stdin"}, arguments...)...)
	command.Stderr = &complaints
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error {
		stdin.Close()
		kill := time.AfterFunc(10*time.Second, func() { command.Process.Kill() })
		defer kill.Stop()
		if err := command.Wait(); err != nil {
			return fmt.Errorf("the local OSS server ended with %v: %s", err, &complaints)
		}
		return nil
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, nil, fmt.Errorf("the local OSS server did not start: %v: %v", err, stop())
	}
	s = &server{}
	if err := json.Unmarshal(line, s); err != nil || s.Endpoint == "" || len(s.Buckets) == 0 {
		return nil, nil, fmt.Errorf("the local OSS server's first line is %q: %v: %v", line, err, stop())
	}
	return s, stop, nil
}

func newServer(t *testing.T, arguments ...string) *server {
	t.Helper()
	s, stop, err := startServer(arguments...)
	check(t, err)
	s.t = t
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s
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

// faults makes the server misbehave, by its fault script.
func (s *server) faults(script string) {
	s.t.Helper()
	request, err := http.NewRequest("PUT", s.Endpoint+"/_server/faults", strings.NewReader(script))
	check(s.t, err)
	response, err := http.DefaultClient.Do(request)
	check(s.t, err)
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode/100 != 2 {
		s.t.Fatalf("the local OSS server refused the faults: %s: %s", response.Status, answer)
	}
}

// get asks the server as any client of OSS would, signed with version 1. resource is "bucket/key" or "bucket/?uploads".
func (s *server) get(resource string) (*http.Response, []byte) {
	s.t.Helper()
	request, err := http.NewRequest("GET", s.Endpoint+"/"+resource, nil)
	check(s.t, err)
	date := time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha1.New, []byte(s.AccessKeySecret))
	fmt.Fprintf(mac, "GET\n\n\n%s\n/%s", date, resource)
	request.Header.Set("Date", date)
	request.Header.Set("Authorization", "OSS "+s.AccessKeyID+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	check(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(s.t, err)
	return response, body
}

// expectObject fails unless the object is there with this content; it returns the object's headers.
func (s *server) expectObject(key string, content []byte) http.Header {
	s.t.Helper()
	response, body := s.get(s.Buckets[0] + "/" + key)
	if response.StatusCode != 200 {
		s.t.Fatalf("GET %s: %s: %s", key, response.Status, body)
	}
	if !bytes.Equal(body, content) {
		s.t.Fatalf("%s has %d bytes that differ from the file's %d", key, len(body), len(content))
	}
	return response.Header
}

func (s *server) expectNoObject(key string) {
	s.t.Helper()
	if response, _ := s.get(s.Buckets[0] + "/" + key); response.StatusCode != 404 {
		s.t.Fatalf("GET %s: %s, not 404", key, response.Status)
	}
}

// openUploads counts multipart uploads that are neither completed nor aborted.
func (s *server) openUploads() int {
	s.t.Helper()
	response, body := s.get(s.Buckets[0] + "/?uploads")
	var list struct {
		XMLName xml.Name   `xml:"ListMultipartUploadsResult"`
		Upload  []struct{} `xml:"Upload"`
	}
	if err := xml.Unmarshal(body, &list); response.StatusCode != 200 || err != nil {
		s.t.Fatalf("list of uploads: %s: %s: %v", response.Status, body, err)
	}
	return len(list.Upload)
}

// file makes a local file of random bytes.
func file(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	path = filepath.Join(t.TempDir(), "source.bin")
	check(t, os.WriteFile(path, content, 0o600))
	return path, content
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expectIs fails unless err matches all targets.
func expectIs(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("the error is %v (%T), not %v", err, err, target)
		}
	}
}

// eventually fails unless the condition holds within some seconds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
