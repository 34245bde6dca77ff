package oss

import (
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/address"
)

// PartSizeAuto, as [UploadOptions].PartSize, lets the library choose the size of the parts from that of the file.
const PartSizeAuto int64 = -1

// RoutinesAuto, as [UploadOptions].Routines, lets the library choose how many parts are sent at the same time: at
// most 64, for all uploads of the client together that have this value.
const RoutinesAuto = -1

// SignatureVersion is how requests are signed.
type SignatureVersion int

const (
	// SignatureAuto signs with V4 when the region is known, else with V1. The default.
	SignatureAuto SignatureVersion = 0
	// SignatureV1 signs with HMAC-SHA1; it needs no region.
	SignatureV1 SignatureVersion = 1
	// SignatureV4 signs with OSS4-HMAC-SHA256; it needs a region.
	SignatureV4 SignatureVersion = 4
)

// OnFileChange is what happens when the local file changes while it is uploaded.
type OnFileChange int

const (
	// RestartOnFileChange sends all parts again, a few times at the most. The default.
	RestartOnFileChange OnFileChange = 0
	// FailOnFileChange ends the upload with [ErrFileChanged].
	FailOnFileChange OnFileChange = 1
)

// VerifyResume is whether parts that are on the server are read again from the local file before the object is made, and
// their CRC-64 compared.
type VerifyResume int

const (
	// VerifyInDoubt does so when an earlier call has seen another change time, device or inode of the file, and always
	// where the file system is not known to keep a change time of its own (FAT, FUSE, NFS, ...): there a write can leave
	// no trace. The default.
	VerifyInDoubt VerifyResume = 0
	// VerifyAlways always does so when an upload is resumed; else it is VerifyInDoubt.
	VerifyAlways VerifyResume = 1
	// VerifyNever never does so for these reasons.
	VerifyNever VerifyResume = 2
)

// ClientOptions say where the server is, who signs, and which limits all uploads of a client share. The zero value of
// every field means its default. Printing them shows no secrets.
type ClientOptions struct {
	// Endpoint is a host with an optional scheme ("https://" by default) and port: "oss-cn-hangzhou.aliyuncs.com", an
	// internal, accelerate or dual-stack host, a custom domain (then set CNAME), or an IP address. It may be left out
	// when Region is given.
	Endpoint string
	// Region, such as "cn-hangzhou". By default the endpoint's, when that names one. Signature V4 needs it.
	Region string

	// AccessKeyID and AccessKeySecret sign requests. Without them Credentials says who does.
	AccessKeyID     string
	AccessKeySecret string
	// SecurityToken belongs to temporary (STS) credentials.
	SecurityToken string
	// Credentials is where they come from when AccessKeyID is empty. "env": the environment variables
	// OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary ones, OSS_SESSION_TOKEN. "profile[:NAME]": a profile
	// in the files of the aliyun command line, the SDKs or ossutil. "process:COMMAND": what a command prints.
	// "ecs-role[:NAME]": the RAM role of this ECS instance. "oidc": a RAM role for a Kubernetes service account.
	// "uri[:URL]": what a GET of the URL answers. "anonymous": requests are not signed. Empty: the default chain:
	// env, oidc, profile, ecs-role, uri. The first of these that is configured is used; when it does not work, no other
	// is asked. Temporary ones are renewed before they end, also in the middle of an upload.
	Credentials string
	// CredentialsWait is how long an upload waits for new credentials when there are none, or when the server takes
	// them no more: from their source, or from [Client.SetCredentials]. Meanwhile its phase is PhaseWaiting. Default
	// not at all: it fails, and with a checkpoint it can be resumed. Rounded up to 1 ms.
	CredentialsWait time.Duration
	// SignatureVersion is SignatureAuto by default.
	SignatureVersion SignatureVersion

	// CNAME says that the endpoint is a custom domain bound to the bucket.
	CNAME bool
	// PathStyle puts the bucket into the path, as an IP address always does. OSS refuses it on its own domains.
	PathStyle bool

	// ConnectTimeout is for opening a connection, name look-up and TLS included. Default 10 s; rounded up to 1 ms.
	ConnectTimeout time.Duration
	// StallTimeout is how long no byte may move, or a response may take, before a request is given up and tried again.
	// Default 30 s; rounded up to 1 ms. There is no limit for a whole upload: use the context.
	StallTimeout time.Duration
	// MaxAttempts is how often a request is tried before the upload fails, the first time included: 1 to 1000,
	// default 8.
	MaxAttempts int
	// MaxBytesPerSecond is what all uploads of the client may send together: at least 1024, or 0 for no limit.
	MaxBytesPerSecond int64

	// Proxy, such as "http://[user:password@]host:port"; "env" asks the environment. Default none.
	Proxy string
	// CAFile is a PEM file with the certificate authorities to trust instead of the built-in ones; "system" trusts those
	// of the platform's certificate store.
	CAFile string
	// InsecureSkipVerify accepts any certificate. For tests only: anyone on the way can then read and change the data.
	InsecureSkipVerify bool
	// UserAgent is added to the User-Agent header: visible ASCII.
	UserAgent string
}

