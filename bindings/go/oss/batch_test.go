package oss_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// batch are options with the bucket, for parts of the smallest size.
func (s *server) batch(changes ...func(*oss.BatchOptions)) *oss.BatchOptions {
	options := &oss.BatchOptions{Bucket: s.Buckets[0], PartSize: partSize}
	for _, change := range changes {
		change(options)
	}
	return options
}

func withOutcomes(o *oss.BatchOptions) { o.Outcomes = true }

// Nothing is sent.
func dry(o *oss.BatchOptions) { o.DryRun = true }

// stall holds all parts of large files.
func (s *server) stall() {
	s.Faults(`[{"match": {"operation": "UploadPart"}, "action": {"type": "stall", "at": "before_processing"}}]`)
}

// startLarge starts a batch of one large file, and returns when the server has some of it.
func (s *server) startLarge(ctx context.Context, changes ...func(*oss.BatchOptions)) *oss.Batch {
	s.t.Helper()
	path, _ := file(s.t, 5*partSize)
	b, err := s.client().StartBatch(ctx, s.batch(changes...))
	check(s.t, err)
	check(s.t, b.Add(ctx, path, "k"))
	check(s.t, b.Seal())
	eventually(s.t, "no upload was begun", func() bool { return s.OpenUploads() == 1 })
	return b
}

// copies yields one file so many times, with a key each.
func copies(path string, count int) func(yield func(path, key string) bool) {
	return func(yield func(path, key string) bool) {
		for i := 0; i < count && yield(path, fmt.Sprint(i)); i++ {
		}
	}
}

func TestUploadDirectory(t *testing.T) {
	s := newServer(t)
	s.Faults(`[{"match": {"operation": "PutObject", "key": "p/locked"}, "action": {"type": "status", "status": 403, "code": "AccessDenied"}}]`)
	client := s.client()
	folder := t.TempDir()
	large := random(3*partSize + 1)
	check(t, os.Mkdir(filepath.Join(folder, "sub"), 0o700))
	check(t, os.WriteFile(filepath.Join(folder, "sub", "large"), large, 0o600))
	check(t, os.WriteFile(filepath.Join(folder, "small"), []byte("small"), 0o600))
	check(t, os.WriteFile(filepath.Join(folder, "a.tmp"), nil, 0o600))
	check(t, os.WriteFile(filepath.Join(folder, "locked"), []byte("locked"), 0o600))
	outcomes := map[string]oss.Outcome{}
	var last oss.BatchProgress
	options := s.batch(func(o *oss.BatchOptions) {
		o.Prefix = "p/"
		o.Exclude = []string{"*.log", "*.tmp"}
		o.ManifestPath = filepath.Join(t.TempDir(), "manifest")
		o.Metadata = map[string]string{"owner": "me"}
		o.OnOutcome = func(o oss.Outcome) { outcomes[o.Path] = o }
		o.Progress = func(p oss.BatchProgress) { last = p }
	})
	result, err := client.UploadDirectory(context.Background(), folder, options)
	expectIs(t, err, oss.ErrFilesFailed)
	if result.FilesStored != 2 || result.FilesSkipped != 1 || result.FilesFailed != 1 || result.BytesStored != int64(len(large))+5 {
		t.Errorf("%+v", result)
	}
	if !last.Ended || !last.TotalsKnown || last.FilesFound != 3 || last.BytesDone != last.BytesFound || last.Requests != result.Requests {
		t.Errorf("%+v", last)
	}
	stored, skipped, failed := outcomes["sub/large"], outcomes["a.tmp"], outcomes["locked"]
	if len(outcomes) != 4 || stored.Status != oss.OutcomeStored || stored.Key != "p/sub/large" || stored.CRC64 == 0 || stored.ETag == "" ||
		stored.Size != int64(len(large)) || stored.Attempts != 6 || stored.RequestID == "" || stored.Err != nil {
		t.Errorf("%+v", stored)
	}
	if skipped.Status != oss.OutcomeSkipped || skipped.Rule != "exclude: *.tmp" {
		t.Errorf("%+v", skipped)
	}
	expectIs(t, failed.Err, oss.ErrService)
	if failed.Status.String() != "failed" || oss.OutcomeStatus(9).String() != "outcome 9" {
		t.Error(failed.Status)
	}
	s.ExpectObject("p/sub/large", large)
	if headers := s.ExpectObject("p/small", []byte("small")); headers.Get("X-Oss-Meta-Owner") != "me" {
		t.Error(headers)
	}

	check(t, os.Remove(filepath.Join(folder, "locked")))
	options.Mode = oss.BatchChanged
	result, err = client.UploadDirectory(context.Background(), folder, options)
	check(t, err)
	if result.FilesUnchanged != 2 || result.Requests != 0 || outcomes["small"].Status != oss.OutcomeUnchanged {
		t.Errorf("%+v", result)
	}
}

