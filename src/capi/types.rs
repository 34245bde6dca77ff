//! The structs, enums and constants of the C API, laid out as C lays them out. Their documentation is the header's.

use std::ffi::{c_char, c_void};

/// What a call came to. Zero is success, errors are negative. Numbers are never reused.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum oss_status {
    /// Done.
    OSS_OK = 0,
    /// oss_upload_wait() ran out of time; the upload goes on.
    OSS_PENDING = 1,
    /// An argument or option is wrong; the message names it. Nothing was done.
    OSS_INVALID_ARGUMENT = -1,
    /// The local file could not be opened or read; see os_errno.
    OSS_IO = -2,
    /// The server could not be reached, or the connection broke more often than max_attempts allows.
    OSS_NETWORK = -3,
    /// Nothing moved for connect_timeout_ms or stall_timeout_ms, more often than max_attempts allows.
    OSS_TIMEOUT = -4,
    /// The server said no; see http_status, service_code, ec and request_id.
    OSS_SERVICE = -5,
    /// No credentials were found, or a credentials provider failed.
    OSS_CREDENTIALS = -6,
    /// The local file changed while it was uploaded, and on_file_change forbids a restart (or restarts did not help).
    OSS_FILE_CHANGED = -7,
    /// The server's CRC-64 differs from that of the local data.
    OSS_CHECKSUM_MISMATCH = -8,
    /// The checkpoint file cannot be written, or is not one that this version can use.
    OSS_CHECKPOINT = -9,
    /// Another upload, of this or another process, holds the checkpoint file; the message names its process id.
    OSS_CHECKPOINT_BUSY = -10,
    /// The upload was paused: with a checkpoint, start it again to go on where it stopped.
    OSS_PAUSED = -11,
    /// The upload was cancelled; nothing of it is left on the server, or the message says what is.
    OSS_CANCELLED = -12,
    /// The object is stored, but the application server's callback (x-oss-callback) failed.
    OSS_CALLBACK_FAILED = -13,
    /// The option is known, but this version of the library cannot carry it out.
    OSS_UNSUPPORTED = -14,
    /// The system made no thread: a limit of processes or memory is reached. Trying again later can help; see os_errno.
    OSS_RESOURCES = -15,
    /// A defect of this library; please report the message.
    OSS_INTERNAL = -99,
}

/// What a progress callback returns: go on.
pub const OSS_CONTINUE: i32 = 0;
/// What a progress callback returns: stop soon as oss_upload_pause() does. Any value that is not named here means this too.
pub const OSS_PAUSE: i32 = 1;
/// What a progress callback returns: stop soon as oss_upload_cancel() does.
pub const OSS_CANCEL: i32 = 2;

/// oss_upload_options.part_size: let the library choose from the file's size.
pub const OSS_PART_SIZE_AUTO: u64 = u64::MAX;
/// oss_upload_options.routines: let the library choose: at most 64, for all uploads of the client together that have this
/// value.
pub const OSS_ROUTINES_AUTO: u32 = u32::MAX;

/// oss_progress.phase: the file and the checkpoint are being looked at, or the upload is being opened on the server.
pub const OSS_PHASE_PREPARING: u32 = 0;
/// oss_progress.phase: parts are being sent.
pub const OSS_PHASE_UPLOADING: u32 = 1;
/// oss_progress.phase: local data is read again and compared with what the server has.
pub const OSS_PHASE_VERIFYING: u32 = 2;
/// oss_progress.phase: all parts are there; the server puts the object together.
pub const OSS_PHASE_COMPLETING: u32 = 3;
/// oss_progress.phase: the upload has ended, well or not.
pub const OSS_PHASE_ENDED: u32 = 4;
/// oss_progress.phase: there are no credentials that the server takes; others are waited for (credentials_wait_ms).
pub const OSS_PHASE_WAITING: u32 = 5;
/// oss_progress.phase: local data is read for its MD5 (content_md5), which must be known before the data is sent; nothing
/// is being sent meanwhile.
pub const OSS_PHASE_HASHING: u32 = 6;

/// oss_progress.eta_ms: not known yet.
pub const OSS_ETA_UNKNOWN: u64 = u64::MAX;

