package oss

import (
	"fmt"
	"time"
)

// OutcomeStatus is how a file of a batch ended. Newer libraries may add values.
type OutcomeStatus int

const (
	// OutcomeStored: the object is stored, and its CRC-64 is that of the file.
	OutcomeStored OutcomeStatus = iota
	// OutcomeUnchanged: the file was stored before and has not changed since. Verifying: all is as it should be.
	OutcomeUnchanged
	// OutcomeSkipped: the file or folder was left out; see [Outcome].Rule.
	OutcomeSkipped
	// OutcomeFailed: the file is not stored, or is not what it should be; see [Outcome].Err.
	OutcomeFailed
	// OutcomePlanned: the file would have been uploaded, but for DryRun.
	OutcomePlanned
)

// String is the status's name in lower case, such as "stored".
func (s OutcomeStatus) String() string {
	names := [...]string{"stored", "unchanged", "skipped", "failed", "planned"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("outcome %d", int(s))
	}
	return names[s]
}

// Outcome is what became of one file of a batch.
type Outcome struct {
	// Status is how it ended.
	Status OutcomeStatus
	// Path of the file, as the system knows it; in a folder, from there.
	Path string
	// Key is the name of the object; empty if none could be made.
	Key string
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/XZ of the object; 0 if it is not stored.
	CRC64 uint64
	// ETag of the object, without quotes.
	ETag string
	// VersionID of the object, in a bucket with versioning.
	VersionID string
	// RequestID of the request that created the object.
	RequestID string
	// Attempts is the number of HTTP requests for this file, including retries.
	Attempts int
	// Resumed says that it was stored by an interrupted call of this batch, and not sent again.
	Resumed bool
	// Rule says why it was left out: the rule that names it, or what it is.
	Rule string
	// Err is an [*Error] that says why it failed; nil if it did not.
	Err error
}

// BatchProgress is the progress of a batch. Its numbers are totals and never decrease, but for the rates.
type BatchProgress struct {
	// FilesFound is the number of files found so far, without those that are left out.
	FilesFound int64
	// BytesFound is their size.
	BytesFound int64
	// TotalsKnown says that all files have been found, so FilesFound and BytesFound are the totals.
	TotalsKnown bool
	// FilesStored is the number of files stored, including resumed ones.
	FilesStored int64
	// FilesResumed is the number of files that an interrupted call of this batch had stored.
	FilesResumed int64
	// FilesUnchanged is the number of files that have not changed.
	FilesUnchanged int64
	// FilesSkipped is the number of files and folders that were left out.
	FilesSkipped int64
	// FilesFailed is the number of files that failed.
	FilesFailed int64
	// BytesDone are the bytes of the files that are done, and those of large files in work that were sent.
	BytesDone int64
	// BytesSent are the body bytes sent, including retries.
	BytesSent int64
	// Requests is the number of HTTP requests, including retries.
	Requests int64
	// Retries is the number of retries.
	Retries int64
	// BytesPerSecond is the average rate over the last few seconds, in bytes done.
	BytesPerSecond int64
	// FilesPerSecond is the average rate over the last few seconds, in files done.
	FilesPerSecond int64
	// ETA is the time remaining at these rates, or ETAUnknown.
	ETA time.Duration
	// CurrentPath is a large file in work; empty if there is none.
	CurrentPath string
	// CurrentDone are its bytes that were sent.
	CurrentDone int64
	// CurrentSize is its size in bytes.
	CurrentSize int64
	// Ended says that the batch has ended.
	Ended bool
}

// BatchResult is the outcome of a batch.
type BatchResult struct {
	// FilesStored is the number of files stored, including resumed ones.
	FilesStored int64
	// FilesResumed is the number of files that an interrupted call of this batch had stored.
	FilesResumed int64
	// FilesUnchanged is the number of files that have not changed.
	FilesUnchanged int64
	// FilesSkipped is the number of files and folders that were left out.
	FilesSkipped int64
	// FilesFailed is the number of files that failed.
	FilesFailed int64
	// FilesPlanned is the number of files that would have been uploaded, but for DryRun.
	FilesPlanned int64
	// BytesStored is the size of all stored files, including resumed ones.
	BytesStored int64
	// BytesSent are the body bytes sent, including retries.
	BytesSent int64
	// Requests is the number of HTTP requests, including retries.
	Requests int64
	// ManifestLinesDamaged is the number of damaged lines in the manifest, whose files were done again.
	ManifestLinesDamaged int64
	// Elapsed is the duration of the batch, in whole milliseconds.
	Elapsed time.Duration
}