// Many more than wait in the library: this goroutine adds files, and takes outcomes.
func TestUploadMany(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 10)
	const many = 10_000
	outcomes, calls := 0, 0
	result, err := s.client().UploadMany(context.Background(), copies(path, many), s.batch(dry, func(o *oss.BatchOptions) {
		o.OnOutcome = func(oss.Outcome) { outcomes++ }
		o.Progress = func(oss.BatchProgress) { calls++ }
	}))
	check(t, err)
	if result.FilesPlanned != many || outcomes != many || calls == 0 {
		t.Errorf("%+v, %d outcomes, %d times", result, outcomes, calls)
	}
	result, err = s.client().UploadMany(context.Background(), copies(path, 3), s.batch(func(o *oss.BatchOptions) { o.Outcomes = true }))
	check(t, err)
	if result.FilesStored != 3 {
		t.Errorf("%+v", result)
	}
	s.ExpectObject("2", content)
}

func TestUploadManyStopsAtWhatIsNoFile(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 10)
	yielded := 0
	files := func(yield func(path, key string) bool) {
		for _, key := range []string{"a", "b\x00", "c"} {
			yielded++
			if !yield(path, key) {
				return
			}
		}
	}
	_, err := s.client().UploadMany(context.Background(), files, s.batch())
	expectIs(t, err, oss.ErrInvalidArgument)
	if yielded != 2 || !strings.Contains(err.Error(), "key contains NUL") {
		t.Error(yielded, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	endless := func(yield func(path, key string) bool) {
		for i := 0; yield(path, fmt.Sprint(i)); i++ {
			cancel()
		}
	}
	_, err = s.client().UploadMany(ctx, endless, s.batch(dry))
	expectIs(t, err, context.Canceled, oss.ErrPaused)

	refused := s.client(func(o *oss.ClientOptions) { o.AccessKeySecret = "wrong" })
	_, err = refused.UploadMany(context.Background(), copies(path, 100_000_000), s.batch())
	expectIs(t, err, oss.ErrService)
}

func TestBatchesTakeFilesAndGiveOutcomes(t *testing.T) {
	s := newServer(t)
	path, content := file(t, 10)
	b, err := s.client().StartBatch(context.Background(), s.batch(withOutcomes, func(o *oss.BatchOptions) { o.Prefix = "p/" }))
	check(t, err)
	defer b.Close()
	const many = 2000
	added := make(chan error)
	go func() {
		var failed error
		copies(path, many)(func(path, key string) bool {
			failed = b.Add(context.Background(), path, key)
			return failed == nil
		})
		added <- errors.Join(failed, b.Add(context.Background(), path, ""), b.Seal(), b.Seal())
	}()
	outcomes := 0
	count := func(limit int) {
		b.Outcomes()(func(o oss.Outcome, err error) bool {
			check(t, err)
			check(t, o.Err)
			outcomes++
			return outcomes != limit
		})
	}
	count(5)
	if outcomes != 5 {
		t.Errorf("%d outcomes: the loop was left", outcomes)
	}
	count(0)
	check(t, <-added)
	result, err := b.Wait(context.Background())
	check(t, err)
	if outcomes != many+1 || result.FilesStored != many+1 || b.Progress().FilesStored != many+1 {
		t.Errorf("%d outcomes, %+v", outcomes, result)
	}
	expectIs(t, b.Add(context.Background(), path, "k"), oss.ErrInvalidArgument)
	s.ExpectObject("1999", content)
	s.ExpectObject("p"+filepath.ToSlash(strings.TrimPrefix(path, filepath.VolumeName(path))), content)

	check(t, b.Close())
	check(t, b.Close())
	again, err := b.Wait(context.Background())
	if err != nil || *again != *result || !b.Progress().Ended {
		t.Errorf("%+v %v", again, err)
	}
}

// The library has no room when nobody takes outcomes.
func TestAddWaitsNoLongerThanItsContext(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 10)
	b, err := s.client().StartBatch(context.Background(), s.batch(dry, withOutcomes))
	check(t, err)
	defer b.Close()
	added := 0
	for err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
		if err = b.Add(ctx, path, fmt.Sprint(added)); err == nil {
			added++
		}
		cancel()
	}
	expectIs(t, err, context.DeadlineExceeded)
	if added < 1024 {
		t.Errorf("there is no room after %d files", added)
	}
	check(t, b.Seal())
	outcomes := 0
	b.Outcomes()(func(_ oss.Outcome, err error) bool {
		check(t, err)
		outcomes++
		return true
	})
	if outcomes != added {
		t.Errorf("%d outcomes of %d files", outcomes, added)
	}
}

