package oss

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// A Batch is an upload of many files, running or ended, created by [Client.StartBatch]. Every file ends as exactly one
// outcome, unless the batch is interrupted. All methods may be called by any goroutine at any time.
type Batch struct {
	*batch // apart from it, so that a context that lives longer does not keep a forgotten Batch
}

type batch struct {
	ctx      context.Context
	receive  func(Outcome)       // OnOutcome of the options; may be nil
	progress func(BatchProgress) // of the options; may be nil
	unwatch  func() bool         // ends the wait for the end of ctx

	mu     sync.RWMutex  // read: a call uses the handle; written: the handle goes
	handle *cBatch       // nil after Close
	last   batchSnapshot // what Close saw
}

// A batchSnapshot is what one look at a batch gave.
type batchSnapshot struct {
	progress BatchProgress
	ended    bool
	result   *BatchResult // nil while it has not ended
	err      error        // nil while it has not ended
}

// found is what was found when an outcome was to be taken.
type found int

const (
	foundOutcome found = iota
	foundNothing       // none yet
	foundEnd           // none any more
)

// StartBatch starts the upload of many files and returns at once. Only the options are checked here. StartBatch fails with
// [ErrInvalidArgument], [ErrUnsupported], [ErrClosed], [ErrResources] if no thread could be created, or [ErrIO] or
// [ErrCheckpoint] for a path that cannot be resolved.
//
// One file that fails stops nothing, and nothing is deleted in the bucket. Errors that concern every file, such as refused
// credentials, end the batch. With ManifestPath, a batch that was interrupted, or whose process died, goes on where it was
// when it is started again.
//
// When ctx ends, the batch is paused: Wait then returns an error that matches the context's and [ErrPaused]. Call
// [Batch.Close] in any case.
func (c *Client) StartBatch(ctx context.Context, options *BatchOptions) (*Batch, error) {
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
	handle, err := startBatch(c.handle, options)
	if err != nil {
		return nil, err
	}
	b := &batch{ctx: ctx, receive: options.OnOutcome, progress: options.Progress, handle: handle}
	b.unwatch = context.AfterFunc(ctx, b.pause)
	owner := &Batch{b}
	runtime.SetFinalizer(owner, func(owner *Batch) { owner.free() }) // for batches that nobody closed
	return owner, nil
}

// UploadDirectory uploads all files in a folder and below, and returns when the batch has ended. The error is nil when no
// file failed, and matches [ErrFilesFailed] when some did: OnOutcome gets to know which. The result is there in any case,
// unless nothing was started.
//
// Directory and ListPath must not be set. Outcomes are for OnOutcome only. Everything else, also what the end of ctx does,
// is as for [Client.StartBatch].
func (c *Client) UploadDirectory(ctx context.Context, directory string, options *BatchOptions) (*BatchResult, error) {
	what, err := options.blocking()
	if err != nil {
		return nil, err
	}
	if what.Directory = directory; directory == "" {
		return nil, invalid("directory is empty")
	}
	b, err := c.StartBatch(ctx, what)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.Wait(ctx)
}

// UploadMany uploads the files that an iterator yields, each with its path and its key, and returns when the batch has
// ended, as [Client.UploadDirectory] does. An empty key means Prefix and the path, without a leading '/' or "./".
//
// With Go 1.23 or newer, files may be any iter.Seq2[string, string], such as maps.All(keys) for a map of keys by paths. It
// runs in this goroutine, which waits while many files wait to be uploaded. If a path or a key is no text for C, or ctx
// ends, the iteration stops, and the batch is paused.
func (c *Client) UploadMany(
	ctx context.Context, files func(yield func(path, key string) bool), options *BatchOptions,
) (*BatchResult, error) {
	what, err := options.blocking()
	if err != nil {
		return nil, err
	}
	b, err := c.StartBatch(ctx, what)
	if err != nil {
		return nil, err
	}
	defer b.Close() // when files panics, the batch is paused
	w := watch{batch: b.batch}
	var refused error
	files(func(path, key string) bool {
		refused = w.add(path, key)
		return refused == nil
	})
	if refused == nil {
		b.use(sealBatch)
	} else {
		b.Pause()
	}
	result, err := w.wait(ctx)
	if refused != nil && ctx.Err() == nil && errors.Is(err, ErrPaused) {
		return result, refused
	}
	return result, err
}

