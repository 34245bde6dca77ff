package oss

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	native "github.com/oss-upload/liboss_upload/bindings/go/oss"
)

// An Option is an option of [Bucket.UploadFile]. Create one with [Routines], [Checkpoint], [Meta] and so on. If two
// conflict, the last one applies.
type Option func(*uploadConfig) error

// uploadConfig is the result of the options of one upload.
type uploadConfig struct {
	options  native.UploadOptions
	ctx      context.Context
	listener ProgressListener
	response *http.Header
	callback *[]byte
}

// UploadFile uploads the file at filePath as Alibaba Cloud's SDK v1 does, and returns when the object is stored or the
// upload has failed. UploadFile of [native.Client] is the same with a context, fields and a result.
//
// partSize is the bytes per part: [MinPartSize] to [MaxPartSize], 0 for the minimum, or [PartSizeAuto]. It is raised
// if the file would need more than 10000 parts.
//
// A refusal by the server is a [ServiceError] (not a pointer), for programs that assert that type; [errors.As] finds
// it as a value, as a pointer, and as the [*Error] with all details. All other errors are those of package [native],
// and [errors.Is] finds their sentinels in both.
func (b Bucket) UploadFile(objectKey, filePath string, partSize int64, options ...Option) error {
	if b.Client == nil || b.Client.Client == nil {
		return invalid("the Bucket was not made by Client.Bucket")
	}
	if b.Client.strictNames && strings.HasPrefix(objectKey, "?") {
		return invalid("the object's name begins with '?', which VerifyObjectStrict refuses")
	}
	u := uploadConfig{ctx: context.Background(), options: native.UploadOptions{
		Bucket:     b.BucketName,
		Key:        objectKey,
		PartSize:   partSize,
		Headers:    map[string]string{},
		ContentMD5: b.Client.contentMD5,
	}}
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option(&u); err != nil {
			return err
		}
	}
	// A credentials provider is asked first, which may take time: resolve paths now.
	if err := inFull(&filePath, &u.options.CheckpointPath, &u.options.CheckpointDir); err != nil {
		return err
	}
	return b.Client.asServiceError(u.run(b.Client, filePath))
}

// inFull has relative paths begin at the root. Unlike filepath.Abs it leaves ".." and links alone, and does not believe
// the environment: the library names checkpoints by these paths.
func inFull(paths ...*string) error {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		full, err := fullPath(*path)
		if err != nil {
			message := *path + " is relative, and the current directory cannot be found: " + err.Error() +
				"; give a path that begins with /, or change to a directory that exists"
			failure := &Error{Status: native.StatusIO, Message: message}
			errors.As(err, &failure.OSErrno)
			return failure
		}
		*path = full
	}
	return nil
}

func fullPath(path string) (string, error) {
	// Windows reads paths itself as Abs does, and has a current directory for each drive.
	if runtime.GOOS == "windows" {
		return filepath.Abs(path)
	}
	if strings.HasPrefix(path, "/") {
		return path, nil
	}
	here, err := syscall.Getwd()
	return strings.TrimSuffix(here, "/") + "/" + path, err
}

func (u *uploadConfig) run(client *Client, path string) error {
	watch := func(native.Progress) {}
	if source := client.source; source != nil {
		if err := source.refresh(0, client.SetCredentials); err != nil {
			return err
		}
		refused, done := make(chan struct{}, 1), make(chan struct{})
		defer close(done)
		go source.follow(client.Client, refused, done)
		watch = func(p native.Progress) {
			if p.Phase == native.PhaseWaiting {
				select {
				case refused <- struct{}{}:
				default: // it knows already
				}
			}
		}
	}
	if u.listener == nil {
		u.options.Progress = watch
		result, err := client.UploadFile(u.ctx, path, &u.options)
		u.fill(result, err)
		return err
	}
	events := progressEvents{listener: u.listener}
	u.options.Progress = func(p native.Progress) {
		watch(p)
		events.update(p)
	}
	result, err := client.UploadFile(u.ctx, path, &u.options)
	u.fill(result, err)
	events.end(err)
	return err
}

