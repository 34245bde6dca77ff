package oss

/*
#cgo CFLAGS: -std=c11 -Wall -Wextra
#cgo oss_upload_pkgconfig pkg-config: oss_upload

// The header is next to this file: the go command takes nothing from outside a package into vendor/ or a module.
#include "oss_upload.h"
*/
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// This file, ffi_batch.go and ffi_shared.go are the only ones that speak C. What they hand to C are the C API's own structs, whose strings are pinned for
// the time of the call, and C's own handles; what they take back are plain structs, copied into Go's.

type (
	cClient = C.oss_client
	cUpload = C.oss_upload
	cStream = C.oss_stream
)

func libraryVersion() string { return C.GoString(C.oss_version()) }

func statusName(status Status) string { return C.GoString(C.oss_status_name(C.int32_t(status))) }

func newClient(o *ClientOptions) (*cClient, error) {
	var c converter
	defer c.release()
	options := C.oss_client_options_default()
	options.endpoint = c.text("Endpoint", o.Endpoint)
	options.region = c.text("Region", o.Region)
	options.access_key_id = c.text("AccessKeyID", o.AccessKeyID)
	options.access_key_secret = c.text("AccessKeySecret", o.AccessKeySecret)
	options.security_token = c.text("SecurityToken", o.SecurityToken)
	options.credentials = c.text("Credentials", o.Credentials)
	options.proxy = c.text("Proxy", o.Proxy)
	options.ca_file = c.text("CAFile", o.CAFile)
	options.user_agent = c.text("UserAgent", o.UserAgent)
	options.max_bytes_per_second = c.uint64("MaxBytesPerSecond", o.MaxBytesPerSecond)
	options.signature_version = c.uint32("SignatureVersion", int(o.SignatureVersion))
	options.cname = flag(o.CNAME)
	options.path_style = flag(o.PathStyle)
	options.connect_timeout_ms = c.milliseconds("ConnectTimeout", o.ConnectTimeout)
	options.stall_timeout_ms = c.milliseconds("StallTimeout", o.StallTimeout)
	options.max_attempts = c.uint32("MaxAttempts", o.MaxAttempts)
	options.insecure_skip_verify = flag(o.InsecureSkipVerify)
	options.credentials_wait_ms = c.milliseconds("CredentialsWait", o.CredentialsWait)
	if c.err != nil {
		return nil, c.err
	}
	var client *C.oss_client
	var failure C.oss_error
	status := C.oss_client_new(&options, &client, &failure)
	return client, goError(status, &failure)
}

func setCredentials(client *cClient, id, secret, token string) error {
	var c converter
	defer c.release()
	cID, cSecret := c.given("accessKeyID", id), c.given("accessKeySecret", secret)
	cToken := c.text("securityToken", token)
	if c.err != nil {
		return c.err
	}
	var failure C.oss_error
	return goError(C.oss_client_set_credentials(client, cID, cSecret, cToken, &failure), &failure)
}

func freeClient(client *cClient) { C.oss_client_free(client) }

// uploadOptions are all but the path of a file. They are valid until the converter is released.
func (c *converter) uploadOptions(o *UploadOptions) C.oss_upload_options {
	options := C.oss_upload_options_default()
	options.bucket = c.required("Bucket", o.Bucket)
	options.object_key = c.required("Key", o.Key)
	options.checkpoint_path = c.text("CheckpointPath", o.CheckpointPath)
	options.checkpoint_dir = c.text("CheckpointDir", o.CheckpointDir)
	options.headers, options.header_count = c.headers(o.Headers, o.Metadata)
	options.part_size = c.partSize(o.PartSize)
	options.routines = c.routines("Routines", o.Routines)
	options.checkpoint = flag(o.Checkpoint)
	options.on_file_change = c.uint32("OnFileChange", int(o.OnFileChange))
	options.verify_resume = c.uint32("VerifyResume", int(o.VerifyResume))
	options.content_md5 = flag(o.ContentMD5)
	options.max_memory = c.uint64("MaxMemory", o.MaxMemory)
	options.spool_dir = c.text("SpoolDir", o.SpoolDir)
	options.spool_limit = c.uint64("SpoolLimit", o.SpoolLimit)
	return options
}

