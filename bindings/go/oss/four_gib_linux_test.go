package oss_test

import (
	"context"
	"strconv"
	"syscall"
	"testing"
)

// More bytes in one call than 32 bits can count. They are pages of zeros, which take no memory.
func TestOneCallTakesMoreThan32BitsCanCount(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("needs 64 bits")
	}
	size := 1<<(strconv.IntSize/2) + 1
	zeros, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	check(t, err)
	defer syscall.Munmap(zeros)
	check(t, syscall.Madvise(zeros, syscall.MADV_HUGEPAGE))

	s := newServer(t, "--storage", "discard", "--etag", "crc")
	result, err := s.client().UploadMemory(context.Background(), zeros, s.upload("memory"))
	check(t, err)
	if result.Size != int64(size) {
		t.Errorf("memory: %d bytes", result.Size)
	}

	stream, err := s.client().OpenStream(context.Background(), s.upload("stream"))
	check(t, err)
	defer stream.Close()
	written, err := stream.Write(zeros)
	check(t, err)
	result, err = stream.Finish()
	check(t, err)
	if written != size || result.Size != int64(size) {
		t.Errorf("stream: %d bytes written, %d stored", written, result.Size)
	}
}
