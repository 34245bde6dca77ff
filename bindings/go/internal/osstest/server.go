// Package osstest is what the tests of this module share: the project's local OSS server, files, and expectations.
package osstest

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A Server is the project's local OSS, a process of its own for each test.
type Server struct {
	Endpoint        string   `json:"endpoint"`
	Region          string   `json:"region"`
	AccessKeyID     string   `json:"access_key_id"`
	AccessKeySecret string   `json:"access_key_secret"`
	Buckets         []string `json:"buckets"`

	t *testing.T
}

// Main runs the tests of a package, and gives its examples a server of their own.
func Main(m *testing.M) {
	s, stop, err := start("--bucket", "my-bucket")
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

// Checkout is the path of a file in the checkout that this module is a part of.
func Checkout(path string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../..", path)
}

func serverBinary() (string, error) {
	candidates := []string{Checkout("target/release/oss-server"), Checkout("target/debug/oss-server")}
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

// start starts a server, which lives until stop is called.
func start(arguments ...string) (s *Server, stop func() error, err error) {
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
	s = &Server{}
	if err := json.Unmarshal(line, s); err != nil || s.Endpoint == "" || len(s.Buckets) == 0 {
		return nil, nil, fmt.Errorf("the local OSS server's first line is %q: %v: %v", line, err, stop())
	}
	return s, stop, nil
}

// New starts a server that lives as long as the test.
func New(t *testing.T, arguments ...string) *Server {
	t.Helper()
	s, stop, err := start(arguments...)
	Check(t, err)
	s.t = t
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Faults makes the server misbehave, by its fault script.
func (s *Server) Faults(script string) {
	s.t.Helper()
	request, err := http.NewRequest("PUT", s.Endpoint+"/_server/faults", strings.NewReader(script))
	Check(s.t, err)
	response, err := http.DefaultClient.Do(request)
	Check(s.t, err)
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode/100 != 2 {
		s.t.Fatalf("the local OSS server refused the faults: %s: %s", response.Status, body)
	}
}

// Get asks the server as any client of OSS would, signed with version 1. resource is "bucket/key" or "bucket/?uploads".
func (s *Server) Get(resource string) (*http.Response, []byte) {
	s.t.Helper()
	request, err := http.NewRequest("GET", s.Endpoint+"/"+resource, nil)
	Check(s.t, err)
	date := time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha1.New, []byte(s.AccessKeySecret))
	fmt.Fprintf(mac, "GET\n\n\n%s\n/%s", date, resource)
	request.Header.Set("Date", date)
	request.Header.Set("Authorization", "OSS "+s.AccessKeyID+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	Check(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	Check(s.t, err)
	return response, body
}

// ExpectObject fails unless the object is there with this content; it returns the object's headers.
func (s *Server) ExpectObject(key string, content []byte) http.Header {
	s.t.Helper()
	response, body := s.Get(s.Buckets[0] + "/" + key)
	if response.StatusCode != 200 {
		s.t.Fatalf("GET %s: %s: %s", key, response.Status, body)
	}
	if !bytes.Equal(body, content) {
		s.t.Fatalf("%s has %d bytes that differ from the file's %d", key, len(body), len(content))
	}
	return response.Header
}

// ExpectNoObject fails unless there is no such object.
func (s *Server) ExpectNoObject(key string) {
	s.t.Helper()
	if response, _ := s.Get(s.Buckets[0] + "/" + key); response.StatusCode != 404 {
		s.t.Fatalf("GET %s: %s, not 404", key, response.Status)
	}
}

// OpenUploads counts multipart uploads that are neither completed nor aborted.
func (s *Server) OpenUploads() int {
	s.t.Helper()
	response, body := s.Get(s.Buckets[0] + "/?uploads")
	var list struct {
		XMLName xml.Name   `xml:"ListMultipartUploadsResult"`
		Upload  []struct{} `xml:"Upload"`
	}
	if err := xml.Unmarshal(body, &list); response.StatusCode != 200 || err != nil {
		s.t.Fatalf("list of uploads: %s: %s: %v", response.Status, body, err)
	}
	return len(list.Upload)
}
