package oss_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	oss "github.com/oss-upload/liboss_upload/bindings/go"
)

// program builds testdata/program in a module of its own, outside of the checkout, with the wrapper in that directory, and
// gives the path of what was built.
func program(t *testing.T, wrapperDir, tags string, environment ...string) string {
	t.Helper()
	dir := t.TempDir()
	source, err := os.ReadFile("testdata/program/main.go")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600))
	const wrapper = "github.com/oss-upload/liboss_upload/bindings/go"
	module := fmt.Sprintf("module program\n\ngo 1.21\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", wrapper, wrapperDir)
	check(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o600))
	command := exec.Command("go", "build", "-tags", tags, "-o", "program", ".")
	command.Dir = dir
	command.Env = append(os.Environ(), environment...)
	if complaints, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build -tags %q: %v: %s", tags, err, complaints)
	}
	return filepath.Join(dir, "program")
}

func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	check(t, err)
	return dir
}

// copied is a copy of this package that has no checkout around it. It is also new to the go command, which keeps in its
// cache what pkg-config said for a directory.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"*.go", "*.c", "*.h", "go.mod"} {
		paths, err := filepath.Glob(pattern)
		check(t, err)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			content, err := os.ReadFile(path)
			check(t, err)
			check(t, os.WriteFile(filepath.Join(dir, path), content, 0o600))
		}
	}
	return dir
}

// libraries are the shared libraries that a program loads, as lines of ldd.
func libraries(t *testing.T, path string, environment ...string) string {
	t.Helper()
	command := exec.Command("ldd", path)
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("ldd: %v: %s", err, output)
	}
	return string(output)
}

// expectUploads fails unless the program uploads a file.
func expectUploads(t *testing.T, program string, environment ...string) {
	t.Helper()
	s := newServer(t)
	path, content := file(t, 3*partSize)
	command := exec.Command(program, s.Endpoint, s.Region, path, s.Buckets[0], "k")
	command.Env = append(append(os.Environ(), environment...),
		"OSS_ACCESS_KEY_ID="+s.AccessKeyID, "OSS_ACCESS_KEY_SECRET="+s.AccessKeySecret, "OSS_SESSION_TOKEN=")
	output, err := command.CombinedOutput()
	if want := fmt.Sprintln(oss.Version(), len(content)); err != nil || string(output) != want {
		t.Fatalf("%v: %q, not %q", err, output, want)
	}
	s.expectObject("k", content)
}

func TestProgramLinkedWithTheCheckout(t *testing.T) {
	built := program(t, here(t), "")
	library, err := filepath.Abs("../../target/release/liboss_upload.so")
	check(t, err)
	if loaded := libraries(t, built); !strings.Contains(loaded, filepath.Base(library)) {
		t.Errorf("%s", loaded)
	}
	expectUploads(t, built)
}

func TestProgramLinkedWithTheStaticArchive(t *testing.T) {
	built := program(t, here(t), "oss_upload_static")
	if loaded := libraries(t, built); strings.Contains(loaded, "oss_upload") {
		t.Errorf("it needs the shared library: %s", loaded)
	}
	expectUploads(t, built)
}

func TestProgramLinkedByPkgConfig(t *testing.T) {
	if _, err := exec.LookPath("pkg-config"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	prefix := install(t)
	lib := filepath.Join(prefix, "lib")
	built := program(t, copied(t), "oss_upload_pkgconfig", "PKG_CONFIG_PATH="+filepath.Join(lib, "pkgconfig"))
	path := "LD_LIBRARY_PATH=" + lib
	if loaded := libraries(t, built, path); !strings.Contains(loaded, lib) {
		t.Errorf("the library is not that of %s: %s", lib, loaded)
	}
	expectUploads(t, built, path)
}

// install puts header, shared library and pkg-config file into a prefix of its own.
func install(t *testing.T) string {
	t.Helper()
	prefix := t.TempDir()
	place := func(content []byte, path ...string) {
		target := filepath.Join(append([]string{prefix}, path...)...)
		check(t, os.MkdirAll(filepath.Dir(target), 0o700))
		check(t, os.WriteFile(target, content, 0o700))
	}
	header, err := os.ReadFile("../../include/oss_upload.h")
	check(t, err)
	place(header, "include", "oss_upload.h")
	library, err := os.ReadFile("../../target/release/liboss_upload.so")
	check(t, err)
	place(library, "lib", "liboss_upload.so")
	described, err := elf.Open(filepath.Join(prefix, "lib", "liboss_upload.so"))
	check(t, err)
	defer described.Close()
	if names, _ := described.DynString(elf.DT_SONAME); len(names) == 1 && names[0] != "liboss_upload.so" {
		check(t, os.Symlink("liboss_upload.so", filepath.Join(prefix, "lib", names[0])))
	}
	place([]byte(fmt.Sprintf("prefix=%s\nName: oss_upload\nDescription: resumable uploads\nVersion: %s\n"+
		"Cflags: -I${prefix}/include\nLibs: -L${prefix}/lib -loss_upload\n", prefix, oss.Version())),
		"lib", "pkgconfig", "oss_upload.pc")
	return prefix
}
