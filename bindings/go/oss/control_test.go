package oss_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// soon is how long a stop may take.
const soon = 2 * time.Second

func TestContextEndsBefore(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 100)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	result, err := s.client().UploadFile(ctx, path, s.upload("k"))
	expectIs(t, err, context.Canceled)
	if result != nil {
		t.Errorf("%+v", result)
	}
	s.ExpectNoObject("k")
}

func TestContextEndsInTheMiddle(t *testing.T) {
	slowClient := func(s *server) *oss.Client { return s.client(limited(200 << 10)) }
	slowServer := func(s *server) *oss.Client {
		s.Faults(`[{"match": {"operation": "UploadPart"}, "action": {"type": "slow_read", "bytes_per_second": 100000}}]`)
		return s.client()
	}
	for name, slow := range map[string]func(*server) *oss.Client{"slow client": slowClient, "slow server": slowServer} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			path, _ := file(t, 40*partSize)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var ended time.Time
			result, err := slow(s).UploadFile(ctx, path, s.upload("k", func(o *oss.UploadOptions) {
				o.Progress = func(p oss.Progress) {
					if p.PartsDone > 0 && ended.IsZero() {
						ended = time.Now()
						cancel()
					}
				}
			}))
			took := time.Since(ended)
			expectIs(t, err, context.Canceled, oss.ErrPaused)
			if took > soon {
				t.Errorf("it took %v", took)
			}
			if result == nil || result.BytesSent == 0 {
				t.Errorf("the result is %+v", result)
			}
			s.ExpectNoObject("k")
			if n := s.OpenUploads(); n != 0 {
				t.Errorf("%d uploads are left on the server, without a checkpoint", n)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 40*partSize)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := s.client(limited(200<<10)).UploadFile(ctx, path, s.upload("k"))
	expectIs(t, err, context.DeadlineExceeded, oss.ErrPaused)
	if took := time.Since(begin); took > soon {
		t.Errorf("it took %v", took)
	}
}

func TestPauseAndResume(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 20*partSize)
	named, dir := filepath.Join(t.TempDir(), "named.cp"), t.TempDir()
	places := map[string]func(*oss.UploadOptions){
		"beside": func(o *oss.UploadOptions) { o.Checkpoint = true },
		"path":   func(o *oss.UploadOptions) { o.CheckpointPath = named },
		"dir":    func(o *oss.UploadOptions) { o.CheckpointDir = dir },
	}
	inDir := func() bool {
		entries, err := os.ReadDir(dir)
		check(t, err)
		return len(entries) > 0
	}
	there := map[string]func() bool{
		"beside": func() bool { return exists(path + ".cp") },
		"path":   func() bool { return exists(named) },
		"dir":    inDir,
	}
	slow, fast := s.client(limited(1<<20)), s.client()
	for key, place := range places {
		t.Run(key, func(t *testing.T) {
			options := s.upload(key, place)
			u, err := slow.Start(path, options)
			check(t, err)
			defer u.Close()
			eventually(t, "no part is done", func() bool { return u.Progress().PartsDone >= 2 })
			begin := time.Now()
			u.Pause()
			_, err = u.Wait(context.Background())
			expectIs(t, err, oss.ErrPaused)
			if took := time.Since(begin); took > soon {
				t.Errorf("it took %v", took)
			}
			paused := u.Progress()
			if paused.Phase != oss.PhaseEnded || !there[key]() {
				t.Fatalf("%+v, checkpoint: %v", paused, there[key]())
			}
			var first oss.Progress
			result, err := fast.UploadFile(context.Background(), path, s.upload(key, place, func(o *oss.UploadOptions) {
				o.VerifyResume = oss.VerifyAlways
				o.Progress = func(p oss.Progress) {
					if first.ResumedBytes == 0 {
						first = p
					}
				}
			}))
			check(t, err)
			s.ExpectObject(key, content)
			if result.PartsResumed < paused.PartsDone || result.BytesResumed != int64(result.PartsResumed)*partSize ||
				result.BytesSent+result.BytesResumed != int64(len(content)) || result.RestartReason != "" {
				t.Errorf("after %+v: %+v", paused, result)
			}
			if first.ResumedBytes != result.BytesResumed {
				t.Errorf("progress counts %d resumed bytes, the result %d", first.ResumedBytes, result.BytesResumed)
			}
			if there[key]() {
				t.Error("the checkpoint is still there")
			}
		})
	}
}

func TestCheckpointBusy(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 20*partSize)
	options := s.upload("k", func(o *oss.UploadOptions) { o.Checkpoint = true })
	client := s.client(limited(200 << 10))
	u, err := client.Start(path, options)
	check(t, err)
	defer u.Close()
	eventually(t, "nothing is sent", func() bool { return u.Progress().SentBytes > 0 })
	_, err = client.UploadFile(context.Background(), path, options)
	expectIs(t, err, oss.ErrCheckpointBusy)
	u.Cancel()
	_, err = u.Wait(context.Background())
	expectIs(t, err, oss.ErrCancelled)
}