func TestBatchesEndWithTheirContexts(t *testing.T) {
	s := newServer(t)
	s.stall()
	ctx, cancel := context.WithCancel(context.Background())
	b := s.startLarge(ctx, withOutcomes)
	defer b.Close()
	cancel()
	var last error
	b.Outcomes()(func(o oss.Outcome, err error) bool {
		if err == nil || o.Path != "" {
			t.Errorf("%+v", o)
		}
		last = err
		return true
	})
	expectIs(t, last, context.Canceled, oss.ErrPaused)
	_, err := b.Wait(context.Background())
	expectIs(t, err, context.Canceled, oss.ErrPaused)
	expectIs(t, b.Add(context.Background(), "path", "key"), context.Canceled, oss.ErrInvalidArgument)

	b = s.startLarge(context.Background())
	defer b.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	result, err := b.Wait(ended)
	expectIs(t, err, context.Canceled, oss.ErrPaused)
	if result == nil || result.FilesStored != 0 {
		t.Errorf("%+v", result)
	}
	_, err = s.client().StartBatch(ended, s.batch())
	expectIs(t, err, context.Canceled)
	s.ExpectNoObject("k")
}

func TestBatchesArePausedAndCancelled(t *testing.T) {
	s := newServer(t)
	s.stall()
	stops := map[error]func(*oss.Batch){oss.ErrPaused: (*oss.Batch).Pause, oss.ErrCancelled: (*oss.Batch).Cancel}
	for want, stop := range stops {
		b := s.startLarge(context.Background())
		stop(b)
		_, err := b.Wait(context.Background())
		expectIs(t, err, want)
		check(t, b.Close())
		_, err = b.Wait(context.Background())
		expectIs(t, err, want)
	}
	b := s.startLarge(context.Background())
	check(t, b.Close())
	b.Pause()
	b.Cancel()
	_, err := b.Wait(context.Background())
	expectIs(t, err, oss.ErrClosed)
	expectIs(t, b.Seal(), oss.ErrClosed)
	expectIs(t, b.Add(context.Background(), "path", "key"), oss.ErrClosed)
	b.Outcomes()(func(_ oss.Outcome, err error) bool {
		expectIs(t, err, oss.ErrClosed)
		return true
	})
}