// Add adds a file to a batch that has neither Directory nor ListPath. It waits while many files wait to be uploaded, or
// until ctx ends: then the file is not added, and Add returns the context's error. An empty key means Prefix and the path,
// without a leading '/' or "./". A relative path is resolved by this call.
//
// A file that cannot be uploaded is no error here: its outcome says why. Add fails with [ErrInvalidArgument] when the batch
// is sealed or has ended, or has another source, and with [ErrClosed] after Close. With Outcomes or OnOutcome, another
// goroutine must take outcomes meanwhile.
func (b *Batch) Add(ctx context.Context, path, key string) error {
	defer runtime.KeepAlive(b)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if added, err := b.add(path, key, slice); added || err != nil {
			return err
		}
	}
}

// Seal says that nothing more will be added. A batch to which files are added does not end before this. Further calls do
// nothing. After Close it returns [ErrClosed].
func (b *Batch) Seal() error {
	err := ErrClosed
	b.use(func(handle *cBatch) {
		sealBatch(handle)
		err = nil
	})
	runtime.KeepAlive(b)
	return err
}

// Outcomes is an iterator over what becomes of each file, in the order in which the files end, until the batch has ended:
//
//	for outcome, err := range batch.Outcomes() {
//
// (with Go 1.23 or newer; before, call it with a function). The error is nil for every outcome, also for that of a file
// that failed. When something else than failed files has ended the batch, such as the end of its context, or it is closed,
// that error comes last, with an empty outcome.
//
// The option Outcomes must be set; otherwise there are none. Several goroutines share the outcomes. Whoever leaves the loop
// early takes the others later, or pauses the batch.
func (b *Batch) Outcomes() func(yield func(Outcome, error) bool) {
	return func(yield func(Outcome, error) bool) {
		defer runtime.KeepAlive(b)
		for {
			switch outcome, found := b.next(slice); found {
			case foundOutcome:
				if !yield(outcome, nil) {
					return
				}
			case foundEnd:
				if _, err := b.end(b.ctx); err != nil && !errors.Is(err, ErrFilesFailed) {
					yield(Outcome{}, err)
				}
				return
			}
		}
	}
}

// Wait returns the outcome when the batch has ended; later calls return the same at once. The error is nil when no file
// failed, and matches [ErrFilesFailed] when some did. The result is there in any case.
//
// If ctx, or that of StartBatch, ends first, Wait pauses the batch, for everyone who waits for it, and returns when it has
// stopped, within about a second, with an error that matches the context's and [ErrPaused].
//
// Wait calls OnOutcome and Progress of the options. Without OnOutcome, but with Outcomes, another goroutine must take
// outcomes, or the batch waits for that. If the batch is closed while it runs, Wait returns [ErrClosed].
func (b *Batch) Wait(ctx context.Context) (*BatchResult, error) {
	defer runtime.KeepAlive(b)
	w := watch{batch: b.batch}
	return w.wait(ctx)
}

// Progress returns the current progress; after Close, the progress at that time.
func (b *Batch) Progress() BatchProgress {
	defer runtime.KeepAlive(b)
	return b.look(0).progress
}

// Pause asks the batch to stop soon. It returns at once. Files in work are stopped, and large ones keep their checkpoints.
// Wait then returns [ErrPaused], or the outcome of the batch if it ended first. With ManifestPath, start it again to go on.
func (b *Batch) Pause() {
	b.pause()
	runtime.KeepAlive(b)
}

// Cancel is like Pause, but what was sent of files in work is removed from the server, and Wait returns [ErrCancelled].
// Objects that are stored stay.
func (b *Batch) Cancel() {
	b.use(cancelBatch)
	runtime.KeepAlive(b)
}

// Close frees the batch. One that is still running is paused, and Close does not wait for it: call Wait first to learn the
// outcome. Further calls of Close do nothing. It always returns nil.
func (b *Batch) Close() error {
	b.free()
	runtime.KeepAlive(b)
	return nil
}

// blocking is a copy for the calls that say themselves which files are uploaded.
func (o *BatchOptions) blocking() (*BatchOptions, error) {
	switch {
	case o == nil:
		return nil, invalid("options is nil")
	case o.Directory != "" || o.ListPath != "":
		return nil, invalid("Directory and ListPath must not be set: the arguments say which files to upload")
	}
	what := *o
	what.Outcomes = false // nobody else could take them
	return &what, nil
}

