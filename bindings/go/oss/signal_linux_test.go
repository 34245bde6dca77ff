package oss_test

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// Signals that Go handles may arrive on any thread of the library, and interrupt what it waits for.
func TestSignalsDoNotDisturb(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 20*partSize)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	check(t, pprof.StartCPUProfile(io.Discard)) // SIGPROF
	defer pprof.StopCPUProfile()

	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			threads, _ := os.ReadDir("/proc/self/task")
			for _, thread := range threads {
				id, _ := strconv.Atoi(thread.Name())
				syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(id), uintptr(syscall.SIGUSR1))
			}
		}
	}()
	result, err := s.client(limited(4<<20)).UploadFile(context.Background(), path, s.upload("k", func(o *oss.UploadOptions) {
		o.Routines = 3
	}))
	cancel()
	<-stopped
	check(t, err)
	s.ExpectObject("k", content)
	if result.BytesSent != int64(len(content)) {
		t.Errorf("parts were sent again: %+v", result)
	}
}
