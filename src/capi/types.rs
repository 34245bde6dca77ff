//! The structs, enums and constants of the C API, laid out as C lays them out. Their documentation is the header's.

use std::ffi::{c_char, c_void};

/// Outcome of a call. Zero is success; errors are negative. Numbers are never reused.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum oss_status {
    /// Success.
    OSS_OK = 0,
    /// oss_upload_wait() timed out; the upload is still running.
    OSS_PENDING = 1,
    /// oss_batch_next_outcome(): there are no more outcomes, the batch has ended.
    OSS_END = 2,
    /// An argument or option is invalid; the message names it. Nothing was done.
    OSS_INVALID_ARGUMENT = -1,
    /// The local file could not be opened or read; see os_errno.
    OSS_IO = -2,
    /// The server could not be reached, or the connection broke more often than max_attempts allows.
    OSS_NETWORK = -3,
    /// connect_timeout_ms or stall_timeout_ms passed without progress, more often than max_attempts allows.
    OSS_TIMEOUT = -4,
    /// The server refused the request; see http_status, service_code, ec and request_id.
    OSS_SERVICE = -5,
    /// No credentials were found, or a credentials provider failed.
    OSS_CREDENTIALS = -6,
    /// The local file changed during the upload, and on_file_change forbids a restart (or restarts did not help).
    OSS_FILE_CHANGED = -7,
    /// The server's CRC-64 differs from the CRC-64 of the local data.
    OSS_CHECKSUM_MISMATCH = -8,
    /// The checkpoint file cannot be written, or this version cannot use it.
    OSS_CHECKPOINT = -9,
    /// Another upload, in this or another process, holds the checkpoint file; the message gives its process id.
    OSS_CHECKPOINT_BUSY = -10,
    /// The upload was paused. With a checkpoint, start it again to resume where it stopped.
    OSS_PAUSED = -11,
    /// The upload was cancelled. Nothing of it is left on the server, unless the message says otherwise.
    OSS_CANCELLED = -12,
    /// The object is stored, but the application server's callback (x-oss-callback) failed.
    OSS_CALLBACK_FAILED = -13,
    /// The option is known, but this version of the library does not support it.
    OSS_UNSUPPORTED = -14,
    /// The system could not create a thread: a process or memory limit is reached. Retrying later may help; see
    /// os_errno.
    OSS_RESOURCES = -15,
    /// Some files of a batch failed; the outcome of each says why. The other files are as they should be.
    OSS_FILES_FAILED = -16,
    /// A bug in this library; please report the message.
    OSS_INTERNAL = -99,
}

/// Return value of a progress callback: continue.
pub const OSS_CONTINUE: i32 = 0;
/// Return value of a progress callback: stop soon, as oss_upload_pause() does. Any unknown value means the same.
pub const OSS_PAUSE: i32 = 1;
/// Return value of a progress callback: stop soon, as oss_upload_cancel() does.
pub const OSS_CANCEL: i32 = 2;

/// oss_upload_options.part_size: the library chooses a size that suits the file.
pub const OSS_PART_SIZE_AUTO: u64 = u64::MAX;
/// oss_upload_options.routines: the library chooses, at most 64 for all uploads of the client that set this value.
pub const OSS_ROUTINES_AUTO: u32 = u32::MAX;

/// oss_progress.phase: the file and the checkpoint are being examined, or the upload is being created on the server.
pub const OSS_PHASE_PREPARING: u32 = 0;
/// oss_progress.phase: parts are being sent.
pub const OSS_PHASE_UPLOADING: u32 = 1;
/// oss_progress.phase: local data is being read again and compared with the data on the server.
pub const OSS_PHASE_VERIFYING: u32 = 2;
/// oss_progress.phase: all parts are on the server, which is assembling the object.
pub const OSS_PHASE_COMPLETING: u32 = 3;
/// oss_progress.phase: the upload has ended, successfully or not.
pub const OSS_PHASE_ENDED: u32 = 4;
/// oss_progress.phase: the upload is waiting for credentials that the server accepts (credentials_wait_ms).
pub const OSS_PHASE_WAITING: u32 = 5;
/// oss_progress.phase: local data is being read for its MD5 (content_md5), which must be known before the data is sent.
/// Nothing is being sent.
pub const OSS_PHASE_HASHING: u32 = 6;

/// oss_progress.eta_ms: not known yet.
pub const OSS_ETA_UNKNOWN: u64 = u64::MAX;

