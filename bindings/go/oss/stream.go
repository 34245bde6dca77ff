package oss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// copySize is how much ReadFrom reads at once.
const copySize = 1 << 20

// A Stream is a stream of bytes that is being uploaded, created by [Client.OpenStream]. The object exists only after
// Finish or Close has succeeded.
//
// One goroutine at a time may call Write, ReadFrom, Finish or Close; another one gets [ErrInvalidArgument]. The other
// methods may be called by any goroutine at any time.
type Stream struct {
	*stream // apart from it, so that a context that lives longer does not keep a forgotten Stream
}

type stream struct {
	ctx      context.Context
	progress func(Progress) // of the options; may be nil
	reported time.Time      // when progress was called last
	unwatch  func() bool    // ends the wait for the end of ctx

	mu     sync.RWMutex // read: a call uses the handle; written: the handle goes
	handle *cStream     // nil after Close
	last   snapshot     // what was seen before that
}

var (
	_ io.WriteCloser  = (*Stream)(nil)
	_ io.ReaderFrom   = (*Stream)(nil)
	_ io.StringWriter = (*Stream)(nil)
)

// OpenStream opens a stream: the bytes that are written to it become an object when it is finished. Only the options are
// checked here. Nothing is sent before the first part is full or the stream is finished.
//
// Parts begin with 1 MiB, or with PartSize, and grow. In memory are at most MaxMemory bytes. With CheckpointPath, a
// stream can be resumed after a crash: open it again with the same options, and write the same bytes from their
// beginning. The other options about files must not be set.
//
// When ctx ends, the stream is aborted: Write and Finish fail with an error that matches the context's. Call
// [Stream.Close] in any case, and [Stream.Abort] before it if the object must not be stored.
func (c *Client) OpenStream(ctx context.Context, options *UploadOptions) (*Stream, error) {
	if options == nil {
		return nil, invalid("options is nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle, err := openStream(c.handle, options)
	if err != nil {
		return nil, err
	}
	s := &stream{ctx: ctx, progress: options.Progress, handle: handle}
	s.unwatch = context.AfterFunc(ctx, s.abort)
	owner := &Stream{s}
	runtime.SetFinalizer(owner, func(owner *Stream) { owner.free() }) // for streams that nobody closed
	return owner, nil
}

// Upload uploads what r has until its end, and returns when the object is stored. The options are those of
// [Client.OpenStream].
//
// If reading fails, or ctx ends, no object is stored: Upload removes what was sent, and returns that error. A Read that
// does not return delays this.
func (c *Client) Upload(ctx context.Context, r io.Reader, options *UploadOptions) (*Result, error) {
	s, err := c.OpenStream(ctx, options)
	if err != nil {
		return nil, err
	}
	defer s.free() // when r panics, nothing is stored
	if _, err := s.ReadFrom(r); err != nil {
		s.Abort()
		result, _ := s.Finish()
		return result, err
	}
	return s.Finish()
}

// Write writes p to the stream, and waits for room while MaxMemory and the spool are used up. It fails when the upload
// has failed, perhaps with bytes of an earlier call, and with [ErrClosed] after Close.
func (s *Stream) Write(p []byte) (int, error) {
	defer runtime.KeepAlive(s)
	written := 0
	for {
		if err := s.ctx.Err(); err != nil {
			s.abort()
			return written, err
		}
		count, err := s.write(p[written:])
		written += count
		if err != nil {
			return written, s.explained(err)
		}
		if now := time.Now(); s.progress != nil && now.Sub(s.reported) >= slice {
			s.reported = now
			s.report(s.Progress())
		}
		if written == len(p) {
			return written, nil
		}
	}
}

// WriteString is Write for a string.
func (s *Stream) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// ReadFrom writes what r has until its end, in large pieces; [io.Copy] calls it. It does not finish the stream.
func (s *Stream) ReadFrom(r io.Reader) (int64, error) {
	buffer := make([]byte, copySize)
	var total int64
	for {
		count, err := r.Read(buffer)
		written, failed := s.Write(buffer[:count])
		total += int64(written)
		switch {
		case failed != nil:
			return total, failed
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// Finish says that nothing more comes, and returns when the object is stored and its CRC-64 has been compared. Later
// calls return the same. With an error, the result has as much as is known.
func (s *Stream) Finish() (*Result, error) {
	defer runtime.KeepAlive(s)
	for {
		now := s.finish(slice)
		s.report(now.progress)
		if now.ended {
			return now.result, s.explained(now.err)
		}
	}
}

// Close finishes the stream if that has not been done, and frees it. It returns the error of Finish. So an early return
// after a failure must call Abort before: otherwise Close stores an object with what was written up to then.
func (s *Stream) Close() error {
	result, err := s.Finish()
	s.free()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last.result, s.last.err = result, err
	return err
}

// Leave frees the stream as if the process had died: no object is stored. With a checkpoint, what was sent stays for the
// next call; without one, it is removed from the server. It does not wait for that. After Close it does nothing.
func (s *Stream) Leave() { s.free() }

// Abort asks the stream to stop soon, remove from the server what was sent, and delete its checkpoint. It returns at
// once. Write and Finish then fail with [ErrCancelled], unless the object was stored before.
func (s *Stream) Abort() {
	s.abort()
	runtime.KeepAlive(s)
}

// Pause makes Write wait until Resume. Bytes that were written before are still sent.
func (s *Stream) Pause() { s.use(pauseStream) }

// Resume lets Write go on after Pause.
func (s *Stream) Resume() { s.use(resumeStream) }

// Progress returns the current progress, in which totals are 0 until the end is known; after Close, the progress at that
// time.
func (s *Stream) Progress() Progress {
	defer runtime.KeepAlive(s)
	progress := s.seen()
	s.use(func(handle *cStream) { progress = streamProgress(handle) })
	return progress
}

// NextEvent retrieves the oldest pending event of the stream, as [Upload.NextEvent] does.
func (s *Stream) NextEvent() (event Event, some bool) {
	defer runtime.KeepAlive(s)
	s.use(func(handle *cStream) { event, some = nextStreamEvent(handle) })
	if !some {
		event = Event{}
	}
	return event, some
}

func (s *stream) write(p []byte) (count int, err error) {
	err = ErrClosed
	s.use(func(handle *cStream) { count, err = writeStream(handle, p, slice) })
	return count, err
}

func (s *stream) finish(timeout time.Duration) snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.handle == nil {
		return s.last
	}
	return finishStream(s.handle, timeout)
}

// explained adds that it was the context that ended the stream.
func (s *stream) explained(err error) error {
	if ended := s.ctx.Err(); ended != nil && errors.Is(err, ErrCancelled) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// report calls the Progress function. When that does not return, by a panic or by runtime.Goexit, the stream is aborted.
func (s *stream) report(progress Progress) {
	if s.progress == nil {
		return
	}
	returned := false
	defer func() {
		if !returned {
			s.abort()
		}
	}()
	s.progress(progress)
	returned = true
}

func (s *stream) abort() { s.use(abortStream) }

func (s *stream) seen() Progress {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last.progress
}

// free stores nothing that has not been finished.
func (s *stream) free() {
	s.unwatch()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle == nil {
		return
	}
	s.last = snapshot{progress: streamProgress(s.handle), ended: true, err: ErrClosed}
	freeStream(s.handle)
	s.handle = nil
}

func (s *stream) use(function func(*cStream)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.handle != nil {
		function(s.handle)
	}
}