/// Where the server is, who signs, and limits that all uploads of a client share.
///
/// Make one with oss_client_options_default(), then set fields. Zero and NULL mean the default. Strings are UTF-8, end
/// with NUL and are copied before oss_client_new() returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_client_options {
    /// sizeof(oss_client_options), as oss_client_options_default() sets it.
    pub struct_size: usize,
    /// Host, with an optional scheme ("https://" by default) and port: "oss-cn-hangzhou.aliyuncs.com", an internal,
    /// accelerate or dual-stack host, a custom domain (then set cname), or an IP address. May be NULL when region is given.
    pub endpoint: *const c_char,
    /// "cn-hangzhou"; NULL takes it from the endpoint when that names one. Signature V4 needs it.
    pub region: *const c_char,
    /// AccessKey id, together with access_key_secret. NULL: see credentials.
    pub access_key_id: *const c_char,
    /// AccessKey secret. Kept in memory only, wiped after use, never logged.
    pub access_key_secret: *const c_char,
    /// Security token of temporary (STS) credentials; NULL when there is none.
    pub security_token: *const c_char,
    /// Where credentials come from when no access_key_id is given; docs/credentials.md has the details.
    ///
    /// NULL: the default chain: env, oidc, profile, ecs-role, uri. The first of these that is configured is used; when it
    /// does not work, no other is asked. By name:
    /// - `env`: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary ones, OSS_SESSION_TOKEN; else
    ///   ALIBABA_CLOUD_ACCESS_KEY_ID and its companions; read when the client is made;
    /// - `profile[:NAME]`: a profile in ~/.aliyun/config.json, ~/.alibabacloud/credentials or ~/.ossutilconfig;
    /// - `process:COMMAND`: what a command prints that a shell runs;
    /// - `ecs-role[:NAME]`: the RAM role of this ECS instance, from the metadata service;
    /// - `oidc`: a RAM role for a Kubernetes service account (RRSA);
    /// - `uri[:URL]`: what a GET of the URL (or of ALIBABA_CLOUD_CREDENTIALS_URI) answers;
    /// - `anonymous`: requests are not signed.
    ///
    /// Temporary ones are renewed before they end, also in the middle of an upload, and when the server refuses them.
    /// Any other value gets OSS_INVALID_ARGUMENT; a profile that needs a login gets OSS_UNSUPPORTED.
    pub credentials: *const c_char,
    /// "http://host:port" or "http://user:password@host:port" of a proxy; "env": what the environment variables
    /// https_proxy, http_proxy, all_proxy and no_proxy say; NULL: none.
    pub proxy: *const c_char,
    /// PEM file with the certificate authorities to trust instead of the built-in ones; "system": the platform's; NULL:
    /// the built-in ones.
    pub ca_file: *const c_char,
    /// Added to the User-Agent header: visible ASCII; NULL: nothing.
    pub user_agent: *const c_char,
    /// Bytes per second that all uploads of this client may send together; 0: no limit, else at least 1024.
    pub max_bytes_per_second: u64,
    /// 0: V4 when the region is known, else V1. 1: V1. 4: V4 (needs a region).
    pub signature_version: u32,
    /// 1: the endpoint is a custom domain bound to the bucket. 0: it is not.
    pub cname: u32,
    /// 1: put the bucket in the path, as an IP address always does. 0: in the host name. OSS refuses 1 on its own domains.
    pub path_style: u32,
    /// Milliseconds to open a connection, name look-up and TLS included; 0: 10000.
    pub connect_timeout_ms: u32,
    /// Milliseconds without any byte moved, or without a response, after which a request is given up and tried again;
    /// 0: 30000.
    pub stall_timeout_ms: u32,
    /// How often a request is tried before the upload fails, the first time included; 0: 8. At most 1000.
    pub max_attempts: u32,
    /// 1: do not verify the server's certificate. For tests only: anyone on the way can then read and change the data.
    pub insecure_skip_verify: u32,
    /// Milliseconds that an upload waits for new credentials when there are none, or when the server takes them no more:
    /// from the provider, which is asked now and then, or from oss_client_set_credentials(). Meanwhile its phase is
    /// OSS_PHASE_WAITING. 0: not at all; it fails, and with a checkpoint it can be resumed.
    pub credentials_wait_ms: u32,
}

