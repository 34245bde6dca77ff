package interop

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	oss "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

const (
	vendorPath = "github.com/aliyun/aliyun-oss-go-sdk/oss"
	ourModule  = "github.com/oss-upload/liboss_upload/bindings/go"
	ourPath    = ourModule + "/ossv1"
)

// A program for Alibaba Cloud's SDK v1 does the same with this library when nothing but its import path is changed.
func TestProgramForSdkV1WithAnotherImportPath(t *testing.T) {
	s := newServer(t, "http")
	dir := t.TempDir()
	file := filepath.Join(dir, "source.bin")
	content := bytes.Repeat([]byte("0123456789abcdef"), 1234567/16)
	check(t, os.WriteFile(file, content, 0o600))

	source, err := os.ReadFile("testdata/sample_v1/main.go")
	check(t, err)
	if n := strings.Count(string(source), `"`+vendorPath+`"`); n != 1 {
		t.Fatalf("the sample imports Alibaba Cloud's SDK %d times", n)
	}
	theirs := filepath.Join(dir, "theirs")
	goBuild(t, ".", theirs, "./testdata/sample_v1")
	ours := filepath.Join(dir, "ours")
	goBuild(t, withImportPath(t, string(source)), ours, ".")

	run := func(program, prefix string) string {
		checkpoints := t.TempDir()
		command := exec.Command(program, bucketName, prefix, file, checkpoints)
		command.Env = append(os.Environ(),
			"OSS_ENDPOINT="+s.endpoint("127.0.0.1"), "OSS_REGION="+s.Region, "OSS_ACCESS_KEY_ID="+s.AccessKeyID,
			"OSS_ACCESS_KEY_SECRET="+s.AccessKeySecret, "OSS_SESSION_TOKEN=",
		)
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", program, err, output)
		}
		if left, _ := os.ReadDir(checkpoints); len(left) != 0 {
			t.Errorf("%s leaves %v", program, left)
		}
		return string(output)
	}
	want, got := run(theirs, "theirs/"), run(ours, "ours/")
	if got != want {
		t.Errorf("ours prints\n%s\nnot\n%s", got, want)
	}
	if _, err := os.Stat(file + ".cp"); err == nil {
		t.Error("a checkpoint is left")
	}

	client := must(oss.New(s.endpoint("127.0.0.1"), s.AccessKeyID, s.AccessKeySecret))(t)
	bucket := must(client.Bucket(bucketName))(t)
	for _, key := range []string{"sample.mp4", "options"} {
		want, got := wholeObject(t, bucket, "theirs/"+key), wholeObject(t, bucket, "ours/"+key)
		if got != want {
			t.Errorf("%s is\n%s\nnot\n%s", key, got, want)
		}
		if !strings.Contains(got, string(content)) {
			t.Errorf("%s is not the file", key)
		}
	}
	list := must(bucket.ListObjects())(t)
	if len(list.Objects) != 4 {
		t.Errorf("%d objects", len(list.Objects))
	}
}

// wholeObject is all that OSS tells about an object.
func wholeObject(t *testing.T, bucket *oss.Bucket, key string) string {
	t.Helper()
	var header http.Header
	body := must(bucket.GetObject(key, oss.GetResponseHeader(&header)))(t)
	defer body.Close()
	content := must(io.ReadAll(body))(t)
	for _, changing := range []string{"Date", "Last-Modified", "X-Oss-Request-Id", "X-Oss-Server-Time"} {
		header.Del(changing)
	}
	acl := must(bucket.GetObjectACL(key))(t)
	return fmt.Sprintf("%s %q\n%s", acl.ACL, header, content)
}

// withImportPath makes a module of the sample that imports this library in place of Alibaba Cloud's SDK.
func withImportPath(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.Replace(source, vendorPath, ourPath, 1)), 0o600))
	module := fmt.Sprintf("module sample\n\ngo 1.21\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", ourModule,
		filepath.Join(checkout(t), "bindings/go"))
	check(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o600))
	return dir
}

func goBuild(t *testing.T, dir, output, what string) {
	t.Helper()
	command := exec.Command("go", "build", "-o", output, what)
	command.Dir = dir
	if complaints, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, complaints)
	}
}