func (b *batch) add(path, key string, timeout time.Duration) (added bool, err error) {
	err = ErrClosed
	b.use(func(handle *cBatch) { added, err = addToBatch(handle, path, key, timeout) })
	if ended := b.ctx.Err(); ended != nil && err != nil {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return added, err
}

func (b *batch) next(timeout time.Duration) (outcome Outcome, what found) {
	what = foundEnd
	b.use(func(handle *cBatch) { outcome, what = nextOutcome(handle, timeout) })
	return outcome, what
}

// end waits for it, and adds that it was a context that paused the batch.
func (b *batch) end(ctx context.Context) (*BatchResult, error) {
	now := b.look(slice)
	for !now.ended {
		now = b.look(slice)
	}
	return now.result, b.explained(ctx, now.err)
}

func (b *batch) explained(ctx context.Context, err error) error {
	if !errors.Is(err, ErrPaused) {
		return err
	}
	for _, ctx := range []context.Context{ctx, b.ctx} {
		if ended := ctx.Err(); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
	return err
}

func (b *batch) look(timeout time.Duration) batchSnapshot {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.handle == nil {
		return b.last
	}
	return waitBatch(b.handle, timeout)
}

func (b *batch) pause() { b.use(pauseBatch) }

func (b *batch) free() {
	b.unwatch()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.handle == nil {
		return
	}
	b.last = waitBatch(b.handle, 0)
	if !b.last.ended {
		b.last.ended, b.last.err = true, ErrClosed
	}
	freeBatch(b.handle)
	b.handle = nil
}

func (b *batch) use(function func(*cBatch)) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.handle != nil {
		function(b.handle)
	}
}

// A watch is one goroutine that waits for a batch, and calls the functions of its options meanwhile.
type watch struct {
	*batch
	reported time.Time // when Progress was called last
}

// wait hands outcomes to OnOutcome as long as there are some, then waits for the end.
func (w *watch) wait(ctx context.Context) (*BatchResult, error) {
	defer context.AfterFunc(ctx, w.pause)()
	for w.receive != nil && w.receiveNext(slice) != foundEnd {
		w.reportProgress()
	}
	for {
		now := w.look(slice)
		w.report(now.progress)
		if now.ended {
			return now.result, w.explained(ctx, now.err)
		}
	}
}

// add waits for room. Outcomes are handed to OnOutcome meanwhile: the batch may wait for that.
func (w *watch) add(path, key string) error {
	patience := slice
	if w.receive != nil {
		patience = 0
	}
	for {
		for w.receive != nil && w.receiveNext(0) == foundOutcome {
		}
		w.reportProgress()
		if added, err := w.batch.add(path, key, patience); added || err != nil {
			return err
		}
		if w.receive != nil {
			w.receiveNext(slice)
		}
	}
}

func (w *watch) receiveNext(timeout time.Duration) found {
	outcome, found := w.next(timeout)
	if found == foundOutcome {
		w.stopUnlessItReturns(func() { w.receive(outcome) })
	}
	return found
}

// reportProgress calls Progress when it is time.
func (w *watch) reportProgress() {
	if now := time.Now(); w.progress != nil && now.Sub(w.reported) >= slice {
		w.reported = now
		w.report(w.look(0).progress)
	}
}

func (w *watch) report(progress BatchProgress) {
	if w.progress != nil {
		w.stopUnlessItReturns(func() { w.progress(progress) })
	}
}

// stopUnlessItReturns calls a function of the program. When that does not return, by a panic or by runtime.Goexit, the batch
// is stopped before it is left alone.
func (w *watch) stopUnlessItReturns(function func()) {
	returned := false
	defer func() {
		if !returned {
			w.pause()
			for !w.look(slice).ended {
			}
		}
	}()
	function()
	returned = true
}

// MergeManifests writes one manifest of those of all shards of a batch, in any order. It is that of the same batch without
// shards: use it with [BatchChanged], [BatchVerify] or [BatchVerifyFull]. Nothing is sent. An existing manifest of that
// batch at out is replaced; the others stay as they are.
//
// It fails, and writes nothing, unless the manifests are of the same batch, each shard is there once, and each has come to
// its end: with [ErrInvalidArgument], [ErrCheckpoint] if one cannot be read or is not complete or out cannot be written, or
// [ErrCheckpointBusy] if a batch uses one.
func MergeManifests(out string, manifests []string) error { return mergeManifests(out, manifests) }