/// Endpoint, credentials, and limits that all uploads of a client share.
///
/// Create one with oss_client_options_default(), then set fields. Zero and NULL mean the default. Strings are UTF-8 and
/// NUL-terminated; they are copied before oss_client_new() returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_client_options {
    /// sizeof(oss_client_options), as oss_client_options_default() sets it.
    pub struct_size: usize,
    /// Host, with an optional scheme (default "https://") and port: "oss-cn-hangzhou.aliyuncs.com"; an internal,
    /// acceleration or dual-stack host; a custom domain (set cname too); or an IP address. May be NULL when region is
    /// set.
    pub endpoint: *const c_char,
    /// Region, such as "cn-hangzhou". Signature V4 requires it. Default: the region in the endpoint, if it names one.
    pub region: *const c_char,
    /// AccessKey ID. Set it together with access_key_secret. NULL: see credentials.
    pub access_key_id: *const c_char,
    /// AccessKey secret. Kept in memory only, wiped after use and never logged.
    pub access_key_secret: *const c_char,
    /// Security token of temporary (STS) credentials. NULL for a permanent key.
    pub security_token: *const c_char,
    /// Source of the credentials when access_key_id is not set. For details, see docs/credentials.md.
    ///
    /// NULL means the default chain: env, oidc, profile, ecs-role, uri. The first configured source is used; if it
    /// fails, no other is tried. Values:
    /// - `env`: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary credentials, OSS_SESSION_TOKEN; otherwise
    ///   ALIBABA_CLOUD_ACCESS_KEY_ID and its companions. Read when the client is created;
    /// - `profile[:NAME]`: a profile in ~/.aliyun/config.json, ~/.alibabacloud/credentials or ~/.ossutilconfig;
    /// - `process:COMMAND`: the output of a command that a shell runs;
    /// - `ecs-role[:NAME]`: the RAM role of this ECS instance, from the metadata service;
    /// - `oidc`: a RAM role for a Kubernetes service account (RRSA);
    /// - `uri[:URL]`: the response to a GET of the URL (default: ALIBABA_CLOUD_CREDENTIALS_URI);
    /// - `anonymous`: requests are not signed.
    ///
    /// Temporary credentials are renewed before they expire, even during an upload, and when the server refuses them.
    /// Any other value returns OSS_INVALID_ARGUMENT; a profile that requires a login returns OSS_UNSUPPORTED.
    pub credentials: *const c_char,
    /// Proxy: "http://host:port" or "http://user:password@host:port". "env" reads the environment variables
    /// https_proxy, http_proxy, all_proxy and no_proxy. NULL: none.
    pub proxy: *const c_char,
    /// PEM file with the certificate authorities to trust. "system" means the platform's. NULL: the built-in ones.
    pub ca_file: *const c_char,
    /// Text to add to the User-Agent header, in visible ASCII. NULL: none.
    pub user_agent: *const c_char,
    /// Limit on the bytes per second that all uploads of this client send together, at least 1024. 0 means no limit.
    pub max_bytes_per_second: u64,
    /// 0: V4 if the region is known, otherwise V1. 1: V1. 4: V4, which requires a region.
    pub signature_version: u32,
    /// 1 if the endpoint is a custom domain bound to the bucket. Default 0.
    pub cname: u32,
    /// 1 puts the bucket in the path, which is always done for an IP address. 0 puts it in the host name. OSS refuses 1
    /// on its own domains.
    pub path_style: u32,
    /// Milliseconds to open a connection, including the name lookup and TLS. 0 means the default, 10000.
    pub connect_timeout_ms: u32,
    /// Milliseconds without a byte sent or received, or without a response, after which a request is abandoned and
    /// retried. 0 means the default, 30000.
    pub stall_timeout_ms: u32,
    /// Number of times a request is tried, including the first, before the upload fails. Default 8, at most 1000.
    pub max_attempts: u32,
    /// 1 disables verification of the server's certificate. For tests only: anyone on the network path can then read
    /// and change the data.
    pub insecure_skip_verify: u32,
    /// Milliseconds that an upload waits for new credentials when it has none, or when the server no longer accepts
    /// them. They come from the provider, which is asked from time to time, or from oss_client_set_credentials().
    /// Meanwhile the phase is OSS_PHASE_WAITING. 0 means no wait: the upload fails, and can be resumed if it has a
    /// checkpoint.
    pub credentials_wait_ms: u32,
}

