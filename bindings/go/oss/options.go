package oss

import (
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"

	"github.com/oss-upload/liboss_upload/bindings/go/internal/address"
)

// PartSizeAuto, as [UploadOptions].PartSize, lets the library choose a size that suits the file.
const PartSizeAuto int64 = -1

// RoutinesAuto, as [UploadOptions].Routines, lets the library choose how many parts are sent at the same time: at most
// 64 for all uploads of the client that set this value.
const RoutinesAuto = -1

// SignatureVersion selects how requests are signed.
type SignatureVersion int

const (
	// SignatureAuto signs with V4 if the region is known, otherwise with V1. The default.
	SignatureAuto SignatureVersion = 0
	// SignatureV1 signs with HMAC-SHA1; it requires no region.
	SignatureV1 SignatureVersion = 1
	// SignatureV4 signs with OSS4-HMAC-SHA256; it requires a region.
	SignatureV4 SignatureVersion = 4
)

// OnFileChange says what to do when the local file changes during the upload.
type OnFileChange int

const (
	// RestartOnFileChange sends all parts again, at most a few times. The default.
	RestartOnFileChange OnFileChange = 0
	// FailOnFileChange ends the upload with [ErrFileChanged].
	FailOnFileChange OnFileChange = 1
)

// VerifyResume says whether to read parts on the server again from the local file and compare their CRC-64 before the
// object is created.
type VerifyResume int

const (
	// VerifyInDoubt does so if an earlier call saw a different change time, device or inode, or if the file system may
	// not keep its own change time (FAT, FUSE, NFS, ...), so that a write can leave no trace. The default.
	VerifyInDoubt VerifyResume = 0
	// VerifyAlways always does so when an upload is resumed, and otherwise acts as VerifyInDoubt.
	VerifyAlways VerifyResume = 1
	// VerifyNever never does so for these reasons.
	VerifyNever VerifyResume = 2
)

// ClientOptions has the endpoint, the credentials, and limits that all uploads of a client share. The zero value of
// every field means its default. Printing them shows no secrets.
type ClientOptions struct {
	// Endpoint is a host with an optional scheme (default "https://") and port: "oss-cn-hangzhou.aliyuncs.com"; an
	// internal, acceleration or dual-stack host; a custom domain (set CNAME too); or an IP address. It may be omitted if
	// Region is set.
	Endpoint string
	// Region, such as "cn-hangzhou". Signature V4 requires it. Default: the region in the endpoint, if it names one.
	Region string

	// AccessKeyID and AccessKeySecret sign requests. Without them, see Credentials.
	AccessKeyID     string
	AccessKeySecret string
	// SecurityToken is the security token of temporary (STS) credentials.
	SecurityToken string
	// Credentials is the source of the credentials if AccessKeyID is empty. "env": the environment variables
	// OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary credentials, OSS_SESSION_TOKEN. "profile[:NAME]": a
	// profile in the files of the aliyun command line, the SDKs or ossutil. "process:COMMAND": the output of a command.
	// "ecs-role[:NAME]": the RAM role of this ECS instance. "oidc": a RAM role for a Kubernetes service account.
	// "uri[:URL]": the response to a GET of the URL. "anonymous": requests are not signed. Empty: the default chain: env,
	// oidc, profile, ecs-role, uri. The first configured source is used; if it fails, no other is tried. Temporary
	// credentials are renewed before they expire, even during an upload.
	Credentials string
	// CredentialsWait is how long an upload waits for new credentials when it has none, or when the server no longer
	// accepts them. They come from their source or from [Client.SetCredentials]. Meanwhile the phase is PhaseWaiting. By
	// default there is no wait: the upload fails, and can be resumed if it has a checkpoint. Rounded up to 1 ms.
	CredentialsWait time.Duration
	// SignatureVersion is SignatureAuto by default.
	SignatureVersion SignatureVersion

	// CNAME says that the endpoint is a custom domain bound to the bucket.
	CNAME bool
	// PathStyle puts the bucket in the path, which is always done for an IP address. OSS refuses this on its own domains.
	PathStyle bool

	// ConnectTimeout is the time to open a connection, including the name lookup and TLS. Default 10 s; rounded up to 1
	// ms.
	ConnectTimeout time.Duration
	// StallTimeout is the time without a byte sent or received, or without a response, after which a request is abandoned
	// and retried. Default 30 s; rounded up to 1 ms. There is no limit on a whole upload: use the context.
	StallTimeout time.Duration
	// MaxAttempts is the number of times a request is tried, including the first, before the upload fails. Default 8, at
	// most 1000.
	MaxAttempts int
	// MaxBytesPerSecond limits what all uploads of the client send together, at least 1024. 0 means no limit.
	MaxBytesPerSecond int64

	// Proxy, such as "http://[user:password@]host:port"; "env" reads the environment. Default none.
	Proxy string
	// CAFile is a PEM file with the certificate authorities to trust. "system" means those of the platform's certificate
	// store. Default: the built-in ones.
	CAFile string
	// InsecureSkipVerify accepts any certificate. For tests only: anyone on the network path can then read and change the
	// data.
	InsecureSkipVerify bool
	// UserAgent is text to add to the User-Agent header, in visible ASCII.
	UserAgent string
}

