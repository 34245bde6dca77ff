package oss_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/osstest"
	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

const modulePath = "github.com/oss-upload/liboss_upload/bindings/go"

// consumer is a module of its own, outside of the checkout, that holds testdata/program and takes this one from a folder.
func consumer(t *testing.T, module string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	source, err := os.ReadFile("testdata/program/main.go")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600))
	text := fmt.Sprintf("module program\n\ngo 1.21\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", modulePath, module)
	check(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600))
	return dir
}

// program builds testdata/program with this module in that folder, and gives the path of what was built.
func program(t *testing.T, module, tags string, environment ...string) string {
	t.Helper()
	dir := consumer(t, module)
	runGo(t, dir, environment, "build", "-tags", tags, "-o", "program", ".")
	return filepath.Join(dir, "program")
}

func runGo(t *testing.T, dir string, environment []string, arguments ...string) {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), environment...)
	if complaints, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v: %s", arguments, err, complaints)
	}
}

// here is the folder of this module.
func here() string { return osstest.Checkout("bindings/go") }

// copied is a copy of this module that has no checkout around it. It is also new to the go command, which keeps in its
// cache what pkg-config said for a directory.
func copied(t *testing.T) string {
	t.Helper()
	target := t.TempDir()
	check(t, filepath.WalkDir(here(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(here(), path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(target, name)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(target, name), content, 0o600)
	}))
	return target
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
	s.ExpectObject("k", content)
}

func TestProgramLinkedWithTheCheckout(t *testing.T) {
	built := program(t, here(), "")
	if loaded := libraries(t, built); !strings.Contains(loaded, "target/release/liboss_upload.so") {
		t.Errorf("%s", loaded)
	}
	expectUploads(t, built)
}

func TestProgramLinkedWithTheStaticArchive(t *testing.T) {
	built := program(t, here(), "oss_upload_static")
	if loaded := libraries(t, built); strings.Contains(loaded, "oss_upload") {
		t.Errorf("it needs the shared library: %s", loaded)
	}
	expectUploads(t, built)
}

// The go command takes into vendor/ what is in the folders of packages, and nothing else.
func TestProgramOfAVendoredModule(t *testing.T) {
	dir := consumer(t, copied(t))
	both := "package main\n\nimport _ \"" + modulePath + "/ossv1\"\n"
	check(t, os.WriteFile(filepath.Join(dir, "both.go"), []byte(both), 0o600))
	runGo(t, dir, nil, "mod", "vendor")
	library := osstest.Checkout("target/release")
	runGo(t, dir, []string{"CGO_LDFLAGS=-L" + library}, "build", "-mod=vendor", "-o", "program", ".")
	expectUploads(t, filepath.Join(dir, "program"), "LD_LIBRARY_PATH="+library)
}

// cargo build writes both.
func TestHeaderIsThatOfTheLibrary(t *testing.T) {
	want, err := os.ReadFile(osstest.Checkout("include/oss_upload.h"))
	check(t, err)
	got, err := os.ReadFile("oss_upload.h")
	check(t, err)
	if !bytes.Equal(got, want) {
		t.Error("bindings/go/oss/oss_upload.h is not include/oss_upload.h: cargo build writes both")
	}
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
	header, err := os.ReadFile(osstest.Checkout("include/oss_upload.h"))
	check(t, err)
	place(header, "include", "oss_upload.h")
	library, err := os.ReadFile(osstest.Checkout("target/release/liboss_upload.so"))
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