// UploadOptions say what to upload, and how. Bucket and Key are needed; the zero value of every other field means its
// default. They are copied by the call that takes them.
type UploadOptions struct {
	// Bucket is the bucket's name: 3 to 63 of a-z, 0-9 and '-'.
	Bucket string
	// Key is the object's name: 1 to 1023 bytes of UTF-8 that do not begin with '/' or '\'.
	Key string

	// PartSize is the bytes of a part: 102400 (100 KiB, the default) to 5368709120 (5 GiB), or PartSizeAuto. It is
	// raised when the file would need more than 10000 parts; [Result].PartSizeRaised tells.
	PartSize int64
	// Routines is how many parts are sent at the same time: 1 (the default) to 100, or RoutinesAuto.
	Routines int

	// Checkpoint keeps a file that says what has been sent, so that a later call goes on where this one stopped. It is
	// "<path>.cp" beside the uploaded file unless one of the next two is set; each of these implies Checkpoint.
	Checkpoint bool
	// CheckpointPath is the checkpoint file to use. A file that is there, and is no checkpoint of this library, is left
	// alone, also an empty one: ErrCheckpoint.
	CheckpointPath string
	// CheckpointDir is an existing directory for the checkpoint file, which is then named by the source and the
	// destination. Not together with CheckpointPath.
	CheckpointDir string

	// Headers describe the object or steer its upload: Content-Type (guessed from the names when left out),
	// Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires, x-oss-object-acl,
	// x-oss-storage-class, x-oss-tagging, x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite,
	// x-oss-callback, x-oss-callback-var, x-oss-traffic-limit, x-oss-request-payer. Each goes to the requests that it
	// belongs to. Values are visible ASCII and blanks.
	Headers map[string]string
	// Metadata becomes x-oss-meta-* headers; the names here are without that prefix, and case does not matter.
	Metadata map[string]string

	// OnFileChange is RestartOnFileChange by default.
	OnFileChange OnFileChange
	// VerifyResume is VerifyInDoubt by default.
	VerifyResume VerifyResume
	// ContentMD5 sends Content-MD5 with every body. CRC-64 is always checked; MD5 costs much more CPU time.
	ContentMD5 bool

	// Progress, when not nil, is told how far the upload is, about ten times a second and once at the end, successful
	// or not. It runs in the goroutine inside [Client.UploadFile] or [Upload.Wait] and never after that has returned;
	// while it runs the upload goes on. When it panics, the upload is paused, its end is awaited, and the panic goes on.
	Progress func(Progress)
}

// String shows the options without secrets.
func (o ClientOptions) String() string {
	return "oss.ClientOptions{" + strings.Join(o.fields(), ", ") + "}"
}

