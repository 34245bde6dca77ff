package oss_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

func random(size int) []byte {
	content := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	return content
}

func parts(o *oss.UploadOptions) { o.PartSize = partSize }

func TestUploadMemory(t *testing.T) {
	s := newServer(t)
	client := s.client()
	for key, size := range map[string]int{"empty": 0, "small": 10, "parts": 3*partSize + 1} {
		content := random(size)
		var last oss.Progress
		result, err := client.UploadMemory(context.Background(), content, s.upload(key, parts, func(o *oss.UploadOptions) {
			o.Progress = func(p oss.Progress) { last = p }
		}))
		check(t, err)
		if result.Size != int64(size) || last.DoneBytes != int64(size) || last.Phase != oss.PhaseEnded {
			t.Errorf("%s: %+v %+v", key, result, last)
		}
		s.ExpectObject(key, content)
	}
	_, err := client.UploadMemory(context.Background(), nil, s.upload("k", func(o *oss.UploadOptions) { o.Checkpoint = true }))
	expectIs(t, err, oss.ErrInvalidArgument)
	if _, err = client.UploadMemory(context.Background(), nil, nil); !errors.Is(err, oss.ErrInvalidArgument) {
		t.Error(err)
	}
}

func TestUploadMemoryEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "UploadPart"}, "action": {"type": "stall", "at": "before_processing"}}]`)
	ctx, cancel := context.WithCancel(context.Background())
	options := s.upload("k", parts)
	options.Progress = func(oss.Progress) { cancel() }
	content := random(5 * partSize)
	_, err := s.client().UploadMemory(ctx, content, options)
	expectIs(t, err, context.Canceled)
	clear(content)
	s.ExpectNoObject("k")
}

func TestUploadReader(t *testing.T) {
	s := newServer(t)
	content := random(5*partSize + 7)
	result, err := s.client().Upload(context.Background(), iotest.HalfReader(bytes.NewReader(content)), s.upload("k", parts))
	check(t, err)
	if result.Size != int64(len(content)) || result.UploadID == "" {
		t.Errorf("%+v", result)
	}
	s.ExpectObject("k", content)

	broken := errors.New("broken")
	reader := io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken))
	_, err = s.client().Upload(context.Background(), reader, s.upload("broken", parts))
	expectIs(t, err, broken)
	s.ExpectNoObject("broken")
	if open := s.OpenUploads(); open != 0 {
		t.Errorf("%d uploads are open", open)
	}
}

// A reader without an end, and a server that holds its responses.
func TestUploadReaderEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "UploadPart"}, "action": {"type": "stall", "at": "before_response"}}]`)
	ctx, cancel := context.WithCancel(context.Background())
	options := s.upload("k", parts, func(o *oss.UploadOptions) { o.MaxMemory = 4 * partSize })
	options.Progress = func(p oss.Progress) {
		if p.SentBytes > 0 {
			cancel()
		}
	}
	_, err := s.client().Upload(ctx, rand.New(rand.NewSource(1)), options)
	expectIs(t, err, context.Canceled)
	s.ExpectNoObject("k")
}

func TestStreams(t *testing.T) {
	s := newServer(t)
	client := s.client()
	content := random(4*partSize + 9)
	stream, err := client.OpenStream(context.Background(), s.upload("k", parts))
	check(t, err)
	written, err := io.Copy(stream, bytes.NewReader(content))
	check(t, err)
	if _, err := stream.WriteString("end"); err != nil || written != int64(len(content)) {
		t.Error(written, err)
	}
	result, err := stream.Finish()
	check(t, err)
	_, err = stream.Write([]byte("x"))
	expectIs(t, err, oss.ErrInvalidArgument)
	check(t, stream.Close())
	check(t, stream.Close())
	again, err := stream.Finish()
	if err != nil || again.ETag != result.ETag || stream.Progress().DoneBytes != int64(len(content))+3 {
		t.Error(again, err, stream.Progress())
	}
	_, err = stream.Write([]byte("x"))
	expectIs(t, err, oss.ErrClosed)
	s.ExpectObject("k", append(content, "end"...))

	stream, err = client.OpenStream(context.Background(), s.upload("closed"))
	check(t, err)
	_, err = io.Copy(stream, strings.NewReader("small"))
	check(t, err)
	check(t, stream.Close())
	s.ExpectObject("closed", []byte("small"))

	stream, err = client.OpenStream(context.Background(), s.upload("aborted", parts))
	check(t, err)
	_, err = stream.Write(content)
	check(t, err)
	stream.Abort()
	expectIs(t, stream.Close(), oss.ErrCancelled)
	s.ExpectNoObject("aborted")
}

func TestStreamPauses(t *testing.T) {
	s := newServer(t)
	stream, err := s.client().OpenStream(context.Background(), s.upload("k", parts))
	check(t, err)
	stream.Pause()
	done := make(chan error)
	go func() {
		_, err := stream.Write(random(10))
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatal("it was written while paused", err)
	default:
	}
	stream.Resume()
	check(t, <-done)
	check(t, stream.Close())
	s.ExpectObject("k", random(10))
}

func TestForgottenStreamsStoreNothing(t *testing.T) {
	s := newServer(t)
	client := s.client()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	func() {
		stream, err := client.OpenStream(ctx, s.upload("k", parts))
		check(t, err)
		_, err = stream.Write(random(3 * partSize))
		check(t, err)
	}()
	client.NextEvent()
	eventually(t, "the upload is still open", func() bool {
		runtime.GC()
		return s.OpenUploads() == 0
	})
	s.ExpectNoObject("k")
}