// fill writes what is known about the last response to the targets of CallbackResult and GetResponseHeader.
func (u *uploadConfig) fill(result *native.Result, err error) {
	if u.callback != nil && result != nil {
		*u.callback = result.CallbackResponse
	}
	if u.response == nil {
		return
	}
	*u.response = http.Header{}
	set := func(name, value string) {
		if value != "" {
			u.response.Set(name, value)
		}
	}
	var failure *Error
	switch {
	case errors.As(err, &failure):
		set("X-Oss-Request-Id", failure.RequestID)
		set("X-Oss-Ec", failure.EC)
	case err == nil:
		set("X-Oss-Request-Id", result.RequestID)
		set("X-Oss-Version-Id", result.VersionID)
		set("X-Oss-Hash-Crc64ecma", strconv.FormatUint(result.CRC64, 10))
		set("ETag", `"`+result.ETag+`"`)
	}
}

// Routines is the number of parts sent at the same time: 1 (the default) to 100, or [RoutinesAuto]. As in Alibaba
// Cloud's SDK, other values below 1 mean 1, and those above 100 mean 100.
func Routines(n int) Option {
	return func(u *uploadConfig) error {
		if n != RoutinesAuto {
			n = min(max(n, 1), 100)
		}
		u.options.Routines = n
		return nil
	}
}

// Checkpoint keeps a file that records what has been sent, so that the same call resumes where this one stopped: path,
// or "<file>.cp" next to the uploaded file if path is empty. The file is deleted when the object is stored.
func Checkpoint(enable bool, path string) Option {
	return checkpoint(enable, path, "")
}

// CheckpointDir is [Checkpoint] with an existing directory for the file, whose name is derived from the source and the
// destination.
func CheckpointDir(enable bool, dir string) Option {
	if enable && dir == "" {
		return fail(invalid("CheckpointDir: the directory is empty"))
	}
	return checkpoint(enable, "", dir)
}

func checkpoint(enable bool, path, dir string) Option {
	return func(u *uploadConfig) error {
		o := &u.options
		o.Checkpoint, o.CheckpointPath, o.CheckpointDir = enable, "", ""
		if enable {
			o.CheckpointPath, o.CheckpointDir = path, dir
		}
		return nil
	}
}

// Progress sends the progress of the upload to the listener about ten times a second, in the goroutine that called
// [Bucket.UploadFile], and never after that has returned.
func Progress(listener ProgressListener) Option {
	return func(u *uploadConfig) error {
		u.listener = listener
		return nil
	}
}

// WithContext pauses the upload when ctx ends: [Bucket.UploadFile] then returns within about a second, with an error
// that matches the context's and [ErrPaused]. With a [Checkpoint], the same call resumes later.
func WithContext(ctx context.Context) Option {
	if ctx == nil {
		return fail(invalid("WithContext: the context is nil"))
	}
	return func(u *uploadConfig) error {
		u.ctx = ctx
		return nil
	}
}

// GetResponseHeader writes what is known about the response that created the object to *header: ETag,
// X-Oss-Hash-Crc64ecma, X-Oss-Version-Id and X-Oss-Request-Id; after a failure, X-Oss-Request-Id and X-Oss-Ec.
func GetResponseHeader(header *http.Header) Option {
	return func(u *uploadConfig) error {
		u.response = header
		return nil
	}
}

// SetHeader sends a header that is listed at Headers of [native.UploadOptions]; the value is formatted with
// fmt.Sprint.
func SetHeader(name string, value any) Option {
	if value == nil {
		return nil
	}
	return header(name, fmt.Sprint(value))
}

func header(name, value string) Option {
	return func(u *uploadConfig) error {
		u.options.Headers[strings.ToLower(name)] = value
		return nil
	}
}

func fail(err error) Option {
	return func(*uploadConfig) error { return err }
}

func unsupported(option, why string) Option {
	return fail(cannot(option, why))
}

// Meta stores a value of your own with the object, as the header x-oss-meta-NAME.
func Meta(name, value string) Option { return header("x-oss-meta-"+name, value) }

// ContentType is the object's type. By default, it is guessed from the names.
func ContentType(value string) Option { return header("Content-Type", value) }

// CacheControl tells browsers and caches how long they may keep the object.
func CacheControl(value string) Option { return header("Cache-Control", value) }

// ContentDisposition tells browsers how to name the object, or to save it.
func ContentDisposition(value string) Option { return header("Content-Disposition", value) }

