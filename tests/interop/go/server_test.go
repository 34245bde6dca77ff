package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	bucketName   = "test-bucket"
	domain       = "oss.localhost"
	customDomain = "files.localhost"
)

// A key signs requests; the token is empty for a permanent one.
type key struct{ id, secret, token string }

var temporary = key{"STS.temporary", "temporary-secret", "token/with+odd=characters"}

// A server is a local OSS in a process of its own.
type server struct {
	Port            int    `json:"port"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	scheme, caFile  string
	http            *http.Client
	t               testing.TB
}

func serverBinary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("OSS_SERVER")
	if path == "" {
		path = filepath.Join(checkout(t), "target/release/oss-server")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no local OSS at %s: run `cargo build --release -p oss-server`, or set OSS_SERVER", path)
	}
	return path
}

func checkout(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	check(t, err)
	return root
}

// newServer starts a server that lives as long as the test.
func newServer(t testing.TB, scheme string, options ...string) *server {
	t.Helper()
	s := &server{scheme: scheme, t: t}
	arguments := []string{
		"--exit-with-stdin", "--domain", domain, "--cname", customDomain + "=" + bucketName, "--bucket", bucketName,
		"--access-key", "test-id:test-secret",
		"--access-key", strings.Join([]string{temporary.id, temporary.secret, temporary.token}, ":"),
	}
	if scheme == "https" {
		s.caFile = filepath.Join(t.TempDir(), "ca.pem")
		arguments = append(arguments, "--tls", "--ca-file", s.caFile)
	}
	command := exec.Command(serverBinary(t), append(arguments, options...)...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	check(t, err)
	stdout, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() {
		stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the server ended badly: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	check(t, err)
	check(t, json.Unmarshal(line, s))
	s.http = s.newHTTPClient()
	return s
}

// newHTTPClient makes a client that trusts the server, and that takes every name below localhost for this machine
// (RFC 6761), as many resolvers do not yet.
func (s *server) newHTTPClient() *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err == nil && strings.HasSuffix(host, ".localhost") {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}
	if s.caFile != "" {
		pem, err := os.ReadFile(s.caFile)
		check(s.t, err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func (s *server) key() key { return key{s.AccessKeyID, s.AccessKeySecret, ""} }

func (s *server) endpoint(host string) string {
	return fmt.Sprintf("%s://%s:%d", s.scheme, host, s.Port)
}

// tell changes the server's state: clock, faults, policy.
func (s *server) tell(page string, value any) {
	s.t.Helper()
	body, err := json.Marshal(value)
	check(s.t, err)
	s.control(http.MethodPut, page, body)
}

// clockAhead puts the server's clock so many seconds ahead of the machine's.
func (s *server) clockAhead(seconds int) {
	s.t.Helper()
	s.tell("clock", map[string]int{"offset": seconds})
}

// refusePart makes the server refuse a part, or none when the number is 0.
func (s *server) refusePart(number int) {
	s.t.Helper()
	type object = map[string]any
	rules := []object{}
	if number > 0 {
		rules = append(rules, object{
			"match":  object{"operation": "UploadPart", "part": number},
			"action": object{"type": "status", "status": 403, "code": "AccessDenied"},
		})
	}
	s.tell("faults", rules)
}

// A logEntry is what the server remembers of a request.
type logEntry struct {
	Operation     string            `json:"operation"`
	PartNumber    int               `json:"part_number"`
	Status        int               `json:"status"`
	Signature     string            `json:"signature"`
	SignedHeaders []string          `json:"signed_headers"`
	Headers       map[string]string `json:"headers"`
	Stored        bool              `json:"stored"`
}

func (s *server) log() (entries []logEntry) {
	s.t.Helper()
	check(s.t, json.Unmarshal(s.control(http.MethodGet, "log", nil), &entries))
	return entries
}

func (s *server) control(method, page string, body []byte) []byte {
	s.t.Helper()
	request, err := http.NewRequest(method, s.endpoint("127.0.0.1")+"/_server/"+page, bytes.NewReader(body))
	check(s.t, err)
	response, err := s.http.Do(request)
	check(s.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	check(s.t, err)
	if response.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s", method, page, content)
	}
	return content
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return value
	}
}