func startUpload(client *cClient, path string, o *UploadOptions) (*cUpload, error) {
	var c converter
	defer c.release()
	options := c.uploadOptions(o)
	options.file_path = c.required("path", path)
	if c.err != nil {
		return nil, c.err
	}
	var upload *C.oss_upload
	var failure C.oss_error
	status := C.oss_upload_start(client, &options, &upload, &failure)
	return upload, goError(status, &failure)
}

// startMemory hands memory over that must be pinned until the upload has ended.
func startMemory(client *cClient, data []byte, o *UploadOptions) (*cUpload, error) {
	var c converter
	defer c.release()
	options := c.uploadOptions(o)
	if c.err != nil {
		return nil, c.err
	}
	var upload *C.oss_upload
	var failure C.oss_error
	status := C.oss_upload_memory_start(client, &options, bytesOf(data), C.size_t(len(data)), &upload, &failure)
	return upload, goError(status, &failure)
}

func openStream(client *cClient, o *UploadOptions) (*cStream, error) {
	var c converter
	defer c.release()
	options := c.uploadOptions(o)
	if c.err != nil {
		return nil, c.err
	}
	var stream *C.oss_stream
	var failure C.oss_error
	status := C.oss_stream_open(client, &options, &stream, &failure)
	return stream, goError(status, &failure)
}

// writeStream tells how many bytes were taken in time. With an error, none were.
func writeStream(stream *cStream, data []byte, timeout time.Duration) (int, error) {
	var written C.size_t
	var failure C.oss_error
	limit := C.uint32_t(timeout.Milliseconds())
	status := C.oss_stream_try_write(stream, bytesOf(data), C.size_t(len(data)), limit, &written, &failure)
	if status == C.OSS_PENDING {
		status = C.OSS_OK
	}
	return int(written), goError(status, &failure)
}

// finishStream says that nothing more comes, and waits.
func finishStream(stream *cStream, timeout time.Duration) snapshot {
	var result C.oss_result
	var failure C.oss_error
	status := C.oss_stream_try_finish(stream, C.uint32_t(timeout.Milliseconds()), &result, &failure)
	now := snapshot{ended: status != C.OSS_PENDING}
	if now.ended {
		now.result, now.err = goResult(&result), goError(status, &failure)
		if size := uint64(result.callback_response_size); size != 0 {
			buffer := make([]byte, size+1)
			C.oss_stream_callback_response(stream, chars(buffer), C.size_t(len(buffer)))
			now.result.CallbackResponse = buffer[:size]
		}
	}
	now.progress = streamProgress(stream)
	return now
}

func streamProgress(stream *cStream) Progress {
	var progress C.oss_progress
	C.oss_stream_progress(stream, &progress)
	return goProgress(&progress)
}

func abortStream(stream *cStream)  { C.oss_stream_abort(stream) }
func pauseStream(stream *cStream)  { C.oss_stream_pause(stream) }
func resumeStream(stream *cStream) { C.oss_stream_resume(stream) }
func freeStream(stream *cStream)   { C.oss_stream_free(stream) }

func nextStreamEvent(stream *cStream) (Event, bool) {
	var event C.oss_event
	status := C.oss_stream_next_event(stream, &event)
	return goEvent(&event), status == C.OSS_OK
}

func waitUpload(upload *cUpload, timeout time.Duration) snapshot {
	var progress C.oss_progress
	var result C.oss_result
	var failure C.oss_error
	status := C.oss_upload_wait(upload, C.uint32_t(timeout.Milliseconds()), &progress, &result, &failure)
	now := snapshot{progress: goProgress(&progress), ended: status != C.OSS_PENDING}
	if now.ended {
		now.result, now.err = goResult(&result), goError(status, &failure)
		now.result.CallbackResponse = callbackResponse(upload, uint64(result.callback_response_size))
	}
	return now
}

