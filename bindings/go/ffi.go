package oss

/*
#cgo CFLAGS: -std=c11 -Wall -Wextra
#cgo !oss_upload_pkgconfig CFLAGS: -I${SRCDIR}/../../include
#cgo !oss_upload_pkgconfig,!oss_upload_static LDFLAGS: -L${SRCDIR}/../../target/release -loss_upload
#cgo !oss_upload_pkgconfig,!oss_upload_static LDFLAGS: -Wl,-rpath,${SRCDIR}/../../target/release
#cgo !oss_upload_pkgconfig,oss_upload_static LDFLAGS: ${SRCDIR}/../../target/release/liboss_upload.a
#cgo !oss_upload_pkgconfig,oss_upload_static LDFLAGS: -lgcc_s -lutil -lrt -lpthread -lm -ldl
#cgo oss_upload_pkgconfig pkg-config: oss_upload

#include "shim.h"
*/
import "C"

import (
	"math"
	"syscall"
	"time"
	"unsafe"
)

// This file is the only one that speaks C. What it hands to C is numbers, blocks of bytes without pointers, and C's own
// handles; what it takes back are plain structs, copied into Go's.

type (
	cClient = C.oss_client
	cUpload = C.oss_upload
)

func libraryVersion() string { return C.GoString(C.oss_version()) }

func statusName(status Status) string { return C.GoString(C.oss_status_name(C.int32_t(status))) }

func newClient(o *ClientOptions) (*cClient, error) {
	var check checker
	numbers := C.ossgo_client_numbers{
		max_bytes_per_second: C.uint64_t(check.uint64("MaxBytesPerSecond", o.MaxBytesPerSecond)),
		signature_version:    C.uint32_t(check.uint32("SignatureVersion", int(o.SignatureVersion))),
		cname:                C.uint32_t(flag(o.CNAME)),
		path_style:           C.uint32_t(flag(o.PathStyle)),
		connect_timeout_ms:   C.uint32_t(check.milliseconds("ConnectTimeout", o.ConnectTimeout)),
		stall_timeout_ms:     C.uint32_t(check.milliseconds("StallTimeout", o.StallTimeout)),
		max_attempts:         C.uint32_t(check.uint32("MaxAttempts", o.MaxAttempts)),
		insecure_skip_verify: C.uint32_t(flag(o.InsecureSkipVerify)),
		credentials_wait_ms:  C.uint32_t(check.milliseconds("CredentialsWait", o.CredentialsWait)),
	}
	if check.err != nil {
		return nil, check.err
	}
	block, err := pack(o.texts())
	if err != nil {
		return nil, err
	}
	defer clear(block)
	var client *C.oss_client
	var failure C.oss_error
	status := C.ossgo_client_new(chars(block), &numbers, &client, &failure)
	return client, goError(status, &failure)
}

func setCredentials(client *cClient, id, secret, token string) error {
	block, err := pack([]text{{"accessKeyID", id}, {"accessKeySecret", secret}, {"securityToken", token}})
	if err != nil {
		return err
	}
	defer clear(block)
	var failure C.oss_error
	return goError(C.ossgo_client_set_credentials(client, chars(block), &failure), &failure)
}

func freeClient(client *cClient) { C.oss_client_free(client) }

func startUpload(client *cClient, path string, o *UploadOptions) (*cUpload, error) {
	var check checker
	numbers := C.ossgo_upload_numbers{
		part_size:      C.uint64_t(check.partSize(o.PartSize)),
		header_count:   C.size_t(len(o.Headers) + len(o.Metadata)),
		routines:       C.uint32_t(check.routines(o.Routines)),
		checkpoint:     C.uint32_t(flag(o.Checkpoint)),
		on_file_change: C.uint32_t(check.uint32("OnFileChange", int(o.OnFileChange))),
		verify_resume:  C.uint32_t(check.uint32("VerifyResume", int(o.VerifyResume))),
		content_md5:    C.uint32_t(flag(o.ContentMD5)),
	}
	if check.err != nil {
		return nil, check.err
	}
	texts, err := o.texts(path)
	if err != nil {
		return nil, err
	}
	block, err := pack(texts)
	if err != nil {
		return nil, err
	}
	defer clear(block)
	var upload *C.oss_upload
	var failure C.oss_error
	status := C.ossgo_upload_start(client, chars(block), &numbers, &upload, &failure)
	return upload, goError(status, &failure)
}