/// One header of an object: name and value, both NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_header {
    /// Such as "Content-Type" or "x-oss-meta-author". Not case-sensitive.
    pub name: *const c_char,
    /// Visible ASCII and spaces; line breaks are rejected.
    pub value: *const c_char,
}

/// What to upload and how.
///
/// Create one with oss_upload_options_default(), then set fields. Zero and NULL mean the default. Everything is copied
/// before the call that takes it returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_upload_options {
    /// sizeof(oss_upload_options), as oss_upload_options_default() sets it.
    pub struct_size: usize,
    /// Name of the bucket: 3 to 63 characters from a-z, 0-9 and '-'.
    pub bucket: *const c_char,
    /// Name of the object: 1 to 1023 bytes of UTF-8, not beginning with '/' or '\\'.
    pub object_key: *const c_char,
    /// Path of the local file; on Unix, any bytes, UTF-8 or not. A relative path is resolved at the time of the call,
    /// so later changes of directory do not matter. The same holds for the two paths below.
    pub file_path: *const c_char,
    /// Checkpoint file to use. Setting it enables the checkpoint. An existing file that is not a checkpoint of this
    /// library, even an empty one, is left untouched, and the upload fails with OSS_CHECKPOINT. NULL: see
    /// checkpoint_dir.
    pub checkpoint_path: *const c_char,
    /// Existing directory for the checkpoint file, whose name is derived from the source and the destination. Setting
    /// it enables the checkpoint. NULL: "<file_path>.cp", next to the local file. Cannot be combined with
    /// checkpoint_path.
    pub checkpoint_dir: *const c_char,
    /// Headers that describe the object or control its upload: Content-Type, Cache-Control, Content-Disposition,
    /// Content-Encoding, Content-Language, Expires, x-oss-meta-*, x-oss-object-acl, x-oss-storage-class, x-oss-tagging,
    /// x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite, x-oss-callback, x-oss-callback-var,
    /// x-oss-traffic-limit, x-oss-request-payer. Each is sent with the requests that it applies to. If Content-Type is
    /// not set, it is guessed from the name of the file, then of the object. NULL when header_count is 0.
    pub headers: *const oss_header,
    /// Number of headers.
    pub header_count: usize,
    /// Bytes per part: 102400 to 5368709120, or OSS_PART_SIZE_AUTO. Default 102400. Raised if the file would need more
    /// than 10000 parts (see oss_result.part_size_raised).
    pub part_size: u64,
    /// Number of parts sent at the same time: 1 to 100, or OSS_ROUTINES_AUTO. Default 1.
    pub routines: u32,
    /// 1 keeps a checkpoint file, so that a later call resumes where this one stopped. 0 keeps one only if
    /// checkpoint_path or checkpoint_dir is set.
    pub checkpoint: u32,
    /// What to do when the local file changes during the upload, or before it is resumed. 0: send all parts again, at
    /// most a few times. 1: fail once with OSS_FILE_CHANGED and remove the checkpoint and the data already sent; the
    /// next call sends the file as it is then.
    pub on_file_change: u32,
    /// Whether to read parts on the server again from the local file and compare their CRC-64 before the object is
    /// created. 0: if the file's identity is in doubt (an earlier call saw a different change time, device or inode),
    /// or if the file system may not keep its own change time (FAT, FUSE, NFS, ...), so that a write can leave no
    /// trace; this also covers parts sent by this call. 1: always when an upload is resumed, otherwise as 0. 2: never
    /// for these reasons.
    pub verify_resume: u32,
    /// 1 sends Content-MD5 with every body; 0 only with a PutObject of up to 8 MiB. CRC-64 is always checked; MD5 costs
    /// much more CPU time.
    pub content_md5: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Streams only: the most bytes of the stream that are held in memory. 0 means the default, 67108864 (64 MiB). At
    /// least two parts must fit: a part has at most half of it, and so a stream at most 10000 times that.
    pub max_memory: u64,
    /// Streams only: an existing directory for a spool file, which takes the bytes that do not fit into memory while the
    /// network is slower than the writer. The file has no name, and is gone when the process ends. NULL means no spool:
    /// the writer waits. Set spool_limit, too.
    pub spool_dir: *const c_char,
    /// Streams only: the most bytes that the spool file takes; after that, the writer waits. Set spool_dir, too.
    pub spool_limit: u64,
}