// ContentEncoding says how the content is encoded. The file is sent as it is.
func ContentEncoding(value string) Option { return header("Content-Encoding", value) }

// ContentLanguage is the language of the content.
func ContentLanguage(value string) Option { return header("Content-Language", value) }

// Expires tells caches until when they may keep the object.
func Expires(t time.Time) Option { return header("Expires", t.UTC().Format(http.TimeFormat)) }

// ObjectACL says who may read and write the object. By default, the bucket's rule applies.
func ObjectACL(acl ACLType) Option { return header("x-oss-object-acl", string(acl)) }

// ObjectStorageClass says how the object is stored. By default, the bucket's class applies.
func ObjectStorageClass(class StorageClassType) Option {
	return header("x-oss-storage-class", string(class))
}

// StorageClass is [ObjectStorageClass].
func StorageClass(class StorageClassType) Option { return ObjectStorageClass(class) }

// ForbidOverWrite true refuses to replace an existing object, with a [ServiceError] with the code FileAlreadyExists.
func ForbidOverWrite(forbid bool) Option {
	return header("x-oss-forbid-overwrite", strconv.FormatBool(forbid))
}

// ServerSideEncryption has the server encrypt the object: "AES256", "KMS" or "SM4".
func ServerSideEncryption(algorithm string) Option {
	return header("x-oss-server-side-encryption", algorithm)
}

// ServerSideEncryptionKeyID is the key in KMS.
func ServerSideEncryptionKeyID(id string) Option {
	return header("x-oss-server-side-encryption-key-id", id)
}

// ServerSideDataEncryption is how data is encrypted under KMS: "SM4".
func ServerSideDataEncryption(algorithm string) Option {
	return header("x-oss-server-side-data-encryption", algorithm)
}

// A Tag of an object.
type Tag struct {
	// Key is the tag's name, Value its value: letters, digits, spaces and + - = . _ : /.
	Key, Value string
}

// Tagging are the tags of an object.
type Tagging struct {
	// Tags are the tags, at most ten.
	Tags []Tag
}

// SetTagging sets the object's tags, at most ten.
func SetTagging(tagging Tagging) Option {
	if len(tagging.Tags) == 0 {
		return nil
	}
	pairs := make([]string, 0, len(tagging.Tags))
	for _, tag := range tagging.Tags {
		pairs = append(pairs, url.QueryEscape(tag.Key)+"="+url.QueryEscape(tag.Value))
	}
	return header("x-oss-tagging", strings.Join(pairs, "&"))
}

// Callback has the server call an application server when the object is stored; the value is Base64 of JSON. If that
// call fails, the object is stored nevertheless, and the error matches [ErrCallbackFailed].
func Callback(value string) Option { return header("x-oss-callback", value) }

// CallbackVar are variables for [Callback], Base64 of JSON.
func CallbackVar(value string) Option { return header("x-oss-callback-var", value) }

// CallbackResult receives the application server's response to the callback; see CallbackResponse of [native.Result].
func CallbackResult(body *[]byte) Option {
	return func(u *uploadConfig) error {
		u.callback = body
		return nil
	}
}

// TrafficLimitHeader has the server limit each request, in bits per second: 245760 (30 KiB/s) to 838860800 (100 MiB/s).
func TrafficLimitHeader(bitsPerSecond int64) Option {
	return header("x-oss-traffic-limit", strconv.FormatInt(bitsPerSecond, 10))
}

// RequestPayer [Requester] says that the owner of the key pays for the requests.
func RequestPayer(payer PayerType) Option {
	return header("x-oss-request-payer", strings.ToLower(string(payer)))
}

// ContentMD5 is [ErrUnsupported]: [EnableMD5] has the library compute it for every body.
func ContentMD5(string) Option {
	return unsupported("ContentMD5", "it belongs to one request, and an upload has many; EnableMD5(true) computes them")
}

// AddParam is [ErrUnsupported]: an upload has many requests.
func AddParam(string, any) Option {
	return unsupported("AddParam", "an upload has many requests, with parameters of their own; use headers")
}

// Sequential is [ErrUnsupported]: an object of parts sent one after the other has no MD5 either.
func Sequential() Option {
	return unsupported("Sequential", "the object's MD5 is not computed; its CRC-64 is always checked")
}
