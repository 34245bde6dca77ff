package oss

// #include "oss_upload.h"
import "C"

// A sharedCall is one of the steps of a shared upload.
type sharedCall int

const (
	sharedBegin sharedCall = iota
	sharedSend
	sharedFinish
	sharedAbort
)

// A sharedStep is a call, and what it takes besides the options.
type sharedStep struct {
	call        sharedCall
	token       string
	first, last int
	fragments   []string
}

// startShared leaves out a path that is empty.
func startShared(client *cClient, path string, o *UploadOptions, step sharedStep) (*cUpload, error) {
	var c converter
	defer c.release()
	options := c.uploadOptions(o)
	options.file_path = c.text("path", path)
	token := c.given("token", step.token)
	first, last := c.uint32("first", step.first), c.uint32("last", step.last)
	fragments, count := c.list("fragments", step.fragments)
	if c.err != nil {
		return nil, c.err
	}
	var upload *C.oss_upload
	var failure C.oss_error
	var status C.oss_status
	switch step.call {
	case sharedBegin:
		status = C.oss_shared_upload_begin(client, &options, &upload, &failure)
	case sharedSend:
		status = C.oss_shared_upload_send_parts(client, &options, token, first, last, &upload, &failure)
	case sharedFinish:
		status = C.oss_shared_upload_finish(client, &options, token, fragments, count, &upload, &failure)
	case sharedAbort:
		status = C.oss_shared_upload_abort(client, &options, token, &upload, &failure)
	}
	return upload, goError(status, &failure)
}

// sharedText is the token or the fragment of a step that has ended.
func sharedText(upload *cUpload) string {
	buffer := make([]byte, C.oss_shared_upload_text(upload, nil, 0)+1)
	C.oss_shared_upload_text(upload, chars(buffer), C.size_t(len(buffer)))
	return string(buffer[:len(buffer)-1])
}

func sharedPartCount(token string) (int, error) {
	var c converter
	defer c.release()
	text := c.given("token", token)
	if c.err != nil {
		return 0, c.err
	}
	var count C.uint32_t
	var failure C.oss_error
	status := C.oss_shared_upload_part_count(text, &count, &failure)
	return int(count), goError(status, &failure)
}

// list is NULL when it is empty.
func (c *converter) list(field string, values []string) (**C.char, C.size_t) {
	if len(values) == 0 {
		return nil, 0
	}
	texts := make([]*C.char, len(values))
	for i, value := range values {
		texts[i] = c.given(field, value)
	}
	c.pinner.Pin(&texts[0])
	return &texts[0], C.size_t(len(texts))
}
