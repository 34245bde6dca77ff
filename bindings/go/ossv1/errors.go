package oss

import (
	"errors"

	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// Error is the error of package [native]: all that is known of a failure.
type Error = native.Error

// What an [*Error] matches with [errors.Is]: the sentinels of package [native], which says what they mean.
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
	ErrInternal         = native.ErrInternal
	ErrClosed           = native.ErrClosed
)

// ServiceError is what the server said. [Bucket.UploadFile] returns it as a value, as Alibaba Cloud's SDK v1 does;
// [errors.As] finds it as a value and as a pointer.
type ServiceError struct {
	// Code is OSS's error code, such as "NoSuchBucket"; empty when the response held none, as those of proxies.
	Code string
	// Message is that of the [Error]: what failed, where, what the server said, and what to do.
	Message string
	// RequestID is what Alibaba Cloud's support asks for.
	RequestID string
	// Ec is OSS's detailed error code, such as "0003-00000001"; EC is the same.
	Ec, EC string
	// StatusCode is the HTTP status.
	StatusCode int
	// Endpoint is the one given to [New].
	Endpoint string
	// HostID is always empty, and RawMessage the same as Message: of the server's response, only the above is kept. They
	// are here for programs that print them.
	HostID, RawMessage string

	cause error // all that is known
}

// Error is the message.
func (e ServiceError) Error() string { return "oss: " + e.Message }

// Unwrap gives all that is known, so that [errors.Is] finds the sentinel and [errors.As] the [*Error].
func (e ServiceError) Unwrap() error { return e.cause }

// As lets [errors.As] find a value as a pointer.
func (e ServiceError) As(target any) bool {
	pointer, ok := target.(**ServiceError)
	if ok {
		*pointer = &e
	}
	return ok
}

// asServiceError has an error that holds what the server said be that, for type assertions.
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
