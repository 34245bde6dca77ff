package oss

import (
	"errors"
	"fmt"
	"syscall"
)

// Status is the kind of a failure, with the numbers of the C API's oss_status. They are never reused.
type Status int32

// The kinds of failure. Each has a sentinel for [errors.Is], which says what it means.
const (
	StatusInvalidArgument  Status = -1
	StatusIO               Status = -2
	StatusNetwork          Status = -3
	StatusTimeout          Status = -4
	StatusService          Status = -5
	StatusCredentials      Status = -6
	StatusFileChanged      Status = -7
	StatusChecksumMismatch Status = -8
	StatusCheckpoint       Status = -9
	StatusCheckpointBusy   Status = -10
	StatusPaused           Status = -11
	StatusCancelled        Status = -12
	StatusCallbackFailed   Status = -13
	StatusUnsupported      Status = -14
	StatusResources        Status = -15
	StatusFilesFailed      Status = -16
	StatusInternal         Status = -99
)

// String is the status's name in the C API, such as "OSS_SERVICE".
func (s Status) String() string { return statusName(s) }

// What an [*Error] matches with [errors.Is], by its Status.
var (
	// ErrInvalidArgument: an argument or option is invalid; the message names it. Nothing was done.
	ErrInvalidArgument = errors.New("oss: invalid argument")
	// ErrIO: the local file could not be opened or read; [Error].OSErrno says why.
	ErrIO = errors.New("oss: local file")
	// ErrNetwork: the server could not be reached, or the connection broke more often than MaxAttempts allows.
	ErrNetwork = errors.New("oss: network")
	// ErrTimeout: ConnectTimeout or StallTimeout passed without progress, more often than MaxAttempts allows.
	ErrTimeout = errors.New("oss: timeout")
	// ErrService: the server refused the request; a [*ServiceError] says why.
	ErrService = errors.New("oss: refused by the server")
	// ErrCredentials: no credentials were found, or a credentials provider failed.
	ErrCredentials = errors.New("oss: credentials")
	// ErrFileChanged: the local file changed during the upload, and FailOnFileChange forbids a restart (or restarts did
	// not help).
	ErrFileChanged = errors.New("oss: local file changed")
	// ErrChecksumMismatch: the server's CRC-64 differs from the CRC-64 of the local data.
	ErrChecksumMismatch = errors.New("oss: checksum mismatch")
	// ErrCheckpoint: the checkpoint file cannot be written, or this version cannot use it.
	ErrCheckpoint = errors.New("oss: checkpoint")
	// ErrCheckpointBusy: another upload, in this or another process, holds the checkpoint file.
	ErrCheckpointBusy = errors.New("oss: checkpoint in use")
	// ErrPaused: the upload was paused. With a checkpoint, start it again to resume where it stopped.
	ErrPaused = errors.New("oss: paused")
	// ErrCancelled: the upload was cancelled; nothing of it is left on the server.
	ErrCancelled = errors.New("oss: cancelled")
	// ErrCallbackFailed: the object is stored, but the application server's callback (x-oss-callback) failed.
	ErrCallbackFailed = errors.New("oss: object stored, callback failed")
	// ErrUnsupported: the option is known, but this version of the library does not support it.
	ErrUnsupported = errors.New("oss: unsupported")
	// ErrResources: the system could not create a thread: a process or memory limit is reached. Retrying later may help.
	ErrResources = errors.New("oss: no more threads")
	// ErrFilesFailed: some files of a batch failed; the outcome of each says why. The other files are as they should be.
	ErrFilesFailed = errors.New("oss: files failed")
	// ErrInternal: a bug in the library; please report the message.
	ErrInternal = errors.New("oss: internal error")
)

// ErrClosed is returned by methods of a [Client], [Upload], [Stream] or [Batch] that has been closed.
var ErrClosed = errors.New("oss: closed")

var sentinels = map[Status]error{
	StatusInvalidArgument:  ErrInvalidArgument,
	StatusIO:               ErrIO,
	StatusNetwork:          ErrNetwork,
	StatusTimeout:          ErrTimeout,
	StatusService:          ErrService,
	StatusCredentials:      ErrCredentials,
	StatusFileChanged:      ErrFileChanged,
	StatusChecksumMismatch: ErrChecksumMismatch,
	StatusCheckpoint:       ErrCheckpoint,
	StatusCheckpointBusy:   ErrCheckpointBusy,
	StatusPaused:           ErrPaused,
	StatusCancelled:        ErrCancelled,
	StatusCallbackFailed:   ErrCallbackFailed,
	StatusUnsupported:      ErrUnsupported,
	StatusResources:        ErrResources,
	StatusFilesFailed:      ErrFilesFailed,
	StatusInternal:         ErrInternal,
}

// Error is the error that the library reports when a call or an upload fails.
//
// [errors.Is] finds the sentinel of its Status and, when OSErrno is set, what that [syscall.Errno] matches, such as
// fs.ErrNotExist. [errors.As] finds a [*ServiceError] when the server sent one.
type Error struct {
	// Status is the kind of failure.
	Status Status
	// HTTPStatus of the server's response; 0 when there was none.
	HTTPStatus int
	// OSErrno is the operating system's error; 0 when it is not involved.
	OSErrno syscall.Errno
	// PartNumber is the number of the part that failed, from 1; 0 when the failure does not concern a single part.
	PartNumber int
	// Retryable says that the same call may succeed later without any change.
	Retryable bool
	// Code is the OSS error code, such as "AccessDenied"; empty when there is none.
	Code string
	// EC is the detailed OSS error code, such as "0003-00000001"; empty when there is none.
	EC string
	// RequestID is the request ID, which Alibaba Cloud support asks for; empty when there is none.
	RequestID string
	// Message is one line that says what failed, where, and what to do. It contains no secrets.
	Message string
}

// Error returns the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return "oss: " + e.Status.String()
	}
	return "oss: " + e.Message
}

// Unwrap returns the sentinel of the status, the operating system's error and the server's error, if any.
func (e *Error) Unwrap() []error {
	var errs []error
	if sentinel, ok := sentinels[e.Status]; ok {
		errs = append(errs, sentinel)
	}
	if e.OSErrno != 0 {
		errs = append(errs, e.OSErrno)
	}
	if e.Code != "" || e.Status == StatusService {
		errs = append(errs, &ServiceError{
			StatusCode: e.HTTPStatus, Code: e.Code, EC: e.EC, RequestID: e.RequestID, Message: e.Message,
		})
	}
	return errs
}

// ServiceError is the error that the server returned. [errors.As] finds a *ServiceError in every error that contains
// one.
type ServiceError struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the OSS error code, such as "NoSuchBucket"; empty if the response had none, as those of proxies.
	Code string
	// EC is the detailed OSS error code, such as "0003-00000001".
	EC string
	// RequestID is the request ID, which Alibaba Cloud support asks for.
	RequestID string
	// Message is the message of the [Error]: what failed, where, the server's message, and what to do.
	Message string
}

// Error returns the message.
func (e *ServiceError) Error() string { return "oss: " + e.Message }

func invalid(format string, args ...any) error {
	return &Error{Status: StatusInvalidArgument, Message: fmt.Sprintf(format, args...)}
}
