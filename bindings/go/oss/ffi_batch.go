package oss

// #include "oss_upload.h"
import "C"

import (
	"strings"
	"time"
)

type cBatch = C.oss_batch

func (c *converter) batchOptions(o *BatchOptions) C.oss_batch_options {
	options := C.oss_batch_options_default()
	options.bucket = c.required("Bucket", o.Bucket)
	options.key_prefix = c.text("Prefix", o.Prefix)
	options.directory = c.text("Directory", o.Directory)
	options.list_path = c.text("ListPath", o.ListPath)
	options.manifest_path = c.text("ManifestPath", o.ManifestPath)
	options.exclude = c.text("Exclude", strings.Join(o.Exclude, "\n"))
	options.include = c.text("Include", strings.Join(o.Include, "\n"))
	options.headers, options.header_count = c.headers(o.Headers, o.Metadata)
	options.part_size = c.partSize(o.PartSize)
	options.connections = c.routines("Connections", o.Connections)
	options.max_requests_per_second = c.uint32("MaxRequestsPerSecond", o.MaxRequestsPerSecond)
	options.mode = c.uint32("Mode", int(o.Mode))
	options.compare_remote = flag(o.CompareRemote)
	options.list_null_separated = flag(o.ListNullSeparated)
	options.ignore_files = flag(o.IgnoreFiles)
	options.symlinks = c.uint32("Symlinks", int(o.Symlinks))
	options.key_encoding = c.uint32("KeyEncoding", int(o.KeyEncoding))
	options.on_file_change = c.uint32("OnFileChange", int(o.OnFileChange))
	options.empty_directories = flag(o.EmptyDirectories)
	options.keep_mtime = flag(o.KeepMtime)
	options.stop_on_error = flag(o.StopOnError)
	options.dry_run = flag(o.DryRun)
	options.outcomes = flag(o.Outcomes || o.OnOutcome != nil)
	options.shard_index = c.uint32("ShardIndex", o.ShardIndex)
	options.shard_count = c.uint32("ShardCount", o.ShardCount)
	return options
}

func startBatch(client *cClient, o *BatchOptions) (*cBatch, error) {
	var c converter
	defer c.release()
	options := c.batchOptions(o)
	if c.err != nil {
		return nil, c.err
	}
	var batch *C.oss_batch
	var failure C.oss_error
	status := C.oss_batch_start(client, &options, &batch, &failure)
	return batch, goError(status, &failure)
}

// addToBatch tells whether the file was added in time.
func addToBatch(batch *cBatch, path, key string, timeout time.Duration) (bool, error) {
	var c converter
	defer c.release()
	cPath, cKey := c.required("path", path), c.text("key", key)
	if c.err != nil {
		return false, c.err
	}
	var failure C.oss_error
	status := C.oss_batch_try_add(batch, cPath, cKey, C.uint32_t(timeout.Milliseconds()), &failure)
	if status == C.OSS_PENDING {
		return false, nil
	}
	return status == C.OSS_OK, goError(status, &failure)
}

func sealBatch(batch *cBatch) { C.oss_batch_seal(batch, nil) }

func waitBatch(batch *cBatch, timeout time.Duration) batchSnapshot {
	var progress C.oss_batch_progress
	var result C.oss_batch_result
	var failure C.oss_error
	status := C.oss_batch_wait(batch, C.uint32_t(timeout.Milliseconds()), &progress, &result, &failure)
	now := batchSnapshot{progress: goBatchProgress(&progress), ended: status != C.OSS_PENDING}
	if now.ended {
		now.result, now.err = goBatchResult(&result), goError(status, &failure)
	}
	return now
}

// nextOutcome tells what was found: an outcome, none yet, or the end.
func nextOutcome(batch *cBatch, timeout time.Duration) (Outcome, found) {
	var outcome C.oss_outcome
	switch C.oss_batch_next_outcome(batch, C.uint32_t(timeout.Milliseconds()), &outcome) {
	case C.OSS_OK:
		return goOutcome(&outcome), foundOutcome
	case C.OSS_PENDING:
		return Outcome{}, foundNothing
	default:
		return Outcome{}, foundEnd
	}
}

func pauseBatch(batch *cBatch)  { C.oss_batch_pause(batch) }
func cancelBatch(batch *cBatch) { C.oss_batch_cancel(batch) }
func freeBatch(batch *cBatch)   { C.oss_batch_free(batch) }

func goBatchProgress(p *C.oss_batch_progress) BatchProgress {
	return BatchProgress{
		FilesFound:     int64(p.files_found),
		BytesFound:     int64(p.bytes_found),
		TotalsKnown:    p.totals_known != 0,
		FilesStored:    int64(p.files_stored),
		FilesResumed:   int64(p.files_resumed),
		FilesUnchanged: int64(p.files_unchanged),
		FilesSkipped:   int64(p.files_skipped),
		FilesFailed:    int64(p.files_failed),
		BytesDone:      int64(p.bytes_done),
		BytesSent:      int64(p.bytes_sent),
		Requests:       int64(p.requests),
		Retries:        int64(p.retries),
		BytesPerSecond: int64(p.bytes_per_second),
		FilesPerSecond: int64(p.files_per_second),
		ETA:            goETA(p.eta_ms),
		CurrentPath:    C.GoString(&p.current_path[0]),
		CurrentDone:    int64(p.current_done),
		CurrentSize:    int64(p.current_size),
		Ended:          p.ended != 0,
	}
}

func goBatchResult(r *C.oss_batch_result) *BatchResult {
	return &BatchResult{
		FilesStored:          int64(r.files_stored),
		FilesResumed:         int64(r.files_resumed),
		FilesUnchanged:       int64(r.files_unchanged),
		FilesSkipped:         int64(r.files_skipped),
		FilesFailed:          int64(r.files_failed),
		FilesPlanned:         int64(r.files_planned),
		BytesStored:          int64(r.bytes_stored),
		BytesSent:            int64(r.bytes_sent),
		Requests:             int64(r.requests),
		ManifestLinesDamaged: int64(r.manifest_lines_damaged),
		Elapsed:              goDuration(uint64(r.elapsed_ms)),
	}
}

func goOutcome(o *C.oss_outcome) Outcome {
	return Outcome{
		Status:    OutcomeStatus(o.status),
		Path:      C.GoString(&o.path[0]),
		Key:       C.GoString(&o.key[0]),
		Size:      int64(o.size),
		CRC64:     uint64(o.crc64),
		ETag:      C.GoString(&o.etag[0]),
		VersionID: C.GoString(&o.version_id[0]),
		RequestID: C.GoString(&o.request_id[0]),
		Attempts:  int(o.attempts),
		Resumed:   o.resumed != 0,
		Rule:      C.GoString(&o.rule[0]),
		Err:       goError(C.oss_status(o.error.status), &o.error),
	}
}

func mergeManifests(out string, manifests []string) error {
	var c converter
	defer c.release()
	path := c.required("out", out)
	paths, count := c.list("manifests", manifests)
	if c.err != nil {
		return c.err
	}
	var failure C.oss_error
	return goError(C.oss_manifest_merge(path, paths, count, &failure), &failure)
}
