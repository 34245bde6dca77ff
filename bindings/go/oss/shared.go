package oss

import "context"

// BeginSharedUpload opens an object that several hosts upload together. Each of them sees the file at a path of its own: the
// same file, or a copy with the same bytes. It returns the token that the other steps need, a line of text
// without secrets; [SharedUploadPartCount] tells how many parts there are.
//
// All steps take the same Bucket, Key, Headers and Metadata. A step that fails, is stopped or killed can be repeated, here
// or on another host; parts stay on the server until the upload is finished or aborted. The file must not be empty.
// Options about checkpoints and streams must not be set. A file that changes is an error, whatever OnFileChange says.
// Content-Type, if not set, is guessed from the name of the object.
//
// Errors are those of [Client.UploadFile]. If ctx ends first, nothing is left on the server.
func (c *Client) BeginSharedUpload(ctx context.Context, path string, options *UploadOptions) (string, error) {
	if path == "" {
		return "", invalid("path is empty")
	}
	_, token, err := c.share(ctx, path, options, sharedStep{call: sharedBegin})
	return token, err
}

// SendParts sends parts first to last of a shared upload, from 1 on, and returns the fragment for
// [Client.FinishSharedUpload]. Parts that the server has already are compared with the file, and not sent again. Ranges may
// overlap, and several hosts may send the same one.
//
// Errors are those of [Client.UploadFile]; [ErrFileChanged] also means that the file has another size than it had. If ctx
// ends first, what was sent stays on the server.
func (c *Client) SendParts(
	ctx context.Context, token string, first, last int, path string, options *UploadOptions,
) (string, error) {
	if path == "" {
		return "", invalid("path is empty")
	}
	step := sharedStep{call: sharedSend, token: token, first: first, last: last}
	_, fragment, err := c.share(ctx, path, options, step)
	return fragment, err
}

// FinishSharedUpload makes the object of all parts of a shared upload, and proves it by its CRC-64. The order of the
// fragments does not matter, and they may be repeated; of a part that is in several, the last one counts. It fails with
// [ErrInvalidArgument] if parts are missing; the message names them. An object that is stored already, since this call is
// repeated, counts as success.
//
// path may be empty. If parts were read from files with different times, the content must decide: with a path, the file
// is read and compared; without, it fails with [ErrFileChanged]. [VerifyNever] promises that all files had the same bytes;
// [VerifyAlways] reads the file in any case.
func (c *Client) FinishSharedUpload(
	ctx context.Context, token string, fragments []string, path string, options *UploadOptions,
) (*Result, error) {
	result, _, err := c.share(ctx, path, options, sharedStep{call: sharedFinish, token: token, fragments: fragments})
	return result, err
}

// AbortSharedUpload removes from the server what was sent of a shared upload. An upload that is gone already is no error,
// and an object that was stored stays.
func (c *Client) AbortSharedUpload(ctx context.Context, token string, options *UploadOptions) error {
	_, _, err := c.share(ctx, "", options, sharedStep{call: sharedAbort, token: token})
	return err
}

// SharedUploadPartCount returns the number of parts of a shared upload. Nothing is sent. It fails with
// [ErrInvalidArgument] if the token is damaged or none, and with [ErrUnsupported] if it comes from a newer version.
func SharedUploadPartCount(token string) (int, error) { return sharedPartCount(token) }

// share carries out a step to its end; its text is the token or the fragment.
func (c *Client) share(
	ctx context.Context, path string, options *UploadOptions, step sharedStep,
) (result *Result, text string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	u, err := c.startShared(path, options, step)
	if err != nil {
		return nil, "", err
	}
	defer u.Close()
	if result, err = u.Wait(ctx); err != nil {
		return result, "", err
	}
	u.use(func(handle *cUpload) { text = sharedText(handle) })
	return result, text, nil
}

func (c *Client) startShared(path string, options *UploadOptions, step sharedStep) (*Upload, error) {
	if options == nil {
		return nil, invalid("options is nil")
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return nil, ErrClosed
	}
	handle, err := startShared(c.handle, path, options, step)
	if err != nil {
		return nil, err
	}
	return newUpload(handle, options.Progress), nil
}
