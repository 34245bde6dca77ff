package oss

import (
	"context"
	"runtime"
)

// UploadMemory uploads data and returns when the upload has ended. The bytes are not copied: they must not change
// meanwhile.
//
// Data that fits into one part is sent with one PutObject, more in parts. Nothing can be resumed: the options about
// checkpoints, changes of files and streams must not be set. Everything else is as for [Client.UploadFile].
func (c *Client) UploadMemory(ctx context.Context, data []byte, options *UploadOptions) (*Result, error) {
	if options == nil {
		return nil, invalid("options is nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Released last: Close waits until the bytes are no longer read.
	var pinner runtime.Pinner
	defer pinner.Unpin()
	if len(data) > 0 {
		pinner.Pin(&data[0])
	}
	u, err := c.startMemory(data, options)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	return u.Wait(ctx)
}

func (c *Client) startMemory(data []byte, options *UploadOptions) (*Upload, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle, err := startMemory(c.handle, data, options)
	if err != nil {
		return nil, err
	}
	return newUpload(handle, options.Progress), nil
}