func waitUpload(upload *cUpload, timeout time.Duration) snapshot {
	var progress C.oss_progress
	var result C.oss_result
	var failure C.oss_error
	status := C.oss_upload_wait(upload, C.uint32_t(timeout.Milliseconds()), &progress, &result, &failure)
	now := snapshot{progress: goProgress(&progress), ended: status != C.OSS_PENDING}
	if now.ended {
		now.result, now.err = goResult(&result), goError(status, &failure)
		now.result.CallbackAnswer = callbackAnswer(upload, uint64(result.callback_answer_size))
	}
	return now
}

func callbackAnswer(upload *cUpload, size uint64) []byte {
	if size == 0 {
		return nil
	}
	buffer := make([]byte, size+1)
	C.oss_upload_callback_answer(upload, chars(buffer), C.size_t(len(buffer)))
	return buffer[:size]
}

func pauseUpload(upload *cUpload)  { C.oss_upload_pause(upload) }
func cancelUpload(upload *cUpload) { C.oss_upload_cancel(upload) }
func freeUpload(upload *cUpload)   { C.oss_upload_free(upload) }

func nextClientEvent(client *cClient) (Event, bool) {
	var event C.oss_event
	status := C.oss_client_next_event(client, &event)
	return goEvent(&event), status == C.OSS_OK
}

func nextUploadEvent(upload *cUpload) (Event, bool) {
	var event C.oss_event
	status := C.oss_upload_next_event(upload, &event)
	return goEvent(&event), status == C.OSS_OK
}

func chars(block []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(block))) }

func goError(status C.oss_status, e *C.oss_error) error {
	if status == C.OSS_OK {
		return nil
	}
	return &Error{
		Status:     Status(status),
		HTTPStatus: int(e.http_status),
		OSErrno:    syscall.Errno(e.os_errno),
		PartNumber: int(e.part_number),
		Retryable:  e.retryable != 0,
		Code:       C.GoString(&e.service_code[0]),
		EC:         C.GoString(&e.ec[0]),
		RequestID:  C.GoString(&e.request_id[0]),
		Message:    C.GoString(&e.message[0]),
	}
}

func goResult(r *C.oss_result) *Result {
	return &Result{
		ETag:           C.GoString(&r.etag[0]),
		CRC64:          uint64(r.crc64),
		VersionID:      C.GoString(&r.version_id[0]),
		RequestID:      C.GoString(&r.request_id[0]),
		UploadID:       C.GoString(&r.upload_id[0]),
		Size:           int64(r.size),
		PartSize:       int64(r.part_size),
		PartSizeRaised: r.part_size_raised != 0,
		Parts:          int(r.parts),
		PartsResumed:   int(r.parts_resumed),
		BytesSent:      int64(r.bytes_sent),
		BytesResumed:   int64(r.bytes_resumed),
		Attempts:       int(r.attempts),
		RestartReason:  C.GoString(&r.restart_reason[0]),
		Elapsed:        goDuration(uint64(r.elapsed_ms)),
	}
}

func goProgress(p *C.oss_progress) UploadProgress {
	eta := ETAUnknown
	if p.eta_ms != C.OSS_ETA_UNKNOWN {
		eta = goDuration(uint64(p.eta_ms))
	}
	return UploadProgress{
		Phase:          Phase(p.phase),
		TotalBytes:     int64(p.total_bytes),
		DoneBytes:      int64(p.done_bytes),
		ResumedBytes:   int64(p.resumed_bytes),
		SentBytes:      int64(p.sent_bytes),
		BytesPerSecond: int64(p.bytes_per_second),
		ETA:            eta,
		PartsTotal:     int(p.parts_total),
		PartsDone:      int(p.parts_done),
		Retries:        int(p.retries),
	}
}

func goEvent(e *C.oss_event) Event {
	return Event{
		Kind:        EventKind(e.kind),
		Upload:      int64(e.upload),
		At:          goDuration(uint64(e.at_ms)),
		Key:         C.GoString(&e.object_key[0]),
		Operation:   C.GoString(&e.operation[0]),
		PartNumber:  int(e.part_number),
		Attempt:     int(e.attempt),
		HTTPStatus:  int(e.http_status),
		Code:        C.GoString(&e.service_code[0]),
		RequestID:   C.GoString(&e.request_id[0]),
		Elapsed:     goDuration(uint64(e.elapsed_ms)),
		Bytes:       int64(e.bytes),
		Concurrency: int(e.concurrency),
		Message:     C.GoString(&e.message[0]),
		Dropped:     int64(e.dropped),
	}
}

// goDuration is as much of the milliseconds as fits.
func goDuration(milliseconds uint64) time.Duration {
	const most = uint64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(milliseconds, most)) * time.Millisecond
}