/// Details of a failure. The caller owns it. Every call that takes one fills it completely, even on success.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_error {
    /// The oss_status that the call returned.
    pub status: i32,
    /// HTTP status of the server's response; 0 when there was none.
    pub http_status: u32,
    /// errno of the operating system; 0 when it is not involved.
    pub os_errno: i32,
    /// Number of the part that failed, from 1; 0 when the failure does not concern a single part.
    pub part_number: u32,
    /// 1 if the same call may succeed later without any change; 0 if something must be changed first.
    pub retryable: u32,
    /// OSS error code, such as "AccessDenied".
    pub service_code: [c_char; 64],
    /// Detailed OSS error code (x-oss-ec), such as "0003-00000001".
    pub ec: [c_char; 32],
    /// The request ID, which Alibaba Cloud support asks for.
    pub request_id: [c_char; 64],
    /// One line of UTF-8 that says what failed, where, and what to do. It contains no secrets.
    pub message: [c_char; 768],
    /// Always zero.
    pub reserved: [u32; 19],
}

/// Outcome of an upload. The caller owns it. The library fills it completely, even on failure, as far as the values are
/// known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_result {
    /// CRC-64/XZ of the whole object, equal to the server's value.
    pub crc64: u64,
    /// Size of the object in bytes.
    pub size: u64,
    /// Part size that was used, in bytes.
    pub part_size: u64,
    /// Body bytes sent by this call, including retries.
    pub bytes_sent: u64,
    /// Bytes sent by an earlier call that this call did not have to send again.
    pub bytes_resumed: u64,
    /// Duration of the upload in milliseconds.
    pub elapsed_ms: u64,
    /// Number of parts; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Number of parts sent by an earlier call.
    pub parts_resumed: u32,
    /// Number of HTTP requests, including retries.
    pub attempts: u32,
    /// 1 if part_size was raised because the file would have needed more than 10000 parts.
    pub part_size_raised: u32,
    /// ETag of the object, without quotes.
    pub etag: [c_char; 64],
    /// Version ID of the object, in a bucket with versioning.
    pub version_id: [c_char; 128],
    /// Request ID of the request that created the object.
    pub request_id: [c_char; 64],
    /// Upload ID; empty for a file sent with one PutObject.
    pub upload_id: [c_char; 256],
    /// Why the work of this or an earlier call was discarded and all parts were sent again, with the earlier upload ID if its
    /// parts could not be removed; empty if it was not.
    pub restart_reason: [c_char; 160],
    /// Size of the application server's response to x-oss-callback; see oss_upload_callback_response().
    pub callback_response_size: u64,
    /// Always zero.
    pub reserved: [u64; 35],
}

/// Progress of an upload. Numbers are totals. done_bytes, sent_bytes and retries never decrease; parts_done and
/// resumed_bytes start from 0 again when an upload starts over. On success, done_bytes equals total_bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_progress {
    /// One of OSS_PHASE_*.
    pub phase: u32,
    /// Total number of parts.
    pub parts_total: u32,
    /// Number of parts on the server, including resumed ones.
    pub parts_done: u32,
    /// Number of retries, not counting those caused by a stale connection, a wrong clock or expired credentials.
    pub retries: u32,
    /// Size of the file in bytes; 0 until the file has been examined.
    pub total_bytes: u64,
    /// Bytes done, including resumed ones. Bytes of unfinished parts count, so a resumed upload may start slightly
    /// below the value at which it was paused.
    pub done_bytes: u64,
    /// Bytes sent by an earlier call.
    pub resumed_bytes: u64,
    /// Body bytes sent by this call, including retries.
    pub sent_bytes: u64,
    /// Average rate over the last few seconds. A resumed upload starts with the rate of the earlier call.
    pub bytes_per_second: u64,
    /// Milliseconds remaining at this rate; OSS_ETA_UNKNOWN when not known.
    pub eta_ms: u64,
    /// Always zero.
    pub reserved: [u64; 8],
}

/// Called by oss_upload_file() on the thread that called it, about ten times a second and once at the end, never after
/// oss_upload_file() has returned. `progress` is valid only during the call; `user_data` is the pointer given to
/// oss_upload_file(). Return OSS_CONTINUE, OSS_PAUSE or OSS_CANCEL. Do not leave it with a C++ exception,
/// pthread_exit() or longjmp().
pub type oss_progress_fn = Option<unsafe extern "C" fn(progress: *const oss_progress, user_data: *mut c_void) -> i32>;