// UploadOptions says what to upload and how. Bucket and Key are required; the zero value of every other field means
// its default. They are copied by the call that takes them.
type UploadOptions struct {
	// Bucket is the bucket's name: 3 to 63 characters from a-z, 0-9 and '-'.
	Bucket string
	// Key is the object's name: 1 to 1023 bytes of UTF-8, not beginning with '/' or '\'.
	Key string

	// PartSize is the bytes per part: 102400 (100 KiB, the default) to 5368709120 (5 GiB), or PartSizeAuto. It is raised
	// if the file would need more than 10000 parts; see [Result].PartSizeRaised.
	PartSize int64
	// Routines is the number of parts sent at the same time: 1 (the default) to 100, or RoutinesAuto.
	Routines int

	// Checkpoint keeps a file that records what has been sent, so that a later call resumes where this one stopped. It is
	// "<path>.cp", next to the uploaded file, unless one of the next two is set; each of these implies Checkpoint.
	Checkpoint bool
	// CheckpointPath is the checkpoint file to use. An existing file that is not a checkpoint of this library, even an
	// empty one, is left untouched, and the upload fails with ErrCheckpoint.
	CheckpointPath string
	// CheckpointDir is an existing directory for the checkpoint file, whose name is derived from the source and the
	// destination. It cannot be combined with CheckpointPath.
	CheckpointDir string

	// Headers describe the object or control its upload: Content-Type (guessed from the names if omitted), Cache-Control,
	// Content-Disposition, Content-Encoding, Content-Language, Expires, x-oss-object-acl, x-oss-storage-class,
	// x-oss-tagging, x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite, x-oss-callback,
	// x-oss-callback-var, x-oss-traffic-limit, x-oss-request-payer. Each is sent with the requests that it applies to.
	// Values are visible ASCII and spaces.
	Headers map[string]string
	// Metadata becomes x-oss-meta-* headers; the names here are without that prefix, and not case-sensitive.
	Metadata map[string]string

	// OnFileChange is RestartOnFileChange by default.
	OnFileChange OnFileChange
	// VerifyResume is VerifyInDoubt by default.
	VerifyResume VerifyResume
	// ContentMD5 sends Content-MD5 with every body. CRC-64 is always checked; MD5 costs much more CPU time.
	ContentMD5 bool

	// MaxMemory, for streams only, is the most bytes of the stream that are held in memory. Default 67108864 (64 MiB). At
	// least two parts must fit: a part has at most half of it, and so a stream at most 10000 times that.
	MaxMemory int64
	// SpoolDir, for streams only, is an existing directory for a spool file, which takes the bytes that do not fit into
	// memory while the network is slower than the writer. The file has no name, and is gone when the process ends. By
	// default there is no spool: the writer waits. Set SpoolLimit, too.
	SpoolDir string
	// SpoolLimit, for streams only, is the most bytes that the spool file takes; after that, the writer waits. Set
	// SpoolDir, too.
	SpoolLimit int64

	// Progress, if not nil, is called with the progress of the upload about ten times a second and once at the end,
	// successful or not. It runs in the goroutine inside [Client.UploadFile] or [Upload.Wait] and never after that has
	// returned; the upload continues meanwhile. If it panics, the upload is paused, its end is awaited, and the panic
	// continues.
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
	// "process:COMMAND" and "uri:URL" may contain a secret after the colon.
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

// String shows the options, with only the names of headers and metadata, since encryption keys and callbacks are
// secrets.
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
	s.value("MaxMemory", o.MaxMemory)
	s.text("SpoolDir", o.SpoolDir)
	s.value("SpoolLimit", o.SpoolLimit)
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

func (s *shown) texts(name string, values []string) {
	if len(values) != 0 {
		*s = append(*s, fmt.Sprintf("%s: %q", name, values))
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