func TestCancelLeavesNothing(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 20*partSize)
	u, err := s.client(limited(1<<20)).Start(path, s.upload("k", func(o *oss.UploadOptions) {
		o.Checkpoint, o.Routines = true, 3
	}))
	check(t, err)
	defer u.Close()
	eventually(t, "no part is done", func() bool { return u.Progress().PartsDone >= 2 })
	if s.OpenUploads() != 1 || !exists(path+".cp") {
		t.Fatal("there is nothing that could be left")
	}
	begin := time.Now()
	u.Cancel()
	_, err = u.Wait(context.Background())
	expectIs(t, err, oss.ErrCancelled)
	if took := time.Since(begin); took > soon {
		t.Errorf("it took %v", took)
	}
	s.ExpectNoObject("k")
	if n := s.OpenUploads(); n != 0 {
		t.Errorf("%d uploads are left on the server", n)
	}
	if exists(path + ".cp") {
		t.Error("the checkpoint is left")
	}
}

func TestFileChangesMeanwhile(t *testing.T) {
	s := newServer(t)
	client := s.client(limited(1 << 20))
	upload := func(key string, policy oss.OnFileChange) (content []byte, result *oss.Result, err error) {
		path, content := file(t, 10*partSize)
		changed := false
		result, err = client.UploadFile(context.Background(), path, s.upload(key, func(o *oss.UploadOptions) {
			o.OnFileChange = policy
			o.Progress = func(p oss.Progress) {
				if p.PartsDone >= 2 && !changed {
					changed = true
					content = content[partSize+1:]
					check(t, os.WriteFile(path, content, 0o600))
				}
			}
		}))
		return content, result, err
	}
	_, _, err := upload("failed", oss.FailOnFileChange)
	expectIs(t, err, oss.ErrFileChanged)
	s.ExpectNoObject("failed")

	content, result, err := upload("restarted", oss.RestartOnFileChange)
	check(t, err)
	s.ExpectObject("restarted", content)
	if result.RestartReason == "" || result.Size != int64(len(content)) {
		t.Errorf("%+v", result)
	}
}

func TestWaitGivesTheSameAgain(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 5*partSize)
	client := s.client()
	u, err := client.Start(path, s.upload("k"))
	check(t, err)
	check(t, client.Close()) // in any order
	var group sync.WaitGroup
	results := make([]*oss.Result, 8)
	for i := range results {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			var err error
			if results[i], err = u.Wait(context.Background()); err != nil {
				t.Error(err)
			}
		}(i)
	}
	group.Wait()
	check(t, u.Close())
	last, err := u.Wait(context.Background())
	check(t, err)
	for _, result := range results {
		if !reflect.DeepEqual(result, last) {
			t.Errorf("%+v is not %+v", result, last)
		}
	}
	if u.Progress().DoneBytes != int64(len(content)) {
		t.Errorf("after Close: %+v", u.Progress())
	}
	u.Pause()
	u.Cancel()
	check(t, u.Close())
	s.ExpectObject("k", content)
}

func TestPanicInProgress(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 20*partSize)
	options := s.upload("k", func(o *oss.UploadOptions) {
		o.Checkpoint = true
		o.Progress = func(p oss.Progress) {
			if p.PartsDone >= 2 {
				panic("on purpose")
			}
		}
	})
	func() {
		defer func() {
			if got := recover(); got != "on purpose" {
				t.Fatalf("the panic is %v", got)
			}
		}()
		_, err := s.client(limited(1<<20)).UploadFile(context.Background(), path, options)
		t.Fatalf("no panic, but %v", err)
	}()
	// The upload has ended: its checkpoint is free and goes on.
	options.Progress = nil
	result, err := s.client().UploadFile(context.Background(), path, options)
	check(t, err)
	s.ExpectObject("k", content)
	if result.PartsResumed < 2 {
		t.Errorf("%+v", result)
	}
}

func TestCloseWhileInUse(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 20*partSize)
	client := s.client(limited(200 << 10))
	begun := make(chan struct{}, 8)
	var group sync.WaitGroup
	uploads := make([]*oss.Upload, 8)
	for i := range uploads {
		u, err := client.Start(path, s.upload("k"))
		check(t, err)
		uploads[i] = u
		group.Add(1)
		go func() {
			defer group.Done()
			begun <- struct{}{}
			for {
				if _, err := u.Wait(context.Background()); err != nil {
					if !errors.Is(err, oss.ErrClosed) && !errors.Is(err, oss.ErrPaused) {
						t.Error(err)
					}
					return
				}
			}
		}()
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 1000; i++ {
				u.NextEvent()
				client.NextEvent()
				runtime.Gosched()
			}
		}()
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				v, err := client.Start(path, s.upload("k"))
				if errors.Is(err, oss.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				v.Cancel()
				v.Close()
				runtime.Gosched()
			}
		}()
	}
	for range uploads {
		<-begun
	}
	check(t, client.Close())
	for _, u := range uploads {
		check(t, u.Close())
	}
	group.Wait()
	expectIs(t, client.SetCredentials("a", "b", ""), oss.ErrClosed)
	_, err := client.UploadFile(context.Background(), path, s.upload("k"))
	expectIs(t, err, oss.ErrClosed)
	check(t, client.Close())
}

func TestForgottenUploadIsFreed(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 20*partSize)
	options := s.upload("k", func(o *oss.UploadOptions) { o.Checkpoint = true })
	func() {
		u, err := s.client(limited(200<<10)).Start(path, options)
		check(t, err)
		eventually(t, "nothing is sent", func() bool { return u.Progress().SentBytes > 0 })
	}()
	client := s.client()
	eventually(t, "the upload still runs", func() bool {
		runtime.GC()
		_, err := client.UploadFile(context.Background(), path, options)
		if err != nil {
			expectIs(t, err, oss.ErrCheckpointBusy)
		}
		return err == nil
	})
	s.ExpectObject("k", content)
}
