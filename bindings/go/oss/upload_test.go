package oss_test

import (
	"context"
	"fmt"
	"hash/crc64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func TestUpload(t *testing.T) {
	s := newServer(t)
	client := s.client()
	tests := []struct {
		name     string
		size     int
		partSize int64
		routines int
		parts    int
	}{
		{"empty", 0, 0, 0, 1},
		{"small", 1000, 0, 0, 1},
		{"one part", partSize, 0, 0, 1},
		{"one at a time", 7*partSize + 1, 0, 1, 8},
		{"3 routines", 10 * partSize, partSize, 3, 10},
		{"16 routines", 40*partSize - 1, partSize, 16, 40},
		{"larger parts", 5 << 20, 1 << 20, 3, 5},
		{"the library chooses", 3 << 20, oss.PartSizeAuto, oss.RoutinesAuto, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, content := file(t, test.size)
			key := strings.ReplaceAll(test.name, " ", "-")
			result, err := client.UploadFile(context.Background(), path, s.upload(key, func(o *oss.UploadOptions) {
				o.PartSize, o.Routines = test.partSize, test.routines
			}))
			check(t, err)
			header := s.ExpectObject(key, content)
			if want := crc64.Checksum(content, crc64.MakeTable(crc64.ECMA)); result.CRC64 != want {
				t.Errorf("CRC64 is %d, not %d", result.CRC64, want)
			}
			if want := strings.Trim(header.Get("ETag"), `"`); result.ETag != want {
				t.Errorf("ETag is %q, not %q", result.ETag, want)
			}
			if result.Size != int64(test.size) || result.BytesSent != int64(test.size) || result.BytesResumed != 0 {
				t.Errorf("bytes: %+v", result)
			}
			if test.parts != 0 && result.Parts != test.parts {
				t.Errorf("%d parts, not %d", result.Parts, test.parts)
			}
			if (result.Parts > 1) != (result.UploadID != "") || result.RequestID == "" || result.Attempts < result.Parts {
				t.Errorf("%+v", result)
			}
		})
	}
	if n := s.OpenUploads(); n != 0 {
		t.Errorf("%d uploads are left on the server", n)
	}
}

func TestProgressRunsForwardToTheTotal(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 12*partSize)
	var seen []oss.Progress // written without a lock: -race proves that it is the caller's goroutine
	_, err := s.client(limited(2<<20)).UploadFile(context.Background(), path, s.upload("k", func(o *oss.UploadOptions) {
		o.Routines = 3
		o.Progress = func(p oss.Progress) { seen = append(seen, p) }
	}))
	check(t, err)
	s.ExpectObject("k", content)
	if len(seen) < 3 {
		t.Fatalf("only %d calls", len(seen))
	}
	for i, p := range seen[1:] {
		before := seen[i]
		if p.DoneBytes < before.DoneBytes || p.SentBytes < before.SentBytes || p.PartsDone < before.PartsDone ||
			p.Phase < before.Phase || p.DoneBytes > p.TotalBytes {
			t.Errorf("backwards: %+v after %+v", p, before)
		}
		if before.Phase == oss.PhaseEnded {
			t.Errorf("%+v after the end", p)
		}
	}
	last, total := seen[len(seen)-1], int64(len(content))
	if last.Phase != oss.PhaseEnded || last.DoneBytes != total || last.TotalBytes != total || last.PartsDone != 12 {
		t.Errorf("the last one is %+v", last)
	}
}

func TestHeadersAndMetadata(t *testing.T) {
	s := newServer(t)
	client := s.client()
	for _, size := range []int{10, 3 * partSize} {
		path, content := file(t, size)
		_, err := client.UploadFile(context.Background(), path, s.upload("k", func(o *oss.UploadOptions) {
			o.Headers = map[string]string{"Content-Type": "video/mp4", "Cache-Control": "no-cache"}
			o.Metadata = map[string]string{"author": "somebody", "Take": "2"}
			o.ContentMD5 = true
		}))
		check(t, err)
		got := s.ExpectObject("k", content)
		for name, value := range map[string]string{
			"Content-Type": "video/mp4", "Cache-Control": "no-cache", "X-Oss-Meta-Author": "somebody", "X-Oss-Meta-Take": "2",
		} {
			if got.Get(name) != value {
				t.Errorf("%d bytes: %s is %q, not %q", size, name, got.Get(name), value)
			}
		}
	}
}

