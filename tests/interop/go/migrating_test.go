package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	oss "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

var goProgram = regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```")

// The programs of docs/migrating-from-go.md run as they stand, old and new.
func TestProgramsOfTheMigrationNotes(t *testing.T) {
	s := newServer(t, "http", "--bucket", "my-bucket", "--region", "cn-hangzhou")
	text, err := os.ReadFile(filepath.Join(checkout(t), "docs/migrating-from-go.md"))
	check(t, err)
	programs := goProgram.FindAllStringSubmatch(string(text), -1)
	if len(programs) != 3 {
		t.Fatalf("%d programs", len(programs))
	}
	bucket := must(must(oss.New(s.endpoint("127.0.0.1"), s.AccessKeyID, s.AccessKeySecret))(t).Bucket("my-bucket"))(t)
	var objects []string
	for i, program := range programs {
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program[1]), 0o600))
		check(t, os.WriteFile(filepath.Join(dir, "a.mp4"), []byte(strings.Repeat("0123456789", 300_000)), 0o600))
		bothModules(t, dir)
		goBuild(t, dir, "program", ".")
		command := exec.Command(filepath.Join(dir, "program"))
		command.Dir = dir
		command.Env = append(os.Environ(), "OSS_ENDPOINT="+s.endpoint("127.0.0.1"), "OSS_ACCESS_KEY_ID="+s.AccessKeyID,
			"OSS_ACCESS_KEY_SECRET="+s.AccessKeySecret, "OSS_SESSION_TOKEN=", "TMPDIR="+dir)
		output, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(output), "stored videos/a.mp4") {
			t.Fatalf("program %d: %v: %s", i+1, err, output)
		}
		objects = append(objects, wholeObject(t, bucket, "videos/a.mp4"))
		check(t, bucket.DeleteObject("videos/a.mp4"))
	}
	// The two of v2 say the same.
	if objects[1] != objects[2] {
		t.Errorf("%s\nis not\n%s", objects[2], objects[1])
	}
}

// bothModules makes a module that has Alibaba Cloud's SDKs, as this one has them, and this library.
func bothModules(t *testing.T, dir string) {
	t.Helper()
	module := string(must(os.ReadFile("go.mod"))(t))
	module += fmt.Sprintf("\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", ourModule, filepath.Join(checkout(t), "bindings/go"))
	check(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "go.sum"), must(os.ReadFile("go.sum"))(t), 0o600))
}
