package oss

import (
	"fmt"
	"log/slog"
	"strings"
)

// BatchMode says what a batch does with the files.
type BatchMode int

const (
	// BatchAll uploads all files, but for those that an interrupted batch with this manifest has stored. The default.
	BatchAll BatchMode = iota
	// BatchChanged uploads the files that are not as the manifest says.
	BatchChanged
	// BatchRetryFailed uploads the files that failed, by the manifest. Directory and ListPath are not looked into.
	BatchRetryFailed
	// BatchVerify uploads nothing, and compares the list of objects in the bucket with the manifest.
	BatchVerify
	// BatchVerifyFull uploads nothing, and compares the CRC-64 of every object, and of every file, with the manifest.
	BatchVerifyFull
)

// Symlinks says what a batch does with symbolic links in a folder.
type Symlinks int

const (
	// SymlinksFollow uploads what they lead to. A link back to a folder above it fails. The default.
	SymlinksFollow Symlinks = iota
	// SymlinksSkip leaves them out.
	SymlinksSkip
	// SymlinksRefuse lets them fail.
	SymlinksRefuse
)

// KeyEncoding says what a batch does with names that cannot be keys.
type KeyEncoding int

const (
	// KeyRefuse lets such files fail. The default.
	KeyRefuse KeyEncoding = iota
	// KeyPercent replaces bytes of a name that cannot be in a key by "%XX", and every '%' by "%25".
	KeyPercent
)

// BatchOptions says which files to upload, where to, and how. Bucket is required; the zero value of every other field means
// its default. They are copied by the call that takes them, which also resolves relative paths.
type BatchOptions struct {
	// Bucket is the bucket's name.
	Bucket string
	// Prefix is what every key begins with, such as "photos/". The path of the file follows it directly.
	Prefix string

	// Directory is a folder whose files, and those in all folders below, are uploaded. They are found while others are
	// uploaded, in the order of their paths. It cannot be combined with ListPath. [Client.UploadDirectory] sets it.
	Directory string
	// ListPath is a file with one path a line, or with a path, a tab and a key. Without it and Directory, the files are
	// those of [Batch.Add].
	ListPath string
	// ListNullSeparated says that the entries of ListPath end with a zero byte instead of a line break.
	ListNullSeparated bool
	// ManifestPath is a file that keeps what became of every file: the report of this batch, what a later call goes on from
	// when this one is interrupted, and what the next batch compares with. Large files in work have checkpoints in the
	// folder "<ManifestPath>.parts". By default there is none, and an interrupted batch starts over.
	ManifestPath string
	// Mode is BatchAll by default. All others need ManifestPath; for BatchChanged, CompareRemote will do.
	Mode BatchMode
	// CompareRemote lets BatchChanged ask the bucket about files that the manifest does not know, and upload those whose
	// size or CRC-64 is another one there.
	CompareRemote bool

	// Exclude has rules for files and folders of Directory to leave out, each as a line of a .gitignore file.
	Exclude []string
	// Include has rules in the same form: only files that one of them names are uploaded. By default, all are.
	Include []string
	// IgnoreFiles says that files named .ossignore have rules to leave files out, each for its folder and those below.
	IgnoreFiles bool
	// Symlinks is SymlinksFollow by default.
	Symlinks Symlinks
	// KeyEncoding is KeyRefuse by default.
	KeyEncoding KeyEncoding
	// EmptyDirectories stores an empty folder as an empty object whose key ends with '/'.
	EmptyDirectories bool
	// ShardIndex is the shard of the files to upload, from 0.
	ShardIndex int
	// ShardCount is the number of shards. A file is in the shard that the CRC-64/XZ of its key has as remainder when it is
	// divided by this number. By default, all files are uploaded.
	ShardCount int

	// Headers of every object, as in [UploadOptions].
	Headers map[string]string
	// Metadata of every object, as in [UploadOptions].
	Metadata map[string]string
	// KeepMtime stores the modification time as x-oss-meta-mtime, in seconds since 1970 with a fraction.
	KeepMtime bool

	// PartSize is the bytes per part of large files: 102400 to 5368709120, or PartSizeAuto (the default). Files up to this
	// size are sent with one request.
	PartSize int64
	// Connections is the number of requests at the same time: 1 to 100, or RoutinesAuto (the default): the library chooses,
	// at most 64 for all uploads of the client for which it does so.
	Connections int
	// MaxRequestsPerSecond limits the requests per second. 0 means no limit.
	MaxRequestsPerSecond int
	// OnFileChange is RestartOnFileChange by default.
	OnFileChange OnFileChange
	// StopOnError ends the batch with the first file that fails.
	StopOnError bool
	// DryRun uploads nothing and leaves the manifest as it is.
	DryRun bool

	// Outcomes keeps every outcome until [Batch.Outcomes] takes it; when 1024 wait, the batch waits too.
	Outcomes bool
	// OnOutcome, if not nil, is called with the outcome of each file. It runs in the goroutine inside
	// [Client.UploadDirectory], [Client.UploadMany] or [Batch.Wait] and never after that has returned. When it is slow, the
	// batch waits for it. If it panics, the batch is paused, its end is awaited, and the panic continues.
	OnOutcome func(Outcome)
	// Progress, if not nil, is called with the progress of the batch about ten times a second and once at the end,
	// successful or not, in the same goroutine as OnOutcome.
	Progress func(BatchProgress)
}

// String shows the options, with only the names of headers and metadata, since encryption keys and callbacks are
// secrets.
func (o BatchOptions) String() string {
	var s shown
	s.text("Bucket", o.Bucket)
	s.text("Prefix", o.Prefix)
	s.text("Directory", o.Directory)
	s.text("ListPath", o.ListPath)
	s.flag("ListNullSeparated", o.ListNullSeparated)
	s.text("ManifestPath", o.ManifestPath)
	s.value("Mode", int64(o.Mode))
	s.flag("CompareRemote", o.CompareRemote)
	s.texts("Exclude", o.Exclude)
	s.texts("Include", o.Include)
	s.flag("IgnoreFiles", o.IgnoreFiles)
	s.value("Symlinks", int64(o.Symlinks))
	s.value("KeyEncoding", int64(o.KeyEncoding))
	s.flag("EmptyDirectories", o.EmptyDirectories)
	s.value("ShardIndex", int64(o.ShardIndex))
	s.value("ShardCount", int64(o.ShardCount))
	s.names("Headers", o.Headers)
	s.names("Metadata", o.Metadata)
	s.flag("KeepMtime", o.KeepMtime)
	s.value("PartSize", o.PartSize)
	s.value("Connections", int64(o.Connections))
	s.value("MaxRequestsPerSecond", int64(o.MaxRequestsPerSecond))
	s.value("OnFileChange", int64(o.OnFileChange))
	s.flag("StopOnError", o.StopOnError)
	s.flag("DryRun", o.DryRun)
	s.flag("Outcomes", o.Outcomes)
	s.flag("OnOutcome", o.OnOutcome != nil)
	s.flag("Progress", o.Progress != nil)
	return "oss.BatchOptions{" + strings.Join(s, ", ") + "}"
}

// GoString is String, for %#v.
func (o BatchOptions) GoString() string { return o.String() }

// Format shows the options without secrets, whatever the verb is.
func (o BatchOptions) Format(f fmt.State, _ rune) { fmt.Fprint(f, o.String()) }

// LogValue shows the options without secrets in logs.
func (o BatchOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }
