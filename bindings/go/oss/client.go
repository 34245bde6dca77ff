package oss

import (
	"context"
	"runtime"
	"sync"
)

// Version is the version of the loaded library, such as "0.1.0".
func Version() string { return libraryVersion() }

// A Client has the server, the credentials, and the connections and limits that its uploads share. Create one with
// [NewClient], share it between goroutines, and Close it at the end.
type Client struct {
	mu     sync.RWMutex // read: a call uses the handle; written: the handle goes
	handle *cClient     // nil after Close
}

// NewClient creates a client. Nothing is sent yet.
//
// It fails with [ErrInvalidArgument] (the message names the option), [ErrCredentials] if there are none, [ErrIO] if
// CAFile cannot be read, or [ErrUnsupported].
func NewClient(options ClientOptions) (*Client, error) {
	handle, err := newClient(&options)
	if err != nil {
		return nil, err
	}
	c := &Client{handle: handle}
	runtime.SetFinalizer(c, (*Client).Close) // for clients that nobody closed
	return c, nil
}

// SetCredentials replaces the client's credentials, including those of running uploads: the next request is signed
// with the new ones. securityToken is empty for a permanent key. It fails with [ErrInvalidArgument], [ErrCredentials]
// or [ErrClosed].
func (c *Client) SetCredentials(accessKeyID, accessKeySecret, securityToken string) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return ErrClosed
	}
	return setCredentials(c.handle, accessKeyID, accessKeySecret, securityToken)
}

// UploadFile uploads the file at path and returns when the upload has ended.
//
// On success, the object is stored and its CRC-64 equals the file's. With an error, the result is nil if the upload
// did not start; otherwise it has as much as is known.
//
// If ctx ends first, the upload is paused. UploadFile returns when it has stopped, within about a second, with an
// error that matches the context's and, as a rule, [ErrPaused]. An upload that completes before the pause is a
// success.
func (c *Client) UploadFile(ctx context.Context, path string, options *UploadOptions) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u, err := c.Start(path, options)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	return u.Wait(ctx)
}

// Start starts to upload the file at path and returns at once. The caller should Close the Upload. A relative path is
// resolved at the time of the call, so later changes of directory do not matter. The same holds for the paths of the
// checkpoint.
//
// Only the options are checked here; [Upload.Wait] reports failures of the file or the server. Start fails with
// [ErrInvalidArgument], [ErrUnsupported], [ErrClosed], [ErrResources] if no thread could be created, or [ErrIO] or
// [ErrCheckpoint] for a path that is relative to a directory that no longer exists or whose absolute form is too long.
func (c *Client) Start(path string, options *UploadOptions) (*Upload, error) {
	if options == nil {
		return nil, invalid("options is nil")
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle, err := startUpload(c.handle, path, options)
	if err != nil {
		return nil, err
	}
	return newUpload(handle, options.Progress), nil
}

// Close frees the client; its uploads continue. Further calls of Close do nothing, NextEvent returns no event, and the
// other methods fail with [ErrClosed]. It always returns nil.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle != nil {
		runtime.SetFinalizer(c, nil)
		freeClient(c.handle)
		c.handle = nil
	}
	return nil
}
