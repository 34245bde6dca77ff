package oss

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ETAUnknown is [Progress].ETA when it is not known.
const ETAUnknown time.Duration = -1

// slice is how long one call into C waits: the pace of progress, and the delay until a context's end is seen.
const slice = 100 * time.Millisecond

// Phase is what an upload is doing.
type Phase int

const (
	// PhasePreparing examines the file and the checkpoint, and creates the upload on the server.
	PhasePreparing Phase = iota
	// PhaseUploading sends parts.
	PhaseUploading
	// PhaseVerifying reads local data again and compares it with the data on the server.
	PhaseVerifying
	// PhaseCompleting has all parts on the server, which is assembling the object.
	PhaseCompleting
	// PhaseEnded is the end, successful or not.
	PhaseEnded
	// PhaseWaiting waits for credentials that the server accepts.
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

// Progress is the progress of an upload. Its numbers are totals. DoneBytes, SentBytes and Retries never decrease;
// PartsDone and ResumedBytes start from 0 again when an upload starts over.
type Progress struct {
	// Phase is what the upload is doing.
	Phase Phase
	// TotalBytes is the size of the file; 0 until it has been examined.
	TotalBytes int64
	// DoneBytes are the bytes done, including resumed ones. On success it equals TotalBytes.
	DoneBytes int64
	// ResumedBytes were sent by an earlier call.
	ResumedBytes int64
	// SentBytes were sent by this call, including retries.
	SentBytes int64
	// BytesPerSecond is the average rate over the last few seconds; a resumed upload starts with the rate of the earlier
	// call.
	BytesPerSecond int64
	// ETA is the time remaining at this rate, or ETAUnknown.
	ETA time.Duration
	// PartsTotal is the total number of parts.
	PartsTotal int
	// PartsDone is the number of parts on the server, including resumed ones.
	PartsDone int
	// Retries is the number of retries.
	Retries int
}

// Result is the outcome of an upload.
type Result struct {
	// ETag of the object, without quotes.
	ETag string
	// CRC64 is the CRC-64/XZ of the whole object, equal to the server's value.
	CRC64 uint64
	// VersionID of the object, in a bucket with versioning.
	VersionID string
	// RequestID of the request that created the object.
	RequestID string
	// UploadID is empty for a file sent with one PutObject.
	UploadID string
	// Size of the object in bytes.
	Size int64
	// PartSize that was used, in bytes.
	PartSize int64
	// PartSizeRaised says that the part size was raised because the file would have needed more than 10000 parts.
	PartSizeRaised bool
	// Parts is the number of parts; 1 for a file sent with one PutObject.
	Parts int
	// PartsResumed is the number of parts sent by an earlier call.
	PartsResumed int
	// BytesSent by this call, including retries.
	BytesSent int64
	// BytesResumed were sent by an earlier call and did not have to be sent again.
	BytesResumed int64
	// Attempts is the number of HTTP requests, including retries.
	Attempts int
	// RestartReason says why earlier work was discarded and all parts were sent again; empty if it was not.
	RestartReason string
	// Elapsed is the duration of the upload, in whole milliseconds.
	Elapsed time.Duration
	// CallbackResponse is the application server's response to x-oss-callback. It is nil if there was no callback, if it
	// failed, or if the response was lost and the upload was confirmed by looking at the object instead.
	CallbackResponse []byte
}

// An Upload is the upload of one file, created by [Client.Start]. All methods may be called by any goroutine at any
// time.
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

// Wait returns the outcome when the upload has ended; later calls return the same at once. With an error, the result
// has as much as is known.
//
// If ctx ends first, Wait pauses the upload, for everyone who waits for it, and returns when it has stopped, within
// about a second, with an error that matches the context's and, as a rule, [ErrPaused]. An upload that completes
// before the pause is a success.
//
// Wait calls [UploadOptions].Progress. If the upload is closed while it runs, Wait returns [ErrClosed].
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

// Progress returns the current progress; after Close, the progress at that time.
func (u *Upload) Progress() Progress { return u.look(0).progress }

// Pause asks the upload to stop soon and keep its checkpoint and parts. It returns at once. Wait then returns
// [ErrPaused] within about a second, or the outcome of the upload if it ended first. To resume, start it again with
// the same checkpoint. Without a checkpoint, nothing can be kept: the data already sent is removed from the server.
func (u *Upload) Pause() { u.use(pauseUpload) }

// Cancel asks the upload to stop soon, remove the data already sent from the server and delete its checkpoint. It
// returns at once. Wait then returns [ErrCancelled], or the outcome of the upload if it ended first.
func (u *Upload) Cancel() { u.use(cancelUpload) }

// Close frees the upload. One that is still running is paused, and Close does not wait for it: call Wait first to
// learn the outcome. Further calls of Close do nothing. It always returns nil.
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
