package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// start runs a program until the test ends, and gives the first line that it prints.
func start(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	check(t, err)
	return line
}

// A rig is the local OSS, and the service's program with what it needs.
type rig struct {
	t           *testing.T
	program     string
	root        string
	checkpoints string
	oss         struct {
		Endpoint        string `json:"endpoint"`
		Region          string `json:"region"`
		AccessKeyID     string `json:"access_key_id"`
		AccessKeySecret string `json:"access_key_secret"`
	}
	service string // its address
	process *exec.Cmd
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, program: filepath.Join(t.TempDir(), "go-service"), root: t.TempDir(), checkpoints: t.TempDir()}
	if output, err := exec.Command("go", "build", "-o", r.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, output)
	}
	binary := os.Getenv("OSS_SERVER")
	if binary == "" {
		binary = "../../target/release/oss-server"
	}
	check(t, json.Unmarshal([]byte(start(t, exec.Command(binary, "--bucket", "my-bucket"))), &r.oss))
	r.serve()
	return r
}

// serve starts the service.
func (r *rig) serve() {
	r.t.Helper()
	r.process = exec.Command(r.program,
		"-listen", "127.0.0.1:0", "-bucket", "my-bucket", "-root", r.root, "-checkpoints", r.checkpoints)
	r.process.Env = append(os.Environ(), "OSS_ENDPOINT="+r.oss.Endpoint, "OSS_REGION="+r.oss.Region,
		"OSS_ACCESS_KEY_ID="+r.oss.AccessKeyID, "OSS_ACCESS_KEY_SECRET="+r.oss.AccessKeySecret, "OSS_SESSION_TOKEN=")
	r.service = "http://" + strings.TrimSpace(strings.TrimPrefix(start(r.t, r.process), "listening on ")) + "/uploads"
}

// slow has the local OSS read parts slowly, or not.
func (r *rig) slow(slow bool) {
	r.t.Helper()
	script := `[]`
	if slow {
		script = `[{"match": {"operation": "UploadPart"}, "action": {"type": "slow_read", "bytes_per_second": 1000000}}]`
	}
	request, err := http.NewRequest("PUT", r.oss.Endpoint+"/_server/faults", strings.NewReader(script))
	check(r.t, err)
	response, err := http.DefaultClient.Do(request)
	check(r.t, err)
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		r.t.Fatal(response.Status)
	}
}

// post asks for an upload, and gives the status and the response, or the error of the request.
func (r *rig) post(ctx context.Context, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, "POST", r.service, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	return response.StatusCode, string(said), err
}

func (r *rig) states() (states []state) {
	r.t.Helper()
	response, err := http.Get(r.service)
	check(r.t, err)
	defer response.Body.Close()
	check(r.t, json.NewDecoder(response.Body).Decode(&states))
	return states
}

func (r *rig) waitForAPart() {
	r.t.Helper()
	eventually(r.t, "no part is done", func() bool {
		states := r.states()
		return len(states) == 1 && states[0].PartsDone > 0
	})
}

func (r *rig) expectCheckpoints(want bool) {
	r.t.Helper()
	entries, err := os.ReadDir(r.checkpoints)
	check(r.t, err)
	if (len(entries) > 0) != want {
		r.t.Errorf("checkpoints: %v", entries)
	}
}

func (r *rig) file(size int) (name string, crc uint64) {
	content := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	check(r.t, os.WriteFile(filepath.Join(r.root, "a.mp4"), content, 0o600))
	return "a.mp4", crc64.Checksum(content, crc64.MakeTable(crc64.ECMA))
}

// expectStored fails unless the upload succeeds, with or without bytes of an earlier one.
func (r *rig) expectStored(body string, crc uint64, resumed bool) {
	r.t.Helper()
	status, said, err := r.post(context.Background(), body)
	check(r.t, err)
	var object stored
	check(r.t, json.Unmarshal([]byte(said), &object))
	if status != http.StatusCreated || object.CRC64 != strconv.FormatUint(crc, 10) || (object.BytesResumed > 0) != resumed {
		r.t.Errorf("%d: %s", status, said)
	}
	r.expectCheckpoints(false)
}

func TestUpload(t *testing.T) {
	r := newRig(t)
	name, crc := r.file(5 << 20)
	r.expectStored(fmt.Sprintf(`{"file": %q, "key": "k"}`, name), crc, false)
	for body, want := range map[string]int{
		`{"file": "a.mp4"}`:                   http.StatusBadRequest,
		`{"file": "../a.mp4", "key": "k"}`:    http.StatusBadRequest,
		`{"file": "/etc/passwd", "key": "k"}`: http.StatusBadRequest,
		`nonsense`:                            http.StatusBadRequest,
		`{"file": "missing", "key": "k"}`:     http.StatusNotFound,
	} {
		status, said, err := r.post(context.Background(), body)
		check(t, err)
		if status != want {
			t.Errorf("%s: %d: %s", body, status, said)
		}
	}
}

func TestClientGoesAway(t *testing.T) {
	r := newRig(t)
	name, crc := r.file(16 << 20)
	body := fmt.Sprintf(`{"file": %q, "key": "k"}`, name)
	r.slow(true)
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() {
		_, _, err := r.post(ctx, body)
		gone <- err
	}()
	r.waitForAPart()
	cancel()
	if err := <-gone; err == nil {
		t.Error("the request was answered")
	}
	eventually(t, "the upload goes on", func() bool { return len(r.states()) == 0 })
	r.expectCheckpoints(true)
	r.slow(false)
	r.expectStored(body, crc, true)
}

func TestShutdown(t *testing.T) {
	r := newRig(t)
	name, crc := r.file(16 << 20)
	body := fmt.Sprintf(`{"file": %q, "key": "k"}`, name)
	r.slow(true)
	type outcome struct {
		status int
		said   string
		err    error
	}
	answered := make(chan outcome)
	go func() {
		status, said, err := r.post(context.Background(), body)
		answered <- outcome{status, said, err}
	}()
	r.waitForAPart()
	check(t, r.process.Process.Signal(syscall.SIGTERM))
	if got := <-answered; got.err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("%+v", got)
	}
	if err := r.process.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
	r.expectCheckpoints(true)
	r.slow(false)
	r.serve()
	r.expectStored(body, crc, true)
}