/// One header of an object: name and value, both NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_header {
    /// Such as "Content-Type" or "x-oss-meta-author"; case does not matter.
    pub name: *const c_char,
    /// Visible ASCII and blanks; line breaks are refused.
    pub value: *const c_char,
}

/// What to upload, and how.
///
/// Make one with oss_upload_options_default(), then set fields. Zero and NULL mean the default. Everything is copied
/// before the call that takes it returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_upload_options {
    /// sizeof(oss_upload_options), as oss_upload_options_default() sets it.
    pub struct_size: usize,
    /// Name of the bucket: 3 to 63 of a-z, 0-9 and '-'.
    pub bucket: *const c_char,
    /// Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with '/' or '\\'.
    pub object_key: *const c_char,
    /// Path of the local file; on Unix any bytes, UTF-8 or not. A relative path means what it means at the time of the
    /// call, wherever the program goes meanwhile; so do the two below.
    pub file_path: *const c_char,
    /// Checkpoint file to use; setting it switches the checkpoint on. A file that is there, and is no checkpoint of this
    /// library, is left alone, also an empty one: OSS_CHECKPOINT. NULL: see checkpoint_dir.
    pub checkpoint_path: *const c_char,
    /// Existing directory for the checkpoint file, which is then named by the source and the destination; setting it
    /// switches the checkpoint on. NULL: "<file_path>.cp" beside the local file. Not together with checkpoint_path.
    pub checkpoint_dir: *const c_char,
    /// Headers that describe the object or steer its upload: Content-Type, Cache-Control, Content-Disposition,
    /// Content-Encoding, Content-Language, Expires, x-oss-meta-*, x-oss-object-acl, x-oss-storage-class, x-oss-tagging,
    /// x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite, x-oss-callback, x-oss-callback-var,
    /// x-oss-traffic-limit, x-oss-request-payer. Each goes to the requests that it belongs to. Content-Type is guessed
    /// from the name of the file, then of the object, when it is not given. NULL when header_count is 0.
    pub headers: *const oss_header,
    /// How many headers there are.
    pub header_count: usize,
    /// Bytes of a part: 102400 to 5368709120, OSS_PART_SIZE_AUTO, or 0: 102400. Raised when the file would need more than
    /// 10000 parts (see oss_result.part_size_raised).
    pub part_size: u64,
    /// Parts that are sent at the same time: 1 to 100, OSS_ROUTINES_AUTO, or 0: 1.
    pub routines: u32,
    /// 1: keep a checkpoint file, so that a later call goes on where this one stopped. 0: only when checkpoint_path or
    /// checkpoint_dir is set.
    pub checkpoint: u32,
    /// What happens when the local file changes during the upload, or between two calls of it. 0: all parts are sent
    /// again, a few times at the most. 1: the upload fails with OSS_FILE_CHANGED, once: what was sent and the checkpoint
    /// are removed, and the next call sends the file as it is then.
    pub on_file_change: u32,
    /// Whether parts that are on the server are read again from the local file before the object is made, and their
    /// CRC-64 compared. 0: when the file's identity is in doubt (an earlier call has seen another change time, device or
    /// inode), and, also for what this call sends, where the file system is not known to keep a change time of its own
    /// (FAT, FUSE, NFS, ...): there a write can leave no trace. 1: always, when an upload is resumed; else as 0.
    /// 2: never for these reasons.
    pub verify_resume: u32,
    /// 1: send Content-MD5 with every body. 0: only with a PutObject of up to 8 MiB. CRC-64 is always checked; MD5 costs
    /// much more CPU time.
    pub content_md5: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// What went wrong. The caller owns it; the library fills it whole on every call that takes one, also on success.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_error {
    /// The oss_status that the call returned.
    pub status: i32,
    /// HTTP status of the server's response; 0 when there was none.
    pub http_status: u32,
    /// errno of the operating system; 0 when it takes no part.
    pub os_errno: i32,
    /// The part that failed, from 1; 0 when the failure is not about one part.
    pub part_number: u32,
    /// 1: the same call may succeed later without any change. 0: something must be changed first.
    pub retryable: u32,
    /// OSS's error code, such as "AccessDenied".
    pub service_code: [c_char; 64],
    /// OSS's detailed error code (x-oss-ec), such as "0003-00000001".
    pub ec: [c_char; 32],
    /// The request id, which Alibaba Cloud's support asks for.
    pub request_id: [c_char; 64],
    /// One line of UTF-8 that says what failed, where, and what to do. No secret is in it.
    pub message: [c_char; 768],
    /// Zero.
    pub reserved: [u32; 19],
}