func callbackResponse(upload *cUpload, size uint64) []byte {
	if size == 0 {
		return nil
	}
	buffer := make([]byte, size+1)
	C.oss_upload_callback_response(upload, chars(buffer), C.size_t(len(buffer)))
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

// A converter makes C's values of Go's and keeps the first failure. Its strings live until it is released.
type converter struct {
	pinner runtime.Pinner
	texts  [][]byte
	err    error
}

// release overwrites the strings, since some are secrets, and lets go of them.
func (c *converter) release() {
	for _, text := range c.texts {
		clear(text)
	}
	c.pinner.Unpin()
}

func (c *converter) fail(format string, args ...any) {
	if c.err == nil {
		c.err = invalid(format, args...)
	}
}

// text is NULL when it is empty.
func (c *converter) text(field, value string) *C.char {
	if value == "" {
		return nil
	}
	return c.given(field, value)
}

// required may not be empty.
func (c *converter) required(field, value string) *C.char {
	if value == "" {
		c.fail("%s is empty", field)
	}
	return c.given(field, value)
}

// given may be empty.
func (c *converter) given(field, value string) *C.char {
	if strings.IndexByte(value, 0) >= 0 {
		c.fail("%s contains NUL", field)
	}
	text := make([]byte, len(value)+1)
	copy(text, value)
	c.texts = append(c.texts, text)
	c.pinner.Pin(&text[0])
	return chars(text)
}

// headers are those of options, and their metadata, in the order of the names.
func (c *converter) headers(given, metadata map[string]string) (*C.oss_header, C.size_t) {
	headers := make([]C.oss_header, 0, len(given)+len(metadata))
	add := func(field, prefix string, values map[string]string) {
		for _, name := range sortedKeys(values) {
			value := c.given(fmt.Sprintf("%s[%q]", field, name), values[name])
			headers = append(headers, C.oss_header{name: c.given(field, prefix+name), value: value})
		}
	}
	add("Headers", "", given)
	add("Metadata", "x-oss-meta-", metadata)
	if len(headers) == 0 {
		return nil, 0
	}
	c.pinner.Pin(&headers[0])
	return &headers[0], C.size_t(len(headers))
}

func (c *converter) uint32(field string, value int) C.uint32_t {
	if value < 0 || int64(value) > math.MaxUint32-1 {
		c.fail("%s is %d", field, value)
		return 0
	}
	return C.uint32_t(value)
}

func (c *converter) uint64(field string, value int64) C.uint64_t {
	if value < 0 {
		c.fail("%s is %d", field, value)
		return 0
	}
	return C.uint64_t(value)
}

func (c *converter) milliseconds(field string, value time.Duration) C.uint32_t {
	ms := int64(value / time.Millisecond)
	if value%time.Millisecond > 0 {
		ms++
	}
	if value < 0 || ms > math.MaxUint32 {
		c.fail("%s is %v; it must be 0 (the default) to %v", field, value, math.MaxUint32*time.Millisecond)
		return 0
	}
	return C.uint32_t(ms)
}

func (c *converter) partSize(value int64) C.uint64_t {
	if value == PartSizeAuto {
		return C.OSS_PART_SIZE_AUTO
	}
	return c.uint64("PartSize", value)
}

func (c *converter) routines(field string, value int) C.uint32_t {
	if value == RoutinesAuto {
		return C.OSS_ROUTINES_AUTO
	}
	return c.uint32(field, value)
}

func flag(value bool) C.uint32_t {
	if value {
		return 1
	}
	return 0
}

func chars(block []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(block))) }

func bytesOf(data []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(data)) }

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

func goETA(milliseconds C.uint64_t) time.Duration {
	if milliseconds == C.OSS_ETA_UNKNOWN {
		return ETAUnknown
	}
	return goDuration(uint64(milliseconds))
}

func goProgress(p *C.oss_progress) Progress {
	return Progress{
		Phase:          Phase(p.phase),
		TotalBytes:     int64(p.total_bytes),
		DoneBytes:      int64(p.done_bytes),
		ResumedBytes:   int64(p.resumed_bytes),
		SentBytes:      int64(p.sent_bytes),
		BytesPerSecond: int64(p.bytes_per_second),
		ETA:            goETA(p.eta_ms),
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