// GoString is String, for %#v.
func (o ClientOptions) GoString() string { return o.String() }

// Format shows the options without secrets, whatever the verb is.
func (o ClientOptions) Format(f fmt.State, _ rune) { fmt.Fprint(f, o.String()) }

// LogValue shows the options without secrets in logs.
func (o ClientOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

func (o ClientOptions) fields() []string {
	var s shown
	s.text("Endpoint", address.WithoutPassword(o.Endpoint))
	s.text("Region", o.Region)
	s.text("AccessKeyID", o.AccessKeyID)
	s.secret("AccessKeySecret", o.AccessKeySecret)
	s.secret("SecurityToken", o.SecurityToken)
	// "process:COMMAND" and "uri:URL" may carry a secret in what follows the colon.
	source, rest, _ := strings.Cut(o.Credentials, ":")
	s.text("Credentials", source)
	s.secret("CredentialsArgument", rest)
	s.duration("CredentialsWait", o.CredentialsWait)
	s.value("SignatureVersion", int64(o.SignatureVersion))
	s.flag("CNAME", o.CNAME)
	s.flag("PathStyle", o.PathStyle)
	s.duration("ConnectTimeout", o.ConnectTimeout)
	s.duration("StallTimeout", o.StallTimeout)
	s.value("MaxAttempts", int64(o.MaxAttempts))
	s.value("MaxBytesPerSecond", o.MaxBytesPerSecond)
	s.text("Proxy", address.WithoutPassword(o.Proxy))
	s.text("CAFile", o.CAFile)
	s.flag("InsecureSkipVerify", o.InsecureSkipVerify)
	s.text("UserAgent", o.UserAgent)
	return s
}

// String shows the options; of headers and metadata only the names, since encryption keys and callbacks are secrets.
func (o UploadOptions) String() string {
	var s shown
	s.text("Bucket", o.Bucket)
	s.text("Key", o.Key)
	s.value("PartSize", o.PartSize)
	s.value("Routines", int64(o.Routines))
	s.flag("Checkpoint", o.Checkpoint)
	s.text("CheckpointPath", o.CheckpointPath)
	s.text("CheckpointDir", o.CheckpointDir)
	s.names("Headers", o.Headers)
	s.names("Metadata", o.Metadata)
	s.value("OnFileChange", int64(o.OnFileChange))
	s.value("VerifyResume", int64(o.VerifyResume))
	s.flag("ContentMD5", o.ContentMD5)
	s.flag("Progress", o.Progress != nil)
	return "oss.UploadOptions{" + strings.Join(s, ", ") + "}"
}

// GoString is String, for %#v.
func (o UploadOptions) GoString() string { return o.String() }

// Format shows the options without secrets, whatever the verb is.
func (o UploadOptions) Format(f fmt.State, _ rune) { fmt.Fprint(f, o.String()) }

// LogValue shows the options without secrets in logs.
func (o UploadOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

// shown collects the fields that are not at their default.
type shown []string

func (s *shown) text(name, value string) {
	if value != "" {
		*s = append(*s, fmt.Sprintf("%s: %q", name, value))
	}
}

func (s *shown) secret(name, value string) {
	if value != "" {
		*s = append(*s, name+": (hidden)")
	}
}

func (s *shown) value(name string, value int64) {
	if value != 0 {
		*s = append(*s, fmt.Sprintf("%s: %d", name, value))
	}
}

func (s *shown) flag(name string, value bool) {
	if value {
		*s = append(*s, name+": true")
	}
}

func (s *shown) duration(name string, value time.Duration) {
	if value != 0 {
		*s = append(*s, name+": "+value.String())
	}
}

func (s *shown) names(name string, values map[string]string) {
	if len(values) != 0 {
		*s = append(*s, fmt.Sprintf("%s: %q", name, sortedKeys(values)))
	}
}

func sortedKeys(values map[string]string) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