/// What an upload came to. The caller owns it; the library fills it whole, also on failure, as far as is known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_result {
    /// CRC-64/XZ of the whole object, equal to the server's.
    pub crc64: u64,
    /// Bytes of the object.
    pub size: u64,
    /// Bytes of a part, as used.
    pub part_size: u64,
    /// Body bytes sent by this call, repeated ones included.
    pub bytes_sent: u64,
    /// Bytes that an earlier call had sent and this one did not need to send.
    pub bytes_resumed: u64,
    /// Milliseconds from start to end.
    pub elapsed_ms: u64,
    /// Parts of the upload; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Parts that an earlier call had sent.
    pub parts_resumed: u32,
    /// HTTP requests made, repeated ones included.
    pub attempts: u32,
    /// 1: part_size was raised, since the file would have needed more than 10000 parts.
    pub part_size_raised: u32,
    /// ETag of the object, without quotes.
    pub etag: [c_char; 64],
    /// Version id of the object, in a versioned bucket.
    pub version_id: [c_char; 128],
    /// Request id of the request that made the object.
    pub request_id: [c_char; 64],
    /// Upload id; empty for a file sent with one PutObject.
    pub upload_id: [c_char; 256],
    /// Why work of an earlier call, or of this one, was thrown away and all parts were sent again; empty when it was not.
    pub restart_reason: [c_char; 160],
    /// Bytes of what the application server answered to x-oss-callback; see oss_upload_callback_response().
    pub callback_response_size: u64,
    /// Zero.
    pub reserved: [u64; 35],
}

/// How far an upload is. Numbers are absolute. done_bytes, sent_bytes and retries never run backwards; parts_done and
/// resumed_bytes begin anew when an upload starts over. At success done_bytes equals total_bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_progress {
    /// One of OSS_PHASE_*.
    pub phase: u32,
    /// Parts in all.
    pub parts_total: u32,
    /// Parts that the server has, resumed ones included.
    pub parts_done: u32,
    /// Requests that had to be tried again, save those for which a stale connection, the clock or old credentials were the
    /// reason.
    pub retries: u32,
    /// Bytes of the file; 0 while it has not been looked at.
    pub total_bytes: u64,
    /// Bytes behind us, resumed ones included. Bytes of parts that are still on their way count, so that a resume may
    /// begin a little below where a pause ended.
    pub done_bytes: u64,
    /// Bytes that an earlier call had sent.
    pub resumed_bytes: u64,
    /// Body bytes sent by this call, repeated ones included.
    pub sent_bytes: u64,
    /// Rate of the last few seconds. A resumed upload begins with that of the earlier call.
    pub bytes_per_second: u64,
    /// Milliseconds to the end at this rate; OSS_ETA_UNKNOWN when it cannot be told.
    pub eta_ms: u64,
    /// Zero.
    pub reserved: [u64; 8],
}

/// Called by oss_upload_file(), on the thread that called it, about ten times a second and once at the end, never after
/// oss_upload_file() has returned. `progress` is valid during the call only; `user_data` is what was given to
/// oss_upload_file(). Returns OSS_CONTINUE, OSS_PAUSE or OSS_CANCEL. A C++ exception must not leave it, nor may
/// pthread_exit() or longjmp().
pub type oss_progress_fn = Option<unsafe extern "C" fn(progress: *const oss_progress, user_data: *mut c_void) -> i32>;