func TestAPanicInReportPausesTheBatch(t *testing.T) {
	s := newServer(t)
	path, _ := file(t, 10)
	for name, change := range map[string]func(*oss.BatchOptions){
		"OnOutcome": func(o *oss.BatchOptions) { o.OnOutcome = func(oss.Outcome) { panic("no") } },
		"Progress":  func(o *oss.BatchOptions) { o.Progress = func(oss.BatchProgress) { panic("no") } },
	} {
		b, err := s.client().StartBatch(context.Background(), s.batch(change))
		check(t, err)
		check(t, b.Add(context.Background(), path, name))
		func() {
			defer func() {
				if recover() != "no" {
					t.Errorf("%s: the panic is gone", name)
				}
			}()
			b.Wait(context.Background())
		}()
		if !b.Progress().Ended {
			t.Errorf("%s: the batch goes on", name)
		}
		check(t, b.Close())
	}
}

func TestForgottenBatchesArePaused(t *testing.T) {
	s := newServer(t)
	s.stall()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	func() { s.startLarge(ctx) }()
	eventually(t, "the batch still runs", func() bool {
		runtime.GC()
		return s.OpenUploads() == 0
	})
	s.ExpectNoObject("k")
}

func TestInvalidBatchOptions(t *testing.T) {
	s := newServer(t)
	client := s.client()
	tests := map[string]func(*oss.BatchOptions){
		"Bucket":                          func(o *oss.BatchOptions) { o.Bucket = "" },
		"Prefix contains NUL":             func(o *oss.BatchOptions) { o.Prefix = "a\x00" },
		"either directory or list_path":   func(o *oss.BatchOptions) { o.Directory, o.ListPath = "a", "b" },
		"manifest_path":                   func(o *oss.BatchOptions) { o.Mode = oss.BatchVerify },
		"mode":                            func(o *oss.BatchOptions) { o.Mode = oss.BatchVerifyFull + 1 },
		"include":                         func(o *oss.BatchOptions) { o.Include = []string{"a", "{"} },
		"symlinks":                        func(o *oss.BatchOptions) { o.Symlinks = oss.SymlinksRefuse + 1 },
		"key_encoding":                    func(o *oss.BatchOptions) { o.KeyEncoding = oss.KeyPercent + 1 },
		"on_file_change":                  func(o *oss.BatchOptions) { o.OnFileChange = 2 },
		"part_size":                       func(o *oss.BatchOptions) { o.PartSize = 1 },
		"connections":                     func(o *oss.BatchOptions) { o.Connections = 101 },
		"Connections":                     func(o *oss.BatchOptions) { o.Connections = -2 },
		"MaxRequestsPerSecond":            func(o *oss.BatchOptions) { o.MaxRequestsPerSecond = -1 },
		"shard_index":                     func(o *oss.BatchOptions) { o.ShardIndex, o.ShardCount = 2, 2 },
		"ShardCount":                      func(o *oss.BatchOptions) { o.ShardCount = -1 },
		`Headers["Expires"] contains NUL`: func(o *oss.BatchOptions) { o.Headers = map[string]string{"Expires": "a\x00"} },
	}
	for words, change := range tests {
		b, err := client.StartBatch(context.Background(), s.batch(change))
		if b != nil || !errors.Is(err, oss.ErrInvalidArgument) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, %v", words, b, err)
		}
	}
	none := copies("", 0)
	directory := s.batch(func(o *oss.BatchOptions) { o.Directory = t.TempDir() })
	_, started := client.StartBatch(context.Background(), nil)
	_, uploaded := client.UploadDirectory(context.Background(), t.TempDir(), nil)
	_, empty := client.UploadDirectory(context.Background(), "", s.batch())
	_, twice := client.UploadDirectory(context.Background(), t.TempDir(), directory)
	_, many := client.UploadMany(context.Background(), none, nil)
	_, both := client.UploadMany(context.Background(), none, directory)
	for _, err := range []error{started, uploaded, empty, twice, many, both} {
		expectIs(t, err, oss.ErrInvalidArgument)
	}
	check(t, client.Close())
	_, err := client.StartBatch(context.Background(), s.batch())
	expectIs(t, err, oss.ErrClosed)
}
