package oss

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ETAUnknown is [Progress].ETA while it cannot be told.
const ETAUnknown time.Duration = -1

// slice is how long one call into C waits: the pace of progress, and the delay until a context's end is seen.
const slice = 100 * time.Millisecond

// Phase is what an upload is busy with.
type Phase int

const (
	// PhasePreparing looks at the file and the checkpoint, and opens the upload on the server.
	PhasePreparing Phase = iota
	// PhaseUploading sends parts.
	PhaseUploading
	// PhaseVerifying reads local data again and compares it with what the server has.
	PhaseVerifying
	// PhaseCompleting has all parts on the server, which puts the object together.
	PhaseCompleting
	// PhaseEnded is the end, well or not.
	PhaseEnded
	// PhaseWaiting has no credentials that the server takes, and waits for others.
	PhaseWaiting
	// PhaseHashing reads local data for its MD5, which must be known before the data is sent, and sends nothing.
	PhaseHashing
)

// String is the phase's name in lower case, such as "uploading".
func (p Phase) String() string {
	names := [...]string{"preparing", "uploading", "verifying", "completing", "ended", "waiting", "hashing"}
	if p < 0 || int(p) >= len(names) {
		return fmt.Sprintf("phase %d", int(p))
	}
	return names[p]
}

// Progress tells how far an upload is. Its numbers are absolute. DoneBytes, SentBytes and Retries never run
// backwards; PartsDone and ResumedBytes begin anew when an upload starts over.
type Progress struct {
	// Phase is what the upload is busy with.
	Phase Phase
	// TotalBytes is the size of the file; 0 while it has not been looked at.
	TotalBytes int64
	// DoneBytes are behind us, resumed ones included. At success it equals TotalBytes.
	DoneBytes int64
	// ResumedBytes were sent by an earlier call.
	ResumedBytes int64
	// SentBytes were sent by this call, repeated ones included.
	SentBytes int64
	// BytesPerSecond is the rate of the last few seconds; a resumed upload begins with that of the earlier call.
	BytesPerSecond int64
	// ETA is the time to the end at this rate, or ETAUnknown.
	ETA time.Duration
	// PartsTotal is the number of parts.
	PartsTotal int
	// PartsDone are those that the server has, resumed ones included.
	PartsDone int
	// Retries counts requests that had to be tried again.
	Retries int
}

// Result is what an upload came to.
type Result struct {
	// ETag of the object, without quotes.
	ETag string
	// CRC64 is the CRC-64/XZ of the whole object, equal to the server's.
	CRC64 uint64
	// VersionID of the object, in a versioned bucket.
	VersionID string
	// RequestID of the request that made the object.
	RequestID string
	// UploadID is empty for a file sent with one PutObject.
	UploadID string
	// Size is the bytes of the object.
	Size int64
	// PartSize is the bytes of a part, as used.
	PartSize int64
	// PartSizeRaised says that the part size was raised, since the file would have needed more than 10000 parts.
	PartSizeRaised bool
	// Parts of the upload; 1 for a file sent with one PutObject.
	Parts int
	// PartsResumed were sent by an earlier call.
	PartsResumed int
	// BytesSent by this call, repeated ones included.
	BytesSent int64
	// BytesResumed were sent by an earlier call and not needed again.
	BytesResumed int64
	// Attempts counts HTTP requests, repeated ones included.
	Attempts int
	// RestartReason says why earlier work was thrown away and all parts were sent again; empty when it was not.
	RestartReason string
	// Elapsed is the time from start to end, in whole milliseconds.
	Elapsed time.Duration
	// CallbackResponse is what the application server answered to x-oss-callback. It is nil without a callback, when it
	// failed, and when the response was lost on its way and the object itself had to prove that it is stored.
	CallbackResponse []byte
}

// An Upload is one file on its way, made by [Client.Start]. All methods may be called by any goroutine at any time.
type Upload struct {
	progress func(Progress) // of the options; may be nil

	mu     sync.RWMutex // read: a call uses the handle; written: the handle goes
	handle *cUpload     // nil after Close
	last   snapshot     // what Close saw
}

// A snapshot is what one look at an upload gave.
type snapshot struct {
	progress Progress
	ended    bool
	result   *Result // nil while it has not ended
	err      error   // nil while it has not ended
}

func newUpload(handle *cUpload, progress func(Progress)) *Upload {
	u := &Upload{progress: progress, handle: handle}
	runtime.SetFinalizer(u, (*Upload).Close) // for uploads that nobody closed
	return u
}

// Wait returns when the upload has ended, with what it came to; later calls return the same at once. With an error the
// result tells as much as is known.
//
// When ctx ends first, Wait pauses the upload, for everyone that waits for it, and returns when it has stopped, within
// about a second, with an error that matches the context's and, as a rule, [ErrPaused]. An upload that was faster than
// the pause is a success.
//
// Wait calls [UploadOptions].Progress. When the upload is closed while it runs, Wait returns [ErrClosed].
func (u *Upload) Wait(ctx context.Context) (*Result, error) {
	var stopped error
	for {
		if stopped == nil && ctx.Err() != nil {
			stopped = ctx.Err()
			u.Pause()
		}
		now := u.look(slice)
		u.report(now.progress)
		if now.ended {
			if now.err != nil && stopped != nil {
				return now.result, fmt.Errorf("%w: %w", stopped, now.err)
			}
			return now.result, now.err
		}
	}
}

// report calls the Progress function. When that does not return, by a panic or by runtime.Goexit, the upload is stopped
// before it is left alone.
func (u *Upload) report(progress Progress) {
	if u.progress == nil {
		return
	}
	returned := false
	defer func() {
		if !returned {
			u.Pause()
			for !u.look(slice).ended {
			}
		}
	}()
	u.progress(progress)
	returned = true
}

// Progress tells how far the upload is; after Close, how far it was then.
func (u *Upload) Progress() Progress { return u.look(0).progress }

// Pause asks the upload to stop soon and to keep its checkpoint and parts; it returns at once. Wait then returns
// [ErrPaused] within about a second, or what the upload came to when it was faster. To go on, start it again with the
// same checkpoint. Without a checkpoint nothing can be kept: what was sent is removed from the server.
func (u *Upload) Pause() { u.use(pauseUpload) }

// Cancel asks the upload to stop soon, to remove what was sent from the server and to delete its checkpoint; it returns
// at once. Wait then returns [ErrCancelled], or what the upload came to when it was faster.
func (u *Upload) Cancel() { u.use(cancelUpload) }

// Close frees the upload. One that is still running is paused, which Close does not wait for: call Wait before to know
// how it ended. Further calls of Close do nothing. It always returns nil.
func (u *Upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.handle == nil {
		return nil
	}
	runtime.SetFinalizer(u, nil)
	u.last = waitUpload(u.handle, 0)
	if !u.last.ended {
		u.last.ended, u.last.err = true, ErrClosed
	}
	freeUpload(u.handle)
	u.handle = nil
	return nil
}

func (u *Upload) look(timeout time.Duration) snapshot {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.handle == nil {
		return u.last
	}
	return waitUpload(u.handle, timeout)
}

func (u *Upload) use(function func(*cUpload)) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.handle != nil {
		function(u.handle)
	}
}
