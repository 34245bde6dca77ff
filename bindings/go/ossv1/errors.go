package oss

import (
	"errors"

	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// Error is the error of package [native]: everything that is known about a failure.
type Error = native.Error

// What an [*Error] matches with [errors.Is]: the sentinels of package [native], which documents them.
var (
	ErrInvalidArgument  = native.ErrInvalidArgument
	ErrIO               = native.ErrIO
	ErrNetwork          = native.ErrNetwork
	ErrTimeout          = native.ErrTimeout
	ErrService          = native.ErrService
	ErrCredentials      = native.ErrCredentials
	ErrFileChanged      = native.ErrFileChanged
	ErrChecksumMismatch = native.ErrChecksumMismatch
	ErrCheckpoint       = native.ErrCheckpoint
	ErrCheckpointBusy   = native.ErrCheckpointBusy
	ErrPaused           = native.ErrPaused
	ErrCancelled        = native.ErrCancelled
	ErrCallbackFailed   = native.ErrCallbackFailed
	ErrUnsupported      = native.ErrUnsupported
	ErrResources        = native.ErrResources
	ErrInternal         = native.ErrInternal
	ErrClosed           = native.ErrClosed
)

// ServiceError is the error that the server returned. [Bucket.UploadFile] returns it as a value, as Alibaba Cloud's
// SDK v1 does; [errors.As] finds it as a value and as a pointer.
type ServiceError struct {
	// Code is the OSS error code, such as "NoSuchBucket"; empty if the response had none, as those of proxies.
	Code string
	// Message is the message of the [Error]: what failed, where, the server's message, and what to do.
	Message string
	// RequestID is the request ID, which Alibaba Cloud support asks for.
	RequestID string
	// Ec is the detailed OSS error code, such as "0003-00000001"; EC is the same.
	Ec, EC string
	// StatusCode is the HTTP status.
	StatusCode int
	// Endpoint is the one given to [New].
	Endpoint string
	// HostID is always empty, and RawMessage is the same as Message: only the above is kept of the server's response.
	// They exist for programs that print them.
	HostID, RawMessage string

	cause error // all that is known
}

// Error returns the message.
func (e ServiceError) Error() string { return "oss: " + e.Message }

// Unwrap returns the [*Error], so that [errors.Is] finds the sentinel and [errors.As] the [*Error].
func (e ServiceError) Unwrap() error { return e.cause }

// As lets [errors.As] find a value as a pointer.
func (e ServiceError) As(target any) bool {
	pointer, ok := target.(**ServiceError)
	if ok {
		*pointer = &e
	}
	return ok
}

// asServiceError turns an error that contains a server's error into that, for type assertions.
func (c *Client) asServiceError(err error) error {
	var said *native.ServiceError
	if !errors.As(err, &said) {
		return err
	}
	return ServiceError{
		Code:       said.Code,
		Message:    said.Message,
		RequestID:  said.RequestID,
		Ec:         said.EC,
		EC:         said.EC,
		StatusCode: said.StatusCode,
		Endpoint:   c.endpoint,
		RawMessage: said.Message,
		cause:      err,
	}
}