func TestPathsAreBytes(t *testing.T) {
	s := newServer(t)
	_, content := file(t, 100)
	name := "not UTF-8 \xff\xfe, 中文"
	if runtime.GOOS == "windows" {
		name = "中文"
	}
	path := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(path, content, 0o600))
	_, err := s.client().UploadFile(context.Background(), path, s.upload("k"))
	check(t, err)
	s.ExpectObject("k", content)
}

func TestCredentialsFromTheEnvironment(t *testing.T) {
	s := newServer(t)
	t.Setenv("OSS_ACCESS_KEY_ID", s.AccessKeyID)
	t.Setenv("OSS_ACCESS_KEY_SECRET", s.AccessKeySecret)
	t.Setenv("OSS_SESSION_TOKEN", "")
	path, content := file(t, 100)
	for _, version := range []oss.SignatureVersion{oss.SignatureAuto, oss.SignatureV1, oss.SignatureV4} {
		client := s.client(func(o *oss.ClientOptions) {
			o.AccessKeyID, o.AccessKeySecret, o.SignatureVersion = "", "", version
		})
		key := fmt.Sprintf("v%d", version)
		_, err := client.UploadFile(context.Background(), path, s.upload(key))
		check(t, err)
		s.ExpectObject(key, content)
	}
}

func TestSetCredentials(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 100)
	client := s.client(func(o *oss.ClientOptions) { o.AccessKeySecret = "wrong" })
	_, err := client.UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrService)
	check(t, client.SetCredentials(s.AccessKeyID, s.AccessKeySecret, ""))
	_, err = client.UploadFile(context.Background(), path, s.upload("k"))
	check(t, err)
	s.ExpectObject("k", content)
	expectIs(t, client.SetCredentials(s.AccessKeyID, "", ""), oss.ErrCredentials)
	expectIs(t, client.SetCredentials("a\x00b", "c", ""), oss.ErrInvalidArgument)
}

func TestConcurrentUploads(t *testing.T) {
	s := newServer(t)
	client := s.client()
	path, content := file(t, 10*partSize)
	var group sync.WaitGroup
	for i := 0; i < 12; i++ {
		group.Add(1)
		go func(key string) {
			defer group.Done()
			_, err := client.UploadFile(context.Background(), path, s.upload(key, func(o *oss.UploadOptions) { o.Routines = 3 }))
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}(fmt.Sprint(i))
	}
	group.Wait()
	for i := 0; i < 12 && !t.Failed(); i++ {
		s.ExpectObject(fmt.Sprint(i), content)
	}
}

// A path means what it meant when the call was made.
func TestRelativePaths(t *testing.T) {
	s := newServer(t)
	before, err := os.Getwd()
	check(t, err)
	defer func() { check(t, os.Chdir(before)) }()
	here, elsewhere := t.TempDir(), t.TempDir()
	_, content := file(t, 5*partSize)
	for directory, content := range map[string][]byte{here: content, elsewhere: []byte("another")} {
		check(t, os.WriteFile(filepath.Join(directory, "f"), content, 0o600))
		check(t, os.Mkdir(filepath.Join(directory, "cps"), 0o700))
	}

	check(t, os.Chdir(here))
	upload, err := s.client().Start("f", s.upload("start", func(o *oss.UploadOptions) { o.CheckpointDir = "cps" }))
	check(t, err)
	defer upload.Close()
	check(t, os.Chdir(elsewhere))
	_, err = upload.Wait(context.Background())
	check(t, err)
	s.ExpectObject("start", content)

	if runtime.GOOS == "windows" {
		return // It lets nobody remove the current directory.
	}
	gone := filepath.Join(elsewhere, "gone")
	check(t, os.Mkdir(gone, 0o700))
	check(t, os.Chdir(gone))
	check(t, os.Remove(gone))
	_, err = s.client().UploadFile(context.Background(), "f", s.upload("k"))
	expectIs(t, err, oss.ErrIO, os.ErrNotExist)
}
