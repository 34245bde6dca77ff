/*
 * liboss_upload for C++: resumable, verified uploads of local files to Alibaba Cloud OSS.
 *
 * Header-only, C++17 or newer, on top of oss_upload.h and the same shared or static library. Everything is inline: it
 * adds no binary interface of its own.
 *
 * In short
 *
 *     oss::client_options where;
 *     where.endpoint = "oss-cn-hangzhou.aliyuncs.com";
 *     oss::client client(where);
 *
 *     oss::upload_options what;
 *     what.bucket = "my-bucket";
 *     what.object_key = "videos/a.mp4";
 *     what.file_path = "/data/a.mp4";
 *     what.checkpoint = true;
 *     try {
 *         oss::result stored = client.upload_file(what, [](const oss::progress &now) {
 *             std::cerr << now.done_bytes << " of " << now.total_bytes << '\r';
 *         });
 *         std::cout << "stored, ETag " << stored.etag << '\n';
 *     } catch (const oss::error &error) {
 *         std::cerr << error.what() << '\n';
 *     }
 *
 * With C++20, the options may be written in place:
 *
 *     client.upload_file({.bucket = "my-bucket", .object_key = "videos/a.mp4", .file_path = "/data/a.mp4"});
 *
 * With C++23, each call that throws has a counterpart that does not, such as client.try_upload_file(): it returns a
 * std::expected with an oss::error.
 *
 * Rules
 *
 * - Ownership. oss::client, oss::upload, oss::stream and oss::batch own their resource and release it when they go out of
 *   scope. They can be moved but not copied, and destroyed in any order. Destroying the oss::upload of a running upload, or
 *   a running oss::batch, pauses it without waiting for it, unless it reads memory of the program
 *   (client::start_memory()). Destroying an oss::stream that has not been finished stores no object. Everything else is a
 *   value. A moved-from object is empty: it can be assigned to and destroyed, its pause() and cancel() do nothing, its
 *   next_event() and next_outcome() return nothing, and everything else reports oss::status::invalid_argument.
 * - Options. Fields that are not set (an empty std::optional, an empty path, a zero number or time) have their default.
 * - Errors. The library reports every failure as an oss::error; std::bad_alloc may occur as well.
 * - Callbacks run on the thread that called upload_file(), upload::wait() or batch::wait(), never after these have returned. If a
 *   callback throws, the upload is paused, and the exception reaches the caller once the upload has stopped (about a
 *   second). It never passes through the library: nothing leaks, and with a checkpoint the data already sent is kept.
 * - Threads. Several threads may use one client, one upload or one batch at the same time, except to move, assign or destroy it.
 * - After a fork, the child must not use them.
 * - With Alibaba Cloud's C SDK: this header does not need oss_upload_file. Define OSS_UPLOAD_NO_UPLOAD_FILE before
 *   including it, since the SDK has a different function of that name.
 * - Without exceptions (-fno-exceptions), the calls that throw are left out, and std::expected is required.
 * - Strings are UTF-8 without NUL; anything else is reported as oss::status::invalid_argument, with the option's name.
 */

#ifndef OSS_UPLOAD_HPP
#define OSS_UPLOAD_HPP

#include <oss_upload.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif
#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202202L
#include <expected>
/// Whether the calls that return a std::expected are available.
#define OSS_UPLOAD_HAS_EXPECTED 1
#else
#define OSS_UPLOAD_HAS_EXPECTED 0
#endif
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
/// Whether the calls that throw are available.
#define OSS_UPLOAD_HAS_EXCEPTIONS 1
#else
#define OSS_UPLOAD_HAS_EXCEPTIONS 0
#endif
#if !OSS_UPLOAD_HAS_EXCEPTIONS && !OSS_UPLOAD_HAS_EXPECTED
#error "oss_upload.hpp needs exceptions or std::expected (C++23)"
#endif

namespace oss {

/// Outcome of a call. An oss::error never has `ok`, `pending` or `end`. Newer libraries may add values: treat an unknown one
/// as a failure.
enum class status : std::int32_t {
    /// Success.
    ok = OSS_OK,
    /// The wait timed out; the upload is still running.
    pending = OSS_PENDING,
    /// batch::next_outcome_for(): there are no more outcomes, the batch has ended.
    end = OSS_END,
    /// An argument or option is invalid; the message names it. Nothing was done.
    invalid_argument = OSS_INVALID_ARGUMENT,
    /// The local file could not be opened or read; see error::os_error().
    io = OSS_IO,
    /// The server could not be reached, or the connection broke more often than max_attempts allows.
    network = OSS_NETWORK,
    /// connect_timeout or stall_timeout passed without progress, more often than max_attempts allows.
    timeout = OSS_TIMEOUT,
    /// The server refused the request; see error::http_status(), service_code(), ec() and request_id().
    service = OSS_SERVICE,
    /// No credentials were found, or a credentials provider failed.
    credentials = OSS_CREDENTIALS,
    /// The local file changed during the upload, and on_file_change forbids a restart (or restarts did not help).
    file_changed = OSS_FILE_CHANGED,
    /// The server's CRC-64 differs from the CRC-64 of the local data.
    checksum_mismatch = OSS_CHECKSUM_MISMATCH,
    /// The checkpoint file cannot be written, or this version cannot use it.
    checkpoint = OSS_CHECKPOINT,
    /// Another upload, in this or another process, holds the checkpoint file; the message gives its process id.
    checkpoint_busy = OSS_CHECKPOINT_BUSY,
    /// The upload was paused. With a checkpoint, start it again to resume where it stopped.
    paused = OSS_PAUSED,
    /// The upload was cancelled. Nothing of it is left on the server, unless the message says otherwise.
    cancelled = OSS_CANCELLED,
    /// The object is stored (see error::result()), but the application server's callback (x-oss-callback) failed.
    callback_failed = OSS_CALLBACK_FAILED,
    /// The option is known, but this version of the library does not support it.
    unsupported = OSS_UNSUPPORTED,
    /// The system could not create a thread: a process or memory limit is reached. Retrying later may help.
    resources = OSS_RESOURCES,
    /// Some files of a batch failed; the outcome of each says why. The other files are as they should be; see
    /// error::batch_result().
    files_failed = OSS_FILES_FAILED,
    /// A bug in the library; please report the message.
    internal = OSS_INTERNAL,
};

/// The C name of a status, such as "OSS_PAUSED"; "OSS_UNKNOWN" for an unknown one.
[[nodiscard]] inline std::string_view name(status of) noexcept
{
    return oss_status_name(static_cast<std::int32_t>(of));
}

/// Version of the linked library, such as "0.1.0"; OSS_VERSION is the version of the header.
[[nodiscard]] inline std::string_view version() noexcept
{
    return oss_version();
}

/// Version of the library as one number, to compare with OSS_VERSION_NUMBER: major << 16 | minor << 8 | patch.
[[nodiscard]] inline std::uint32_t version_number() noexcept
{
    return oss_version_number();
}

/// upload_options::part_size: the library chooses a size that suits the file.
inline constexpr std::uint64_t part_size_auto = OSS_PART_SIZE_AUTO;
/// upload_options::routines: the library chooses, at most 64 for all uploads of the client that set this value.
inline constexpr std::uint32_t routines_auto = OSS_ROUTINES_AUTO;

/// How requests are signed.
enum class signature : std::uint32_t {
    /// V4 if the region is known, otherwise V1.
    automatic = 0,
    /// V1.
    v1 = 1,
    /// V4, which requires a region.
    v4 = 4,
};

/// What to do when the local file changes during the upload, or before it is resumed.
enum class file_change : std::uint32_t {
    /// Send all parts again, at most a few times.
    restart = 0,
    /// Fail once with status::file_changed and remove the checkpoint and the data already sent; the next call sends the
    /// file as it is then.
    fail = 1,
};

/// Whether to read parts on the server again from the local file and compare their CRC-64 before the object is created.
enum class verify : std::uint32_t {
    /// If the file's identity is in doubt (an earlier call saw a different change time, device or inode), or if the
    /// file system may not keep its own change time (FAT, FUSE, NFS, ...), so that a write can leave no trace; this
    /// also covers parts sent by this call.
    in_doubt = 0,
    /// Always when an upload is resumed, otherwise as in_doubt.
    always = 1,
    /// Never for these reasons.
    never = 2,
};

/// Names and values, in order.
using pairs = std::vector<std::pair<std::string, std::string>>;

/// Endpoint, credentials, and limits that all uploads of a client share. Fields that are not set have their default.
struct client_options {
    /// Host, with an optional scheme (default "https://") and port: "oss-cn-hangzhou.aliyuncs.com"; an internal,
    /// acceleration or dual-stack host; a custom domain (set cname too); or an IP address. May be omitted when region
    /// is set.
    std::optional<std::string> endpoint{};
    /// Region, such as "cn-hangzhou". Signature V4 requires it. Default: the region in the endpoint, if it names one.
    std::optional<std::string> region{};
    /// AccessKey ID. Set it together with access_key_secret. Not set: see credentials.
    std::optional<std::string> access_key_id{};
    /// AccessKey secret. The library wipes its copy after use and never logs it; this copy is the program's.
    std::optional<std::string> access_key_secret{};
    /// Security token of temporary (STS) credentials.
    std::optional<std::string> security_token{};
    /// Source of the credentials when access_key_id is not set: "env", "profile[:NAME]", "process:COMMAND",
    /// "ecs-role[:NAME]", "oidc", "uri[:URL]" or "anonymous", as oss_client_options in oss_upload.h explains. Not set:
    /// the default chain: env, oidc, profile, ecs-role, uri. The first configured source is used; if it fails, no other
    /// is tried. Temporary credentials are renewed before they expire, even during an upload, and when the server
    /// refuses them.
    std::optional<std::string> credentials{};
    /// How requests are signed.
    signature signature_version = signature::automatic;
    /// The endpoint is a custom domain bound to the bucket.
    bool cname = false;
    /// Put the bucket in the path, which is always done for an IP address. OSS refuses this on its own domains.
    bool path_style = false;
    /// Time to open a connection, including the name lookup and TLS. 0 means the default, 10 s.
    std::chrono::milliseconds connect_timeout{0};
    /// Time without a byte sent or received, or without a response, after which a request is abandoned and retried. 0
    /// means the default, 30 s.
    std::chrono::milliseconds stall_timeout{0};
    /// Number of times a request is tried, including the first, before the upload fails. Default 8, at most 1000.
    std::uint32_t max_attempts = 0;
    /// Limit on the bytes per second that all uploads of this client send together, at least 1024. 0 means no limit.
    std::uint64_t max_bytes_per_second = 0;
    /// Proxy: "http://[user:password@]host:port". "env" reads the environment variables https_proxy, http_proxy,
    /// all_proxy and no_proxy. Not set: none.
    std::optional<std::string> proxy{};
    /// PEM file with the certificate authorities to trust. "system" means the platform's. Empty: the built-in ones.
    std::filesystem::path ca_file{};
    /// Do not verify the server's certificate. For tests only: anyone on the network path can then read and change the
    /// data.
    bool insecure_skip_verify = false;
    /// Text to add to the User-Agent header, in visible ASCII.
    std::optional<std::string> user_agent{};
    /// How long an upload waits for new credentials when it has none, or when the server no longer accepts them. They
    /// come from their source or from client::set_credentials(). Meanwhile the phase is phase::waiting. 0 means no
    /// wait: the upload fails, and can be resumed if it has a checkpoint.
    std::chrono::milliseconds credentials_wait{0};
};

/// What to upload and how. Fields that are not set have their default.
struct upload_options {
    /// Name of the bucket: 3 to 63 characters from a-z, 0-9 and '-'.
    std::string bucket{};
    /// Name of the object: 1 to 1023 bytes of UTF-8, not beginning with '/' or '\'.
    std::string object_key{};
    /// Path of the local file; on Unix, any bytes, UTF-8 or not. A relative path is resolved at the time of the call,
    /// so later changes of directory do not matter. The same holds for the paths of the checkpoint.
    std::filesystem::path file_path{};
    /// Bytes per part: 102400 to 5368709120, or part_size_auto. 0 means the default, 102400. Raised if the file would
    /// need more than 10000 parts (see result::part_size_raised).
    std::uint64_t part_size = 0;
    /// Number of parts sent at the same time: 1 to 100, or routines_auto. 0 means the default, 1.
    std::uint32_t routines = 0;
    /// Keep a checkpoint file, so that a later call resumes where this one stopped.
    bool checkpoint = false;
    /// Checkpoint file to use. Setting it enables the checkpoint. An existing file that is not a checkpoint of this
    /// library, even an empty one, is left untouched, and the upload fails with OSS_CHECKPOINT. Empty: see
    /// checkpoint_dir.
    std::filesystem::path checkpoint_path{};
    /// Existing directory for the checkpoint file, whose name is derived from the source and the destination. Setting
    /// it enables the checkpoint. Empty: "<file_path>.cp", next to the local file. Cannot be combined with
    /// checkpoint_path.
    std::filesystem::path checkpoint_dir{};
    /// Headers that describe the object or control its upload: Content-Type, Cache-Control, Content-Disposition,
    /// Content-Encoding, Content-Language, Expires, x-oss-meta-*, x-oss-object-acl, x-oss-storage-class, x-oss-tagging,
    /// x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite, x-oss-callback, x-oss-callback-var,
    /// x-oss-traffic-limit, x-oss-request-payer. Each is sent with the requests that it applies to. If Content-Type is
    /// not set, it is guessed from the name of the file, then of the object.
    pairs headers{};
    /// The object's own metadata: {"author", "me"} is the header x-oss-meta-author.
    pairs metadata{};
    /// What to do when the local file changes during the upload.
    file_change on_file_change = file_change::restart;
    /// Whether to read data that is already on the server again from the local file and compare it.
    verify verify_resume = verify::in_doubt;
    /// Send Content-MD5 with every body. Otherwise it is sent only with a PutObject of up to 8 MiB. CRC-64 is always
    /// checked; MD5 costs much more CPU time.
    bool content_md5 = false;
    /// Streams only: the most bytes of the stream that are held in memory. 0 means the default, 67108864 (64 MiB). At
    /// least two parts must fit: a part has at most half of it, and so a stream at most 10000 times that.
    std::uint64_t max_memory = 0;
    /// Streams only: an existing directory for a spool file, which takes the bytes that do not fit into memory while the
    /// network is slower than the writer. The file has no name, and is gone when the process ends. Empty: no spool, the
    /// writer waits. Set spool_limit, too.
    std::filesystem::path spool_dir{};
    /// Streams only: the most bytes that the spool file takes; after that, the writer waits. Set spool_dir, too.
    std::uint64_t spool_limit = 0;
};

/// What a batch does with the files.
enum class batch_mode : std::uint32_t {
    /// Upload all, but for those that an interrupted batch with this manifest has stored.
    all = OSS_BATCH_ALL,
    /// Upload those that are not as the manifest says.
    changed = OSS_BATCH_CHANGED,
    /// Upload those that failed, by the manifest. directory and list_path are not looked into.
    retry_failed = OSS_BATCH_RETRY_FAILED,
    /// Upload nothing; compare the list of objects in the bucket with the manifest.
    verify = OSS_BATCH_VERIFY,
    /// Upload nothing; compare the CRC-64 of every object, and of every file, with the manifest.
    verify_full = OSS_BATCH_VERIFY_FULL,
};

/// What a batch does with symbolic links in a folder.
enum class symlinks : std::uint32_t {
    /// Upload what they lead to. A link back to a folder above it fails.
    follow = OSS_SYMLINKS_FOLLOW,
    /// Leave them out.
    skip = OSS_SYMLINKS_SKIP,
    /// They fail.
    refuse = OSS_SYMLINKS_REFUSE,
};

/// What a batch does with names that cannot be keys.
enum class key_encoding : std::uint32_t {
    /// Such a file fails.
    refuse = OSS_KEY_REFUSE,
    /// Bytes of a name that cannot be in a key become "%XX", and every '%' becomes "%25".
    percent = OSS_KEY_PERCENT,
};

/// Which files to upload, where to, and how. Fields that are not set have their default. Relative paths are resolved at the
/// time of client::start_batch().
struct batch_options {
    /// Name of the bucket.
    std::string bucket{};
    /// What every key begins with, such as "photos/". The path of the file follows it directly.
    std::string key_prefix{};
    /// Folder whose files, and those in all folders below, are uploaded. They are found while others are uploaded, in the
    /// order of their paths. Cannot be combined with list_path.
    std::filesystem::path directory{};
    /// File with one path a line, or with a path, a tab and a key. Without it and directory, the files are those of
    /// batch::add().
    std::filesystem::path list_path{};
    /// File that keeps what became of every file: the report of this batch, what a later call goes on from when this one is
    /// interrupted, and what the next batch compares with. Large files in work have checkpoints in the folder
    /// "<manifest_path>.parts". Empty: none is kept, and an interrupted batch starts over.
    std::filesystem::path manifest_path{};
    /// Rules for files and folders of `directory` to leave out, each as a line of a .gitignore file.
    std::vector<std::string> exclude{};
    /// Rules in the same form: only files that one of them names are uploaded. Empty: all.
    std::vector<std::string> include{};
    /// Headers of every object, as in upload_options.
    pairs headers{};
    /// Metadata of every object: {"author", "me"} is the header x-oss-meta-author.
    pairs metadata{};
    /// Part size of large files in bytes, 102400 to 5368709120. Files up to this size are sent with one request. 0 and
    /// part_size_auto: the library chooses.
    std::uint64_t part_size = 0;
    /// Number of requests at the same time, 1 to 100. 0 and routines_auto: the library chooses, at most 64 for all uploads
    /// of the client for which it does so.
    std::uint32_t connections = 0;
    /// Limit on the requests per second. 0 means no limit.
    std::uint32_t max_requests_per_second = 0;
    /// What to do with the files. All but batch_mode::all need manifest_path; for batch_mode::changed, compare_remote will do.
    batch_mode mode = batch_mode::all;
    /// batch_mode::changed asks the bucket about files that the manifest does not know, and uploads those whose size or
    /// CRC-64 is another one there.
    bool compare_remote = false;
    /// The entries of list_path end with a zero byte instead of a line break.
    bool list_null_separated = false;
    /// Files named .ossignore have rules to leave files out, each for its folder and those below.
    bool ignore_files = false;
    /// What to do with symbolic links in a folder.
    oss::symlinks symlinks = oss::symlinks::follow;
    /// What to do with names that cannot be keys.
    oss::key_encoding key_encoding = oss::key_encoding::refuse;
    /// What to do when a file changes while it is uploaded.
    file_change on_file_change = file_change::restart;
    /// An empty folder is stored as an empty object whose key ends with '/'.
    bool empty_directories = false;
    /// The modification time is stored as x-oss-meta-mtime, in seconds since 1970 with a fraction.
    bool keep_mtime = false;
    /// The batch ends with the first file that fails.
    bool stop_on_error = false;
    /// Nothing is uploaded, and the manifest stays as it is.
    bool dry_run = false;
    /// Every outcome is kept until batch::next_outcome() or batch::outcomes() takes it; when 1024 wait, the batch waits too.
    bool outcomes = false;
    /// Which shard of the files to upload, from 0.
    std::uint32_t shard_index = 0;
    /// Number of shards. A file is in the shard that the CRC-64/XZ of its key has as remainder when it is divided by this
    /// number. 0 and 1: all files are uploaded.
    std::uint32_t shard_count = 0;
};

/// Outcome of an upload; in an error, as far as it is known.
struct result {
    /// CRC-64/XZ of the whole object, equal to the server's value.
    std::uint64_t crc64 = 0;
    /// Size of the object in bytes.
    std::uint64_t size = 0;
    /// Part size that was used, in bytes.
    std::uint64_t part_size = 0;
    /// Body bytes sent by this call, including retries.
    std::uint64_t bytes_sent = 0;
    /// Bytes sent by an earlier call that this call did not have to send again.
    std::uint64_t bytes_resumed = 0;
    /// Duration of the upload.
    std::chrono::milliseconds elapsed{0};
    /// Number of parts; 1 for a file sent with one PutObject.
    std::uint32_t parts = 0;
    /// Number of parts sent by an earlier call.
    std::uint32_t parts_resumed = 0;
    /// Number of HTTP requests, including retries.
    std::uint32_t attempts = 0;
    /// Whether part_size was raised because the file would have needed more than 10000 parts.
    bool part_size_raised = false;
    /// ETag of the object, without quotes.
    std::string etag{};
    /// Version ID of the object, in a bucket with versioning.
    std::string version_id{};
    /// Request ID of the request that created the object.
    std::string request_id{};
    /// Upload ID; empty for a file sent with one PutObject.
    std::string upload_id{};
    /// Why the work of this or an earlier call was discarded and all parts were sent again; empty if it was not.
    std::string restart_reason{};
    /// The application server's response to x-oss-callback. Empty if there was no callback, if it failed, or if the
    /// response was lost and the upload was confirmed by looking at the object instead.
    std::string callback_response{};
};

/// Outcome of a batch; in an error, as far as it is known.
struct batch_result {
    /// Number of files stored, including resumed ones.
    std::uint64_t files_stored = 0;
    /// Number of files that an interrupted call of this batch had stored.
    std::uint64_t files_resumed = 0;
    /// Number of files that have not changed.
    std::uint64_t files_unchanged = 0;
    /// Number of files and folders that were left out.
    std::uint64_t files_skipped = 0;
    /// Number of files that failed.
    std::uint64_t files_failed = 0;
    /// Number of files that would have been uploaded, but for dry_run.
    std::uint64_t files_planned = 0;
    /// Size of all stored files in bytes, including resumed ones.
    std::uint64_t bytes_stored = 0;
    /// Body bytes sent, including retries.
    std::uint64_t bytes_sent = 0;
    /// Number of HTTP requests, including retries.
    std::uint64_t requests = 0;
    /// Number of damaged lines in the manifest, whose files were done again.
    std::uint64_t manifest_lines_damaged = 0;
    /// Duration of the batch.
    std::chrono::milliseconds elapsed{0};
};

/// What an upload is doing. Newer libraries may add values.
enum class phase : std::uint32_t {
    /// The file and the checkpoint are being examined, or the upload is being created on the server.
    preparing = OSS_PHASE_PREPARING,
    /// Parts are being sent.
    uploading = OSS_PHASE_UPLOADING,
    /// Local data is being read again and compared with the data on the server.
    verifying = OSS_PHASE_VERIFYING,
    /// All parts are on the server, which is assembling the object.
    completing = OSS_PHASE_COMPLETING,
    /// The upload has ended, successfully or not.
    ended = OSS_PHASE_ENDED,
    /// The upload is waiting for credentials that the server accepts (client_options::credentials_wait).
    waiting = OSS_PHASE_WAITING,
    /// Local data is being read for its MD5, which must be known before the data is sent. Nothing is being sent.
    hashing = OSS_PHASE_HASHING,
};

/// Progress of an upload. Numbers are totals. done_bytes, sent_bytes and retries never decrease; parts_done and
/// resumed_bytes start from 0 again when an upload starts over. On success, done_bytes equals total_bytes.
struct progress {
    /// What the upload is doing.
    oss::phase phase = oss::phase::preparing;
    /// Total number of parts.
    std::uint32_t parts_total = 0;
    /// Number of parts on the server, including resumed ones.
    std::uint32_t parts_done = 0;
    /// Number of retries, not counting those caused by a stale connection, a wrong clock or expired credentials.
    std::uint32_t retries = 0;
    /// Size of the file in bytes; 0 until the file has been examined.
    std::uint64_t total_bytes = 0;
    /// Bytes done, including resumed ones. Bytes of unfinished parts count, so a resumed upload may start slightly
    /// below the value at which it was paused.
    std::uint64_t done_bytes = 0;
    /// Bytes sent by an earlier call.
    std::uint64_t resumed_bytes = 0;
    /// Body bytes sent by this call, including retries.
    std::uint64_t sent_bytes = 0;
    /// Average rate over the last few seconds. A resumed upload starts with the rate of the earlier call.
    std::uint64_t bytes_per_second = 0;
    /// Time remaining at this rate; empty when not known.
    std::optional<std::chrono::milliseconds> eta{};
};

/// Progress of a batch. Numbers are totals and never decrease, but for the rates.
struct batch_progress {
    /// Number of files found so far, without those that are left out.
    std::uint64_t files_found = 0;
    /// Their size in bytes.
    std::uint64_t bytes_found = 0;
    /// Number of files stored, including resumed ones.
    std::uint64_t files_stored = 0;
    /// Number of files that an interrupted call of this batch had stored.
    std::uint64_t files_resumed = 0;
    /// Number of files that have not changed.
    std::uint64_t files_unchanged = 0;
    /// Number of files and folders that were left out.
    std::uint64_t files_skipped = 0;
    /// Number of files that failed.
    std::uint64_t files_failed = 0;
    /// Bytes of the files that are done, and those of large files in work that were sent.
    std::uint64_t bytes_done = 0;
    /// Body bytes sent, including retries.
    std::uint64_t bytes_sent = 0;
    /// Number of HTTP requests, including retries.
    std::uint64_t requests = 0;
    /// Number of retries.
    std::uint64_t retries = 0;
    /// Average rate over the last few seconds, in bytes done.
    std::uint64_t bytes_per_second = 0;
    /// Average rate over the last few seconds, in files done.
    std::uint64_t files_per_second = 0;
    /// Time remaining at these rates; empty when not known.
    std::optional<std::chrono::milliseconds> eta{};
    /// Of the large file in current_path: bytes sent.
    std::uint64_t current_done = 0;
    /// Of the large file in current_path: size in bytes.
    std::uint64_t current_size = 0;
    /// All files have been found, so files_found and bytes_found are the totals.
    bool totals_known = false;
    /// The batch has ended.
    bool ended = false;
    /// A large file in work, to be shown; empty if there is none.
    std::string current_path{};
};

/// What a progress callback may return.
enum class control : std::int32_t {
    /// Continue.
    proceed = OSS_CONTINUE,
    /// Stop soon, as upload::pause() does.
    pause = OSS_PAUSE,
    /// Stop soon, as upload::cancel() does.
    cancel = OSS_CANCEL,
};

/// A progress callback: anything that can be called with a `const Progress &` and returns an oss::control or void; void
/// means "continue". A null pointer or an empty std::function is no callback.
template <class Progress>
class basic_progress_function {
public:
    /// No callback.
    basic_progress_function() noexcept = default;
    /// No callback.
    basic_progress_function(std::nullptr_t) noexcept {}

    /// Keeps a copy of `function` and calls it.
    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, basic_progress_function> &&
                                                std::is_invocable_v<std::decay_t<F> &, const Progress &>>>
    basic_progress_function(F &&function)
    {
        using returned = std::invoke_result_t<std::decay_t<F> &, const Progress &>;
        static_assert(std::is_void_v<returned> || std::is_same_v<returned, control>,
                      "a progress callback returns oss::control or nothing");
        std::function<returned(const Progress &)> call(std::forward<F>(function));
        if (!call) return;
        if constexpr (std::is_void_v<returned>) {
            call_ = [call = std::move(call)](const Progress &now) {
                call(now);
                return control::proceed;
            };
        } else {
            call_ = std::move(call);
        }
    }

    /// Whether there is a callback.
    explicit operator bool() const noexcept { return static_cast<bool>(call_); }

    /// Calls it. There must be a callback.
    control operator()(const Progress &now) const { return call_(now); }

private:
    std::function<control(const Progress &)> call_{};
};

/// The progress callback of an upload, called with a `const oss::progress &`.
using progress_function = basic_progress_function<progress>;

/// The progress callback of a batch, called with a `const oss::batch_progress &`.
using batch_progress_function = basic_progress_function<batch_progress>;

/// Kind of an event. Newer libraries may add kinds: skip those you do not know.
enum class event_kind : std::uint32_t {
    /// A request received a response, or failed.
    request = OSS_EVENT_REQUEST,
    /// A request will be retried after `elapsed`; the message says why.
    retry = OSS_EVENT_RETRY,
    /// A part has reached the server.
    part_done = OSS_EVENT_PART_DONE,
    /// A part sent by an earlier call is on the server.
    part_resumed = OSS_EVENT_PART_RESUMED,
    /// The number of parts that may be in flight changed.
    concurrency_changed = OSS_EVENT_CONCURRENCY_CHANGED,
    /// A source returned the first credentials, or the credentials changed; the message names the AccessKey ID and the
    /// source.
    credentials_changed = OSS_EVENT_CREDENTIALS_CHANGED,
    /// The checkpoint was synced to disk.
    checkpoint_written = OSS_EVENT_CHECKPOINT_WRITTEN,
    /// The upload starts over and sends all parts again; the message says why.
    restarted = OSS_EVENT_RESTARTED,
    /// The upload has ended; the message is "stored" or the error message.
    ended = OSS_EVENT_ENDED,
};

/// An event of an upload. Fields that do not apply to its kind are 0 or empty. It contains no secrets.
struct event {
    /// Kind of the event.
    event_kind kind{};
    /// Number of the part, from 1.
    std::uint32_t part_number = 0;
    /// Number of the attempt, from 1.
    std::uint32_t attempt = 0;
    /// HTTP status; 0 when there was no response.
    std::uint32_t http_status = 0;
    /// Number of parts that may now be in flight.
    std::uint32_t concurrency = 0;
    /// Number of the upload within the client, from 1 in the order of starting; 0 for events of the client itself.
    std::uint64_t upload = 0;
    /// Time since the upload started.
    std::chrono::milliseconds at{0};
    /// Time that the request took; for a retry, the wait before it.
    std::chrono::milliseconds elapsed{0};
    /// Bytes in the body of the request, or in the part.
    std::uint64_t bytes = 0;
    /// Number of events lost immediately before this one because they were not retrieved in time.
    std::uint64_t dropped = 0;
    /// API operation, such as "UploadPart".
    std::string operation{};
    /// OSS error code.
    std::string service_code{};
    /// Request ID.
    std::string request_id{};
    /// Name of the object, truncated if it is longer than 255 bytes.
    std::string object_key{};
    /// The reason, in one line.
    std::string message{};
};

/// A failure. There is one type for all; status() distinguishes the kinds. what() is one line that says what failed,
/// where, and what to do; it contains no secrets. Copying never throws.
class error : public std::runtime_error {
public:
    /// As reported by the library, with what is known about the upload.
    explicit error(const oss_error &raw, oss::result known = {})
        : std::runtime_error(raw.message), facts_(std::make_shared<const facts>(facts{raw, std::move(known), {}}))
    {
    }

    /// As reported by the library, with what is known about the batch.
    error(const oss_error &raw, const oss::batch_result &known)
        : std::runtime_error(raw.message), facts_(std::make_shared<const facts>(facts{raw, {}, known}))
    {
    }

    /// With a status and a message.
    error(oss::status status, const std::string &message)
        : std::runtime_error(message), facts_(std::make_shared<const facts>(facts{kind(status), {}, {}}))
    {
    }

    /// Copies share their contents: copying is cheap and never throws.
    error(const error &) noexcept = default;
    /// Same as copying.
    error &operator=(const error &) noexcept = default;
    ~error() override = default;

    /// Kind of the failure.
    [[nodiscard]] oss::status status() const noexcept { return static_cast<oss::status>(facts_->raw.status); }

    /// Whether the upload stopped on request: paused or cancelled.
    [[nodiscard]] bool stopped() const noexcept
    {
        return status() == oss::status::paused || status() == oss::status::cancelled;
    }

    /// Whether the same call may succeed later without any change.
    [[nodiscard]] bool retryable() const noexcept { return facts_->raw.retryable != 0; }

    /// HTTP status of the server's response; 0 when there was none.
    [[nodiscard]] std::uint32_t http_status() const noexcept { return facts_->raw.http_status; }

    /// OSS error code, such as "AccessDenied"; empty when there is none. Valid as long as this error or a copy of it
    /// exists.
    [[nodiscard]] std::string_view service_code() const noexcept { return facts_->raw.service_code; }

    /// Detailed OSS error code (x-oss-ec), such as "0003-00000001". Valid as long as service_code().
    [[nodiscard]] std::string_view ec() const noexcept { return facts_->raw.ec; }

    /// The request ID, which Alibaba Cloud support asks for. Valid as long as service_code().
    [[nodiscard]] std::string_view request_id() const noexcept { return facts_->raw.request_id; }

    /// Number of the part that failed, from 1; 0 when the failure does not concern a single part.
    [[nodiscard]] std::uint32_t part_number() const noexcept { return facts_->raw.part_number; }

    /// Error of the operating system, to compare with std::errc; false when it is not involved.
    [[nodiscard]] std::error_code os_error() const noexcept
    {
        return {facts_->raw.os_errno, std::system_category()};
    }

    /// What is known of the upload that failed, such as how many bytes were sent; all zero when none was started. Valid
    /// as long as service_code().
    [[nodiscard]] const oss::result &result() const noexcept { return facts_->known; }

    /// What was done of the batch that failed, also when that is status::files_failed; all zero when none was started. Valid
    /// as long as service_code().
    [[nodiscard]] const oss::batch_result &batch_result() const noexcept { return facts_->batch; }

private:
    struct facts {
        oss_error raw;
        oss::result known;
        oss::batch_result batch;
    };

    static oss_error kind(oss::status status) noexcept
    {
        oss_error raw{};
        raw.status = static_cast<std::int32_t>(status);
        return raw;
    }

    // Shared, so that a copy cannot throw. No move: what was moved from would have none.
    std::shared_ptr<const facts> facts_;
};

/// How a file of a batch ended. Newer libraries may add values.
enum class outcome_status : std::uint32_t {
    /// The object is stored, and its CRC-64 is that of the file.
    stored = OSS_OUTCOME_STORED,
    /// The file was stored before and has not changed since. Verifying: all is as it should be.
    unchanged = OSS_OUTCOME_UNCHANGED,
    /// The file or folder was left out; see outcome::rule.
    skipped = OSS_OUTCOME_SKIPPED,
    /// The file is not stored, or is not what it should be; see outcome::error.
    failed = OSS_OUTCOME_FAILED,
    /// The file would have been uploaded, but for dry_run.
    planned = OSS_OUTCOME_PLANNED,
};

/// What became of one file of a batch.
struct outcome {
    /// How it ended.
    outcome_status status = outcome_status::stored;
    /// It was stored by an interrupted call of this batch, and not sent again.
    bool resumed = false;
    /// Number of HTTP requests for this file, including retries.
    std::uint32_t attempts = 0;
    /// Size in bytes.
    std::uint64_t size = 0;
    /// CRC-64/XZ of the object; 0 if it is not stored.
    std::uint64_t crc64 = 0;
    /// Path of the file; in a folder, from there.
    std::filesystem::path path{};
    /// Name of the object; empty if none could be made.
    std::string key{};
    /// ETag of the object, without quotes.
    std::string etag{};
    /// Version ID of the object, in a bucket with versioning.
    std::string version_id{};
    /// Request ID of the request that created the object.
    std::string request_id{};
    /// Why it was left out: the rule that names it, or what it is.
    std::string rule{};
    /// Why it failed; empty if it did not.
    std::optional<oss::error> error{};
};

class upload;
class stream;
class batch;
class client;

/// Not for programs.
namespace detail {

/// Nothing, or the failure: how both kinds of calls receive it.
using failure = std::optional<error>;

struct free_client {
    void operator()(oss_client *handle) const noexcept { oss_client_free(handle); }
};

struct free_upload {
    void operator()(oss_upload *handle) const noexcept { oss_upload_free(handle); }
};

struct free_stream {
    void operator()(oss_stream *handle) const noexcept { oss_stream_free(handle); }
};

struct free_batch {
    void operator()(oss_batch *handle) const noexcept { oss_batch_free(handle); }
};

/// For contiguous bytes: a std::string, a std::vector<char>, a std::span ...
template <class Bytes>
using if_bytes = std::enable_if_t<sizeof(*std::declval<const Bytes &>().data()) == 1 &&
                                  std::is_pointer_v<decltype(std::declval<const Bytes &>().data())> &&
                                  std::is_convertible_v<decltype(std::declval<const Bytes &>().size()), std::size_t>>;

inline void pause_and_wait(oss_upload *handle) noexcept
{
    oss_upload_pause(handle);
    oss_upload_wait(handle, UINT32_MAX, nullptr, nullptr, nullptr);
}

/// Outcomes that nobody takes keep no batch from its end once it is paused.
inline void pause_and_wait(oss_batch *handle) noexcept
{
    oss_batch_pause(handle);
    oss_batch_wait(handle, UINT32_MAX, nullptr, nullptr, nullptr);
}

/// An upload or batch that must not go on when its callback throws: paused, and waited for, unless it is let go.
template <class Handle>
class pause_unless_ended {
public:
    explicit pause_unless_ended(Handle *handle) noexcept : handle_(handle) {}
    pause_unless_ended(const pause_unless_ended &) = delete;
    pause_unless_ended &operator=(const pause_unless_ended &) = delete;

    ~pause_unless_ended()
    {
        if (handle_ != nullptr) pause_and_wait(handle_);
    }

    void ended() noexcept { handle_ = nullptr; }

private:
    Handle *handle_;
};

/// From C++'s values to C's, which borrow from them. The first that C could not see right is remembered.
class input {
public:
    const char *text(const char *field, const std::string &value)
    {
        if (value.find('\0') != std::string::npos) refuse(field, "has a NUL character in it");
        return value.c_str();
    }

    const char *text(const char *field, const std::optional<std::string> &value)
    {
        return value ? text(field, *value) : nullptr;
    }

    const char *path(const char *field, const std::filesystem::path &value)
    {
#ifdef _WIN32
        const auto utf8 = value.u8string();
        return text(field, texts_.emplace_back(std::make_unique<std::string>(utf8.begin(), utf8.end())).operator*());
#else
        return text(field, value.native());
#endif
    }

    std::uint32_t milliseconds(const char *field, std::chrono::milliseconds value)
    {
        if (value.count() >= 0 && value.count() <= INT64_C(0xFFFFFFFF)) return static_cast<std::uint32_t>(value.count());
        refuse(field, "is " + std::to_string(value.count()) + " ms; it must be 0 to 4294967295 ms");
        return 0;
    }

    /// One a line; NULL when there are none.
    const char *lines(const char *field, const std::vector<std::string> &values)
    {
        if (values.empty()) return nullptr;
        std::string &all = *texts_.emplace_back(std::make_unique<std::string>(values.front()));
        for (std::size_t i = 1; i < values.size(); i++) all += '\n' + values[i];
        return text(field, all);
    }

    /// Of upload_options and batch_options.
    template <class From, class To>
    void headers(const From &from, To &to)
    {
        for (const auto &[name, value] : from.headers) {
            headers_.push_back({text("headers", name), text("headers", value)});
        }
        for (const auto &[name, value] : from.metadata) {
            const std::string &full = *texts_.emplace_back(std::make_unique<std::string>("x-oss-meta-" + name));
            headers_.push_back({text("metadata", full), text("metadata", value)});
        }
        to.headers = headers_.data();
        to.header_count = headers_.size();
    }

    [[nodiscard]] const failure &refused() const noexcept { return refused_; }

private:
    void refuse(const char *field, const std::string &why)
    {
        if (!refused_) refused_.emplace(status::invalid_argument, std::string(field) + ' ' + why);
    }

    std::vector<oss_header> headers_{};
    // Each on its own, so that none moves when more come.
    std::vector<std::unique_ptr<std::string>> texts_{};
    failure refused_{};
};

inline std::uint32_t flag(bool on) noexcept
{
    return on ? 1U : 0U;
}

inline oss_client_options options(input &in, const client_options &from)
{
    oss_client_options to{};
    to.struct_size = sizeof(to);
    to.endpoint = in.text("endpoint", from.endpoint);
    to.region = in.text("region", from.region);
    to.access_key_id = in.text("access_key_id", from.access_key_id);
    to.access_key_secret = in.text("access_key_secret", from.access_key_secret);
    to.security_token = in.text("security_token", from.security_token);
    to.credentials = in.text("credentials", from.credentials);
    to.signature_version = static_cast<std::uint32_t>(from.signature_version);
    to.cname = flag(from.cname);
    to.path_style = flag(from.path_style);
    to.connect_timeout_ms = in.milliseconds("connect_timeout", from.connect_timeout);
    to.stall_timeout_ms = in.milliseconds("stall_timeout", from.stall_timeout);
    to.max_attempts = from.max_attempts;
    to.max_bytes_per_second = from.max_bytes_per_second;
    to.proxy = in.text("proxy", from.proxy);
    if (!from.ca_file.empty()) to.ca_file = in.path("ca_file", from.ca_file);
    to.insecure_skip_verify = flag(from.insecure_skip_verify);
    to.user_agent = in.text("user_agent", from.user_agent);
    to.credentials_wait_ms = in.milliseconds("credentials_wait", from.credentials_wait);
    return to;
}

inline oss_upload_options options(input &in, const upload_options &from)
{
    oss_upload_options to{};
    to.struct_size = sizeof(to);
    to.bucket = in.text("bucket", from.bucket);
    to.object_key = in.text("object_key", from.object_key);
    to.file_path = in.path("file_path", from.file_path);
    to.part_size = from.part_size;
    to.routines = from.routines;
    to.checkpoint = flag(from.checkpoint);
    to.checkpoint_path = in.path("checkpoint_path", from.checkpoint_path);
    to.checkpoint_dir = in.path("checkpoint_dir", from.checkpoint_dir);
    in.headers(from, to);
    to.on_file_change = static_cast<std::uint32_t>(from.on_file_change);
    to.verify_resume = static_cast<std::uint32_t>(from.verify_resume);
    to.content_md5 = flag(from.content_md5);
    to.max_memory = from.max_memory;
    if (!from.spool_dir.empty()) to.spool_dir = in.path("spool_dir", from.spool_dir);
    to.spool_limit = from.spool_limit;
    return to;
}

inline oss_batch_options options(input &in, const batch_options &from)
{
    oss_batch_options to{};
    to.struct_size = sizeof(to);
    to.bucket = in.text("bucket", from.bucket);
    to.key_prefix = in.text("key_prefix", from.key_prefix);
    if (!from.directory.empty()) to.directory = in.path("directory", from.directory);
    if (!from.list_path.empty()) to.list_path = in.path("list_path", from.list_path);
    if (!from.manifest_path.empty()) to.manifest_path = in.path("manifest_path", from.manifest_path);
    to.exclude = in.lines("exclude", from.exclude);
    to.include = in.lines("include", from.include);
    in.headers(from, to);
    to.part_size = from.part_size;
    to.connections = from.connections;
    to.max_requests_per_second = from.max_requests_per_second;
    to.mode = static_cast<std::uint32_t>(from.mode);
    to.compare_remote = flag(from.compare_remote);
    to.list_null_separated = flag(from.list_null_separated);
    to.ignore_files = flag(from.ignore_files);
    to.symlinks = static_cast<std::uint32_t>(from.symlinks);
    to.key_encoding = static_cast<std::uint32_t>(from.key_encoding);
    to.on_file_change = static_cast<std::uint32_t>(from.on_file_change);
    to.empty_directories = flag(from.empty_directories);
    to.keep_mtime = flag(from.keep_mtime);
    to.stop_on_error = flag(from.stop_on_error);
    to.dry_run = flag(from.dry_run);
    to.outcomes = flag(from.outcomes);
    to.shard_index = from.shard_index;
    to.shard_count = from.shard_count;
    return to;
}

/// Milliseconds as C takes them; its largest number, which means "no limit", is not among them.
inline std::uint32_t limit(std::chrono::milliseconds timeout) noexcept
{
    constexpr std::chrono::milliseconds longest(UINT32_MAX - 1);
    if (timeout < timeout.zero()) return 0;
    return static_cast<std::uint32_t>((timeout > longest ? longest : timeout).count());
}

inline std::chrono::milliseconds time(std::uint64_t milliseconds) noexcept
{
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(milliseconds));
}

inline oss::result value(const oss_result &from)
{
    oss::result to;
    to.crc64 = from.crc64;
    to.size = from.size;
    to.part_size = from.part_size;
    to.bytes_sent = from.bytes_sent;
    to.bytes_resumed = from.bytes_resumed;
    to.elapsed = time(from.elapsed_ms);
    to.parts = from.parts;
    to.parts_resumed = from.parts_resumed;
    to.attempts = from.attempts;
    to.part_size_raised = from.part_size_raised != 0;
    to.etag = from.etag;
    to.version_id = from.version_id;
    to.request_id = from.request_id;
    to.upload_id = from.upload_id;
    to.restart_reason = from.restart_reason;
    return to;
}

inline oss::progress value(const oss_progress &from)
{
    oss::progress to;
    to.phase = static_cast<oss::phase>(from.phase);
    to.parts_total = from.parts_total;
    to.parts_done = from.parts_done;
    to.retries = from.retries;
    to.total_bytes = from.total_bytes;
    to.done_bytes = from.done_bytes;
    to.resumed_bytes = from.resumed_bytes;
    to.sent_bytes = from.sent_bytes;
    to.bytes_per_second = from.bytes_per_second;
    if (from.eta_ms != OSS_ETA_UNKNOWN) to.eta = time(from.eta_ms);
    return to;
}

inline oss::event value(const oss_event &from)
{
    oss::event to;
    to.kind = static_cast<event_kind>(from.kind);
    to.part_number = from.part_number;
    to.attempt = from.attempt;
    to.http_status = from.http_status;
    to.concurrency = from.concurrency;
    to.upload = from.upload;
    to.at = time(from.at_ms);
    to.elapsed = time(from.elapsed_ms);
    to.bytes = from.bytes;
    to.dropped = from.dropped;
    to.operation = from.operation;
    to.service_code = from.service_code;
    to.request_id = from.request_id;
    to.object_key = from.object_key;
    to.message = from.message;
    return to;
}

inline oss::batch_result value(const oss_batch_result &from)
{
    oss::batch_result to;
    to.files_stored = from.files_stored;
    to.files_resumed = from.files_resumed;
    to.files_unchanged = from.files_unchanged;
    to.files_skipped = from.files_skipped;
    to.files_failed = from.files_failed;
    to.files_planned = from.files_planned;
    to.bytes_stored = from.bytes_stored;
    to.bytes_sent = from.bytes_sent;
    to.requests = from.requests;
    to.manifest_lines_damaged = from.manifest_lines_damaged;
    to.elapsed = time(from.elapsed_ms);
    return to;
}

inline oss::batch_progress value(const oss_batch_progress &from)
{
    oss::batch_progress to;
    to.files_found = from.files_found;
    to.bytes_found = from.bytes_found;
    to.files_stored = from.files_stored;
    to.files_resumed = from.files_resumed;
    to.files_unchanged = from.files_unchanged;
    to.files_skipped = from.files_skipped;
    to.files_failed = from.files_failed;
    to.bytes_done = from.bytes_done;
    to.bytes_sent = from.bytes_sent;
    to.requests = from.requests;
    to.retries = from.retries;
    to.bytes_per_second = from.bytes_per_second;
    to.files_per_second = from.files_per_second;
    if (from.eta_ms != OSS_ETA_UNKNOWN) to.eta = time(from.eta_ms);
    to.current_done = from.current_done;
    to.current_size = from.current_size;
    to.totals_known = from.totals_known != 0;
    to.ended = from.ended != 0;
    to.current_path = from.current_path;
    return to;
}

inline std::filesystem::path path(const char *from)
{
#ifdef _WIN32
    return std::filesystem::u8path(from);
#else
    return from;
#endif
}

inline oss::outcome value(const oss_outcome &from)
{
    oss::outcome to;
    to.status = static_cast<outcome_status>(from.status);
    to.resumed = from.resumed != 0;
    to.attempts = from.attempts;
    to.size = from.size;
    to.crc64 = from.crc64;
    to.path = path(from.path);
    to.key = from.key;
    to.etag = from.etag;
    to.version_id = from.version_id;
    to.request_id = from.request_id;
    to.rule = from.rule;
    if (from.error.status != OSS_OK) to.error.emplace(from.error);
    return to;
}

template <class Handle>
std::optional<event> next_event(oss_status (*take)(Handle *, oss_event *), Handle *handle)
{
    oss_event raw;
    if (handle == nullptr || take(handle, &raw) != OSS_OK) return std::nullopt;
    return value(raw);
}

/// The outcome of what has ended, with the response to its callback.
template <class Handle>
oss::result ended(const oss_result &raw, std::size_t (*response)(Handle *, char *, std::size_t), Handle *handle)
{
    oss::result known = value(raw);
    if (raw.callback_response_size == 0) return known;
    // With room for the NUL.
    known.callback_response.resize(static_cast<std::size_t>(raw.callback_response_size) + 1);
    response(handle, &known.callback_response[0], known.callback_response.size());
    known.callback_response.pop_back();
    return known;
}

/// How often a progress callback is called, in milliseconds.
inline constexpr std::uint32_t interval = 100;

/// Does with an upload or batch what its progress callback has returned.
template <class Running>
void obey(Running &running, control wanted) noexcept
{
    switch (wanted) {
    case control::proceed: break;
    case control::cancel: running.cancel(); break;
    case control::pause:
    default: running.pause();
    }
}

#if OSS_UPLOAD_HAS_EXCEPTIONS
inline void check(const failure &failed)
{
    if (failed) throw *failed;
}
#endif

#if OSS_UPLOAD_HAS_EXPECTED
template <class T>
std::expected<T, error> expect(const failure &failed, T &&value)
{
    if (failed) return std::unexpected(*failed);
    return std::forward<T>(value);
}

inline std::expected<void, error> expect(const failure &failed)
{
    if (failed) return std::unexpected(*failed);
    return {};
}
#endif

} // namespace detail

/// An upload, running or ended, created by client::start(). To resume one, start it again with the same checkpoint.
class upload {
public:
    /// No upload; one can be moved into it.
    upload() noexcept = default;

    /// Whether it holds an upload: false if default-constructed or moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Waits until the upload has ended, and returns its outcome. `on_progress` is called on this thread, about ten
    /// times a second and once at the end, even if the upload failed. Its return value continues, pauses or cancels the
    /// upload. If it throws, the upload is paused and waited for, and the exception then reaches the caller, even if
    /// the upload has succeeded meanwhile. May be called again, with the same outcome.
    ///
    /// Throws oss::error if the upload fails or is stopped.
    oss::result wait(const progress_function &on_progress = {})
    {
        oss::result stored;
        detail::check(await(on_progress, stored));
        return stored;
    }

    /// Waits until the upload has ended, or for at most `timeout`; 0 or less returns at once. Returns the outcome, or
    /// nothing if the upload is still running.
    ///
    /// Throws oss::error if the upload fails or is stopped.
    std::optional<oss::result> wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        detail::check(look(timeout, stored));
        return stored;
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// Same as wait(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<oss::result, error> try_wait(const progress_function &on_progress = {})
    {
        oss::result stored;
        return detail::expect(await(on_progress, stored), std::move(stored));
    }

    /// Same as wait_for(), but returns the error.
    [[nodiscard]] std::expected<std::optional<oss::result>, error> try_wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        return detail::expect(look(timeout, stored), std::move(stored));
    }
#endif

    /// Current progress. All zero if it holds no upload.
    [[nodiscard]] oss::progress progress() const
    {
        oss_progress raw{};
        raw.eta_ms = OSS_ETA_UNKNOWN;
        if (handle_) oss_upload_wait(handle_.get(), 0, &raw, nullptr, nullptr);
        return detail::value(raw);
    }

    /// Asks the upload to stop soon and keep its checkpoint and parts. Returns at once. The wait functions then report
    /// status::paused within about a second, or the outcome of the upload if it ended first. Without a checkpoint,
    /// nothing can be kept: the data already sent is removed from the server.
    void pause() noexcept { oss_upload_pause(handle_.get()); }

    /// Asks the upload to stop soon, remove the data already sent from the server and delete its checkpoint. Returns at
    /// once. The wait functions then report status::cancelled, or the outcome of the upload if it ended first.
    void cancel() noexcept { oss_upload_cancel(handle_.get()); }

    /// Retrieves its oldest pending event, as client::next_event() does for all uploads of a client. Works after it has
    /// ended.
    [[nodiscard]] std::optional<event> next_event()
    {
        return detail::next_event(oss_upload_next_event, handle_.get());
    }

    /// The C handle, still owned by this object; NULL if there is none.
    [[nodiscard]] oss_upload *get() const noexcept { return handle_.get(); }

private:
    friend class client;

    explicit upload(oss_upload *handle) noexcept : handle_(handle) {}

    detail::failure await(const progress_function &on_progress, oss::result &stored)
    {
        if (!handle_) return nothing();
        detail::pause_unless_ended<oss_upload> running(handle_.get());
        for (;;) {
            oss_progress now;
            oss_result raw;
            oss_error failed;
            const oss_status status =
                oss_upload_wait(handle_.get(), on_progress ? detail::interval : UINT32_MAX, &now, &raw, &failed);
            if (on_progress) detail::obey(*this, on_progress(detail::value(now)));
            if (status == OSS_PENDING) continue;
            running.ended();
            return end(status, raw, failed, stored);
        }
    }

    detail::failure look(std::chrono::milliseconds timeout, std::optional<oss::result> &stored)
    {
        if (!handle_) return nothing();
        oss_result raw;
        oss_error failed;
        const oss_status status = oss_upload_wait(handle_.get(), detail::limit(timeout), nullptr, &raw, &failed);
        return status == OSS_PENDING ? std::nullopt : end(status, raw, failed, stored.emplace());
    }

    detail::failure end(oss_status status, const oss_result &raw, const oss_error &failed, oss::result &stored)
    {
        oss::result known = detail::ended(raw, oss_upload_callback_response, handle_.get());
        if (status != OSS_OK) return error(failed, std::move(known));
        stored = std::move(known);
        return std::nullopt;
    }

    static detail::failure nothing() { return error(status::invalid_argument, "there is no upload to wait for"); }

    std::unique_ptr<oss_upload, detail::free_upload> handle_{};
};

/// A stream: the bytes that are written to it become an object when it is finished. Created by client::open_stream().
///
/// The object exists only after finish() has returned. A stream that is aborted or destroyed before, or whose process
/// dies, leaves no object. One thread at a time may write or finish; another one gets status::invalid_argument. Any thread
/// may call the other functions meanwhile.
class stream {
public:
    /// No stream; one can be moved into it.
    stream() noexcept = default;

    /// Whether it holds a stream: false if default-constructed or moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Writes `count` bytes, which are copied. Waits for room while max_memory and the spool are used up.
    ///
    /// Throws oss::error if the upload has failed, perhaps with bytes of an earlier call, or if the stream has been finished
    /// or aborted. The stream cannot be finished with these bytes in it then.
    void write(const void *bytes, std::size_t count) { detail::check(give(bytes, count)); }

    /// Writes as many of `count` bytes as there is room for within `timeout`; 0 or less does not wait. Returns how many
    /// were taken: call it again with the rest.
    ///
    /// Throws oss::error as write() does. None of these bytes were taken then. After status::io because of a full spool
    /// disk, it may be called again.
    [[nodiscard]] std::size_t write_for(const void *bytes, std::size_t count, std::chrono::milliseconds timeout)
    {
        std::size_t written = 0;
        detail::check(give(bytes, count, timeout, written));
        return written;
    }

    /// Says that nothing more comes, and waits until the object is stored and its CRC-64 has been compared. May be called
    /// again, with the same outcome.
    ///
    /// Throws oss::error if the upload fails or the stream is aborted.
    oss::result finish()
    {
        oss::result stored;
        detail::check(end(stored));
        return stored;
    }

    /// Same as finish(), but waits for at most `timeout`; 0 or less does not wait. Returns nothing if the upload is still
    /// running: call it again. Nothing more can be written.
    ///
    /// Throws oss::error if the upload fails or the stream is aborted.
    std::optional<oss::result> finish_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        detail::check(end(timeout, stored));
        return stored;
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// Same as write(), but returns the error.
    [[nodiscard]] std::expected<void, error> try_write(const void *bytes, std::size_t count)
    {
        return detail::expect(give(bytes, count));
    }

    /// Same as write_for(), but returns the error.
    [[nodiscard]] std::expected<std::size_t, error> try_write_for(const void *bytes, std::size_t count,
                                                                  std::chrono::milliseconds timeout)
    {
        std::size_t written = 0;
        return detail::expect(give(bytes, count, timeout, written), std::move(written));
    }

    /// Same as finish(), but returns the error.
    [[nodiscard]] std::expected<oss::result, error> try_finish()
    {
        oss::result stored;
        return detail::expect(end(stored), std::move(stored));
    }

    /// Same as finish_for(), but returns the error.
    [[nodiscard]] std::expected<std::optional<oss::result>, error> try_finish_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        return detail::expect(end(timeout, stored), std::move(stored));
    }
#endif

    /// Asks the stream to stop soon, remove from the server what was sent, and delete its checkpoint. Returns at once.
    /// Writing and finishing then report status::cancelled, unless the object was stored before.
    void abort() noexcept { oss_stream_abort(handle_.get()); }

    /// Makes writers wait until resume(). Bytes that were written before are still sent.
    void pause() noexcept { oss_stream_pause(handle_.get()); }

    /// Lets writers go on after pause().
    void resume() noexcept { oss_stream_resume(handle_.get()); }

    /// Current progress; the totals are 0 until the end is known. All zero if it holds no stream.
    [[nodiscard]] oss::progress progress() const
    {
        oss_progress raw{};
        raw.eta_ms = OSS_ETA_UNKNOWN;
        if (handle_) oss_stream_progress(handle_.get(), &raw);
        return detail::value(raw);
    }

    /// Retrieves its oldest pending event, as upload::next_event() does.
    [[nodiscard]] std::optional<event> next_event()
    {
        return detail::next_event(oss_stream_next_event, handle_.get());
    }

    /// The C handle, still owned by this object; NULL if there is none.
    [[nodiscard]] oss_stream *get() const noexcept { return handle_.get(); }

private:
    friend class client;
    friend class ostream;

    explicit stream(oss_stream *handle) noexcept : handle_(handle) {}

    detail::failure give(const void *bytes, std::size_t count)
    {
        if (!handle_) return nothing();
        oss_error failed;
        if (oss_stream_write(handle_.get(), bytes, count, &failed) != OSS_OK) return error(failed);
        return std::nullopt;
    }

    detail::failure give(const void *bytes, std::size_t count, std::chrono::milliseconds timeout, std::size_t &written)
    {
        if (!handle_) return nothing();
        oss_error failed;
        const oss_status status =
            oss_stream_try_write(handle_.get(), bytes, count, detail::limit(timeout), &written, &failed);
        if (status != OSS_OK && status != OSS_PENDING) return error(failed);
        return std::nullopt;
    }

    detail::failure end(oss::result &stored)
    {
        if (!handle_) return nothing();
        oss_result raw;
        oss_error failed;
        return outcome(oss_stream_finish(handle_.get(), &raw, &failed), raw, failed, stored);
    }

    detail::failure end(std::chrono::milliseconds timeout, std::optional<oss::result> &stored)
    {
        if (!handle_) return nothing();
        oss_result raw;
        oss_error failed;
        const oss_status status = oss_stream_try_finish(handle_.get(), detail::limit(timeout), &raw, &failed);
        return status == OSS_PENDING ? std::nullopt : outcome(status, raw, failed, stored.emplace());
    }

    detail::failure outcome(oss_status status, const oss_result &raw, const oss_error &failed, oss::result &stored)
    {
        oss::result known = detail::ended(raw, oss_stream_callback_response, handle_.get());
        if (status != OSS_OK) return error(failed, std::move(known));
        stored = std::move(known);
        return std::nullopt;
    }

    static detail::failure nothing() { return error(status::invalid_argument, "there is no stream"); }

    std::unique_ptr<oss_stream, detail::free_stream> handle_{};
};

/// A std::ostream whose bytes become an object:
///
///     oss::ostream out(client.open_stream(what));
///     out << "a line\n";
///     out.finish();
///
/// It collects small writes in a buffer. A failure sets badbit, and finish() throws its reason. Flushing hands the buffer
/// to the stream; only finish() makes an object. Without it, nothing is stored.
class ostream : public std::ostream {
public:
    /// Writes to `target`, with a buffer of that many bytes.
    explicit ostream(oss::stream target, std::size_t buffer_size = std::size_t{64} * 1024)
        : std::ostream(nullptr), buffer_(std::move(target), buffer_size == 0 ? 1 : buffer_size)
    {
        rdbuf(&buffer_);
    }

#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Writes what is in the buffer, and finishes the stream as oss::stream::finish() does.
    ///
    /// Throws oss::error if the upload fails, or if an earlier write has failed.
    oss::result finish()
    {
        oss::result stored;
        detail::check(end(stored));
        return stored;
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// Same as finish(), but returns the error.
    [[nodiscard]] std::expected<oss::result, error> try_finish()
    {
        oss::result stored;
        return detail::expect(end(stored), std::move(stored));
    }
#endif

    /// The stream that it writes to, to abort or watch it.
    [[nodiscard]] oss::stream &stream() noexcept { return buffer_.target; }

private:
    class buffer : public std::streambuf {
    public:
        buffer(oss::stream &&to, std::size_t size) : target(std::move(to)), bytes_(size) { empty(); }

        /// Hands over what is in the buffer; false when that or something before has failed.
        bool hand_over()
        {
            if (!failed) failed = target.give(pbase(), static_cast<std::size_t>(pptr() - pbase()));
            empty();
            return !failed;
        }

        oss::stream target;
        detail::failure failed{};

    protected:
        int_type overflow(int_type letter) override
        {
            if (!hand_over()) return traits_type::eof();
            if (!traits_type::eq_int_type(letter, traits_type::eof())) {
                *pptr() = traits_type::to_char_type(letter);
                pbump(1);
            }
            return traits_type::not_eof(letter);
        }

        std::streamsize xsputn(const char *text, std::streamsize count) override
        {
            if (count <= epptr() - pptr()) return std::streambuf::xsputn(text, count);
            if (!hand_over()) return 0;
            if (count < epptr() - pptr()) return std::streambuf::xsputn(text, count);
            failed = target.give(text, static_cast<std::size_t>(count));
            return failed ? 0 : count;
        }

        int sync() override { return hand_over() ? 0 : -1; }

    private:
        void empty() noexcept { setp(bytes_.data(), bytes_.data() + bytes_.size()); }

        std::vector<char> bytes_;
    };

    detail::failure end(oss::result &stored)
    {
        detail::failure failed = buffer_.hand_over() ? buffer_.target.end(stored) : buffer_.failed;
        // With an exception mask, this would throw something else than the reason.
        if (failed && (exceptions() & badbit) == 0) setstate(badbit);
        return failed;
    }

    buffer buffer_;
};

/// A batch of files, running or ended, created by client::start_batch(). Every file ends as exactly one outcome, unless the
/// batch is interrupted. To go on with one, start it again with the same manifest.
class batch {
public:
    /// No batch; one can be moved into it.
    batch() noexcept = default;

    /// Whether it holds a batch: false if default-constructed or moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Adds a file to a batch that has neither directory nor list_path. Waits while many files wait to be uploaded. Without
    /// a key, the key is key_prefix and the path, without a leading '/' or "./". A file that cannot be uploaded is no error
    /// of this call: its outcome says why.
    ///
    /// Throws oss::error: invalid_argument when the batch is sealed or has ended, or has another source.
    void add(const std::filesystem::path &file_path, const std::optional<std::string> &object_key = std::nullopt)
    {
        bool added = false;
        detail::check(give(file_path, object_key, UINT32_MAX, added));
    }

    /// Same as add(), but waits for at most `timeout`; 0 or less does not wait. Returns whether the file was added: if not,
    /// call it again. A program that adds files and takes outcomes on one thread takes outcomes then.
    ///
    /// Throws oss::error as add() does.
    [[nodiscard]] bool add_for(const std::filesystem::path &file_path, const std::optional<std::string> &object_key,
                               std::chrono::milliseconds timeout)
    {
        bool added = false;
        detail::check(give(file_path, object_key, detail::limit(timeout), added));
        return added;
    }

    /// Says that nothing more will be added. A batch to which files are added does not end before this. A second call does
    /// nothing.
    ///
    /// Throws oss::error: invalid_argument if it holds no batch.
    void seal() { detail::check(close()); }

    /// Waits until the batch has ended, and returns its outcome. `on_progress` is as that of upload::wait(). With
    /// batch_options::outcomes, another thread must take outcomes meanwhile, or the batch waits for that. May be called
    /// again, with the same outcome.
    ///
    /// Throws oss::error: files_failed if some files failed, which has a batch_result(); paused or cancelled after those
    /// calls; otherwise what ended the batch.
    oss::batch_result wait(const batch_progress_function &on_progress = {})
    {
        oss::batch_result done;
        detail::check(await(on_progress, done));
        return done;
    }

    /// Waits until the batch has ended, or for at most `timeout`; 0 or less returns at once. Returns the outcome, or nothing
    /// if the batch is still running.
    ///
    /// Throws oss::error as wait() does.
    std::optional<oss::batch_result> wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::batch_result> done;
        detail::check(look(timeout, done));
        return done;
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// Same as add(), but returns the error.
    [[nodiscard]] std::expected<void, error> try_add(const std::filesystem::path &file_path,
                                                     const std::optional<std::string> &object_key = std::nullopt)
    {
        bool added = false;
        return detail::expect(give(file_path, object_key, UINT32_MAX, added));
    }

    /// Same as add_for(), but returns the error.
    [[nodiscard]] std::expected<bool, error> try_add_for(const std::filesystem::path &file_path,
                                                         const std::optional<std::string> &object_key,
                                                         std::chrono::milliseconds timeout)
    {
        bool added = false;
        return detail::expect(give(file_path, object_key, detail::limit(timeout), added), std::move(added));
    }

    /// Same as seal(), but returns the error.
    [[nodiscard]] std::expected<void, error> try_seal() { return detail::expect(close()); }

    /// Same as wait(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<oss::batch_result, error> try_wait(const batch_progress_function &on_progress = {})
    {
        oss::batch_result done;
        return detail::expect(await(on_progress, done), std::move(done));
    }

    /// Same as wait_for(), but returns the error.
    [[nodiscard]] std::expected<std::optional<oss::batch_result>, error> try_wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::batch_result> done;
        return detail::expect(look(timeout, done), std::move(done));
    }
#endif

    /// Takes the next outcome, waiting for it. Nothing: there are no more, the batch has ended. Outcomes come in the order in
    /// which the files ended. Without batch_options::outcomes, there are none.
    [[nodiscard]] std::optional<outcome> next_outcome()
    {
        oss_outcome raw;
        if (!handle_ || oss_batch_next_outcome(handle_.get(), UINT32_MAX, &raw) != OSS_OK) return std::nullopt;
        return detail::value(raw);
    }

    /// Takes the next outcome into `next`, waiting for it for at most `timeout`; 0 or less does not wait. Returns status::ok;
    /// status::pending when there is none yet; or status::end when there are no more because the batch has ended, or there
    /// is no batch.
    [[nodiscard]] status next_outcome_for(std::chrono::milliseconds timeout, outcome &next)
    {
        if (!handle_) return status::end;
        oss_outcome raw;
        const auto found = static_cast<status>(oss_batch_next_outcome(handle_.get(), detail::limit(timeout), &raw));
        if (found == status::ok) next = detail::value(raw);
        return found;
    }

    class outcome_range;

    /// All outcomes until the end of the batch, as next_outcome() takes them:
    ///
    ///     for (const oss::outcome &file : batch.outcomes()) ...
    ///
    /// The batch must not be moved meanwhile. Whoever leaves the loop early takes the others later, or pauses the batch.
    [[nodiscard]] outcome_range outcomes() noexcept;

    /// Current progress. All zero if it holds no batch.
    [[nodiscard]] batch_progress progress() const
    {
        oss_batch_progress raw{};
        raw.eta_ms = OSS_ETA_UNKNOWN;
        if (handle_) oss_batch_wait(handle_.get(), 0, &raw, nullptr, nullptr);
        return detail::value(raw);
    }

    /// Asks the batch to stop soon. Returns at once. Files in work are stopped, and large ones keep their checkpoints. The
    /// wait functions then report status::paused, or the outcome of the batch if it ended first. With a manifest, start it
    /// again to go on.
    void pause() noexcept { oss_batch_pause(handle_.get()); }

    /// Same as pause(), but what was sent of files in work is removed from the server, and the wait functions report
    /// status::cancelled. Objects that are stored stay.
    void cancel() noexcept { oss_batch_cancel(handle_.get()); }

    /// The C handle, still owned by this object; NULL if there is none.
    [[nodiscard]] oss_batch *get() const noexcept { return handle_.get(); }

private:
    friend class client;

    explicit batch(oss_batch *handle) noexcept : handle_(handle) {}

    detail::failure give(const std::filesystem::path &file_path, const std::optional<std::string> &object_key,
                         std::uint32_t timeout, bool &added)
    {
        if (!handle_) return nothing();
        detail::input in;
        const char *path = in.path("file_path", file_path);
        const char *key = in.text("object_key", object_key);
        if (in.refused()) return in.refused();
        oss_error failed;
        const oss_status status = timeout == UINT32_MAX
                                      ? oss_batch_add(handle_.get(), path, key, &failed)
                                      : oss_batch_try_add(handle_.get(), path, key, timeout, &failed);
        added = status == OSS_OK;
        if (status != OSS_OK && status != OSS_PENDING) return error(failed);
        return std::nullopt;
    }

    detail::failure close()
    {
        if (!handle_) return nothing();
        oss_error failed;
        if (oss_batch_seal(handle_.get(), &failed) != OSS_OK) return error(failed);
        return std::nullopt;
    }

    detail::failure await(const batch_progress_function &on_progress, oss::batch_result &done)
    {
        if (!handle_) return nothing();
        detail::pause_unless_ended<oss_batch> running(handle_.get());
        for (;;) {
            oss_batch_progress now;
            oss_batch_result raw;
            oss_error failed;
            const oss_status status =
                oss_batch_wait(handle_.get(), on_progress ? detail::interval : UINT32_MAX, &now, &raw, &failed);
            if (on_progress) detail::obey(*this, on_progress(detail::value(now)));
            if (status == OSS_PENDING) continue;
            running.ended();
            return end(status, raw, failed, done);
        }
    }

    detail::failure look(std::chrono::milliseconds timeout, std::optional<oss::batch_result> &done)
    {
        if (!handle_) return nothing();
        oss_batch_result raw;
        oss_error failed;
        const oss_status status = oss_batch_wait(handle_.get(), detail::limit(timeout), nullptr, &raw, &failed);
        return status == OSS_PENDING ? std::nullopt : end(status, raw, failed, done.emplace());
    }

    static detail::failure end(oss_status status, const oss_batch_result &raw, const oss_error &failed,
                               oss::batch_result &done)
    {
        done = detail::value(raw);
        if (status != OSS_OK) return error(failed, done);
        return std::nullopt;
    }

    static detail::failure nothing() { return error(status::invalid_argument, "there is no batch"); }

    std::unique_ptr<oss_batch, detail::free_batch> handle_{};
};

/// The outcomes of a batch, for a loop. It can be gone through once.
class batch::outcome_range {
public:
    /// An input iterator.
    class iterator {
    public:
        /// What algorithms ask for.
        using iterator_category = std::input_iterator_tag;
        /// What is gone through.
        using value_type = outcome;
        /// Not of use: outcomes are not counted.
        using difference_type = std::ptrdiff_t;
        /// Valid until the next step.
        using pointer = const outcome *;
        /// Valid until the next step.
        using reference = const outcome &;

        /// The end.
        iterator() noexcept = default;

        /// The outcome. There must be one.
        reference operator*() const noexcept { return *current_; }
        /// A member of the outcome. There must be one.
        pointer operator->() const noexcept { return &*current_; }

        /// Waits for the next outcome.
        iterator &operator++()
        {
            current_ = of_->next_outcome();
            if (!current_) of_ = nullptr;
            return *this;
        }

        /// Waits for the next outcome.
        void operator++(int) { ++*this; }

        /// Whether both are at the end, or both are not.
        friend bool operator==(const iterator &one, const iterator &other) noexcept { return one.of_ == other.of_; }
        /// Whether one is at the end.
        friend bool operator!=(const iterator &one, const iterator &other) noexcept { return one.of_ != other.of_; }

    private:
        friend class outcome_range;

        explicit iterator(batch &of) : of_(&of) { ++*this; }

        batch *of_ = nullptr;
        std::optional<outcome> current_{};
    };

    /// Waits for the first outcome that has not been taken.
    [[nodiscard]] iterator begin() const { return iterator(*of_); }
    /// The end of the batch.
    [[nodiscard]] iterator end() const noexcept { return {}; }

private:
    friend class batch;

    explicit outcome_range(batch &of) noexcept : of_(&of) {}

    batch *of_;
};

inline batch::outcome_range batch::outcomes() noexcept
{
    return outcome_range(*this);
}

/// The endpoint, credentials, connections and limits that its uploads share. Its uploads continue when it is destroyed.
class client {
public:
#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Creates a client. Nothing is sent yet.
    ///
    /// Throws oss::error: invalid_argument (the message names the option), credentials, io (ca_file) or unsupported.
    explicit client(const client_options &options) { detail::check(open(options, handle_)); }

    /// Uploads one file and returns when it is stored. The object appears complete or not at all, and only if its
    /// CRC-64 equals that of the file. Same as start() followed by upload::wait(), which explains `on_progress`. With a
    /// checkpoint, a failed or paused upload resumes where it stopped when it is started again; without one, nothing of
    /// it is left on the server. A second upload with the same checkpoint file at the same time fails with
    /// checkpoint_busy.
    ///
    /// Throws oss::error if the upload fails or is stopped, and whatever `on_progress` throws.
    oss::result upload_file(const upload_options &options, const progress_function &on_progress = {})
    {
        return start(options).wait(on_progress);
    }

    /// Starts an upload and returns at once. The options are checked before this call returns. The file and the server
    /// are accessed afterwards; upload::wait() reports failures there.
    ///
    /// Throws oss::error: invalid_argument, unsupported, or resources (no thread could be created).
    [[nodiscard]] oss::upload start(const upload_options &options)
    {
        oss::upload started;
        detail::check(start(options, started));
        return started;
    }

    /// Uploads a block of memory and returns when it is stored. The `size` bytes at `data` are not copied: they must not
    /// change meanwhile. A block that fits into one part is sent with one PutObject, a larger one in parts. Nothing can be
    /// resumed: options about files, checkpoints and streams must not be set. Otherwise as upload_file().
    ///
    /// Throws oss::error if the upload fails or is stopped, and whatever `on_progress` throws.
    oss::result upload_memory(const void *data, std::size_t size, const upload_options &options,
                              const progress_function &on_progress = {})
    {
        return start_memory(data, size, options).wait(on_progress);
    }

    /// Same, with the bytes of a std::string, std::vector<char>, std::span<std::byte>, or anything else with data() and
    /// size() whose elements are single bytes.
    template <class Bytes, class = detail::if_bytes<Bytes>>
    oss::result upload_memory(const Bytes &bytes, const upload_options &options, const progress_function &on_progress = {})
    {
        return upload_memory(bytes.data(), bytes.size(), options, on_progress);
    }

    /// Starts the upload of a block of memory and returns at once. The bytes must not change before the upload has ended or
    /// is destroyed: the destructor of such an oss::upload waits until they are no longer read, up to about a second.
    ///
    /// Throws oss::error: invalid_argument, unsupported, or resources (no thread could be created).
    [[nodiscard]] oss::upload start_memory(const void *data, std::size_t size, const upload_options &options)
    {
        oss::upload started;
        detail::check(start(data, size, options, started));
        return started;
    }

    /// Same, with the bytes of anything that has data() and size().
    template <class Bytes, class = detail::if_bytes<Bytes>>
    [[nodiscard]] oss::upload start_memory(const Bytes &bytes, const upload_options &options)
    {
        return start_memory(bytes.data(), bytes.size(), options);
    }

    /// A temporary would be gone before the upload has ended.
    template <class Bytes, class = detail::if_bytes<Bytes>>
    oss::upload start_memory(const Bytes &&bytes, const upload_options &options) = delete;

    /// Opens a stream: the bytes that are written to it become an object when it is finished. The options are checked
    /// before this call returns. Nothing is sent before the first part is full or the stream is finished.
    ///
    /// Parts begin with 1 MiB, or with part_size, and grow. In memory are at most max_memory bytes. With checkpoint_path, a
    /// stream can be resumed after a crash: open it again with the same options, and write the same bytes from their
    /// beginning. The other options about files must not be set.
    ///
    /// Throws oss::error: invalid_argument, unsupported, io (spool_dir), or resources (no thread could be created).
    [[nodiscard]] oss::stream open_stream(const upload_options &options)
    {
        oss::stream opened;
        detail::check(start(options, opened));
        return opened;
    }

    /// Opens an object that several hosts upload together. Each of them sees the file at a path of its own: the
    /// same file, or a copy with the same bytes. Returns the token, which the other steps need; shared_upload_part_count() tells
    /// how many parts there are.
    ///
    /// All steps take the same bucket, object_key and headers. A step that fails, is stopped or killed can be repeated, here
    /// or on another host; parts stay on the server until the upload is finished or aborted. The file must not be empty.
    /// Options about checkpoints and streams must not be set. A file that changes is an error, whatever on_file_change says.
    /// Content-Type, if not set, is guessed from the name of the object.
    ///
    /// Throws oss::error if the step fails.
    [[nodiscard]] std::string begin_shared_upload(const upload_options &options)
    {
        std::string token;
        detail::check(begin(options, token));
        return token;
    }

    /// Sends parts `first` to `last` of a shared upload, from 1 on, and returns the fragment for finish_shared_upload(). Parts
    /// that the server has already are compared with the file, and not sent again. Ranges may overlap. `on_progress` is as
    /// for upload::wait(); after a pause or a cancel, what was sent stays on the server.
    ///
    /// Throws oss::error if the step fails or is stopped, and whatever `on_progress` throws.
    [[nodiscard]] std::string send_parts(const upload_options &options, const std::string &token, std::uint32_t first,
                                         std::uint32_t last, const progress_function &on_progress = {})
    {
        std::string fragment;
        detail::check(send(options, token, first, last, on_progress, fragment));
        return fragment;
    }

    /// Makes the object of all parts of a shared upload, and proves it by its CRC-64. The order of the fragments does not
    /// matter, and they may be repeated; of a part that is in several, the last one counts. An object that is stored already
    /// counts as success.
    ///
    /// file_path may be empty. If parts were read from files with different times, the content must decide: with file_path,
    /// the file is read and compared; without, this fails with status::file_changed. verify::never promises that all files
    /// had the same bytes; verify::always reads the file in any case.
    ///
    /// Throws oss::error if the step fails; parts that are missing are named. Also whatever `on_progress` throws.
    oss::result finish_shared_upload(const upload_options &options, const std::string &token,
                                     const std::vector<std::string> &fragments, const progress_function &on_progress = {})
    {
        oss::result stored;
        detail::check(finish(options, token, fragments, on_progress, stored));
        return stored;
    }

    /// Removes from the server what was sent of a shared upload. file_path may be empty. An upload that is gone already is no
    /// error, and an object that was stored stays.
    ///
    /// Throws oss::error if the step fails.
    void abort_shared_upload(const upload_options &options, const std::string &token)
    {
        detail::check(abort(options, token));
    }

    /// Starts the upload of many files and returns at once. The options are checked before this call returns. One file that
    /// fails stops nothing, and nothing is deleted in the bucket. With a manifest, a batch that was interrupted or whose
    /// process died goes on where it was when it is started again.
    ///
    /// Throws oss::error: invalid_argument (the message names the option), unsupported, io or checkpoint (a path that cannot
    /// be resolved), or resources (no thread could be created).
    [[nodiscard]] oss::batch start_batch(const batch_options &options)
    {
        oss::batch started;
        detail::check(start(options, started));
        return started;
    }

    /// Replaces the credentials, also for uploads that are running: the next request is signed with them.
    /// `security_token` is for temporary credentials.
    ///
    /// Throws oss::error: invalid_argument, or credentials (the ID or the secret is empty).
    void set_credentials(const std::string &access_key_id, const std::string &access_key_secret,
                         const std::optional<std::string> &security_token = std::nullopt)
    {
        detail::check(replace(access_key_id, access_key_secret, security_token));
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// Same as the constructor, but returns the error.
    [[nodiscard]] static std::expected<client, error> try_create(const client_options &options)
    {
        owner made;
        if (detail::failure failed = open(options, made)) return std::unexpected(*failed);
        return client(std::move(made));
    }

    /// Same as upload_file(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<oss::result, error> try_upload_file(const upload_options &options,
                                                                    const progress_function &on_progress = {})
    {
        oss::upload started;
        if (detail::failure failed = start(options, started)) return std::unexpected(*failed);
        return started.try_wait(on_progress);
    }

    /// Same as start(), but returns the error.
    [[nodiscard]] std::expected<oss::upload, error> try_start(const upload_options &options)
    {
        oss::upload started;
        return detail::expect(start(options, started), std::move(started));
    }

    /// Same as upload_memory(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<oss::result, error> try_upload_memory(const void *data, std::size_t size,
                                                                      const upload_options &options,
                                                                      const progress_function &on_progress = {})
    {
        oss::upload started;
        if (detail::failure failed = start(data, size, options, started)) return std::unexpected(*failed);
        return started.try_wait(on_progress);
    }

    /// Same, with the bytes of anything that has data() and size().
    template <class Bytes, class = detail::if_bytes<Bytes>>
    [[nodiscard]] std::expected<oss::result, error> try_upload_memory(const Bytes &bytes, const upload_options &options,
                                                                      const progress_function &on_progress = {})
    {
        return try_upload_memory(bytes.data(), bytes.size(), options, on_progress);
    }

    /// Same as start_memory(), but returns the error.
    [[nodiscard]] std::expected<oss::upload, error> try_start_memory(const void *data, std::size_t size,
                                                                     const upload_options &options)
    {
        oss::upload started;
        return detail::expect(start(data, size, options, started), std::move(started));
    }

    /// Same, with the bytes of anything that has data() and size().
    template <class Bytes, class = detail::if_bytes<Bytes>>
    [[nodiscard]] std::expected<oss::upload, error> try_start_memory(const Bytes &bytes, const upload_options &options)
    {
        return try_start_memory(bytes.data(), bytes.size(), options);
    }

    /// A temporary would be gone before the upload has ended.
    template <class Bytes, class = detail::if_bytes<Bytes>>
    std::expected<oss::upload, error> try_start_memory(const Bytes &&bytes, const upload_options &options) = delete;

    /// Same as open_stream(), but returns the error.
    [[nodiscard]] std::expected<oss::stream, error> try_open_stream(const upload_options &options)
    {
        oss::stream opened;
        return detail::expect(start(options, opened), std::move(opened));
    }

    /// Same as begin_shared_upload(), but returns the error.
    [[nodiscard]] std::expected<std::string, error> try_begin_shared_upload(const upload_options &options)
    {
        std::string token;
        return detail::expect(begin(options, token), std::move(token));
    }

    /// Same as send_parts(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<std::string, error> try_send_parts(const upload_options &options, const std::string &token,
                                                                   std::uint32_t first, std::uint32_t last,
                                                                   const progress_function &on_progress = {})
    {
        std::string fragment;
        return detail::expect(send(options, token, first, last, on_progress, fragment), std::move(fragment));
    }

    /// Same as finish_shared_upload(), but returns the error. Exceptions from `on_progress` are still thrown.
    [[nodiscard]] std::expected<oss::result, error> try_finish_shared_upload(const upload_options &options,
                                                                             const std::string &token,
                                                                             const std::vector<std::string> &fragments,
                                                                             const progress_function &on_progress = {})
    {
        oss::result stored;
        return detail::expect(finish(options, token, fragments, on_progress, stored), std::move(stored));
    }

    /// Same as abort_shared_upload(), but returns the error.
    [[nodiscard]] std::expected<void, error> try_abort_shared_upload(const upload_options &options, const std::string &token)
    {
        return detail::expect(abort(options, token));
    }

    /// Same as start_batch(), but returns the error.
    [[nodiscard]] std::expected<oss::batch, error> try_start_batch(const batch_options &options)
    {
        oss::batch started;
        return detail::expect(start(options, started), std::move(started));
    }

    /// Same as set_credentials(), but returns the error.
    [[nodiscard]] std::expected<void, error> try_set_credentials(
        const std::string &access_key_id, const std::string &access_key_secret,
        const std::optional<std::string> &security_token = std::nullopt)
    {
        return detail::expect(replace(access_key_id, access_key_secret, security_token));
    }
#endif

    /// Whether it holds a client: false if moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /// Retrieves the oldest pending event of its uploads, or nothing if there is none. Does not wait for one.
    ///
    /// The first call opens the queue: make it before the first upload to receive every event. Up to 1024 events are
    /// kept; after that, the oldest are dropped and counted. Nothing is recorded until the first call.
    [[nodiscard]] std::optional<event> next_event()
    {
        return detail::next_event(oss_client_next_event, handle_.get());
    }

    /// The C handle, still owned by this object; NULL if there is none.
    [[nodiscard]] oss_client *get() const noexcept { return handle_.get(); }

private:
    using owner = std::unique_ptr<oss_client, detail::free_client>;

    explicit client(owner handle) noexcept : handle_(std::move(handle)) {}

    static detail::failure open(const client_options &from, owner &handle)
    {
        detail::input in;
        const oss_client_options options = detail::options(in, from);
        if (in.refused()) return in.refused();
        oss_client *made = nullptr;
        oss_error failed;
        if (oss_client_new(&options, &made, &failed) != OSS_OK) return error(failed);
        handle.reset(made);
        return std::nullopt;
    }

    detail::failure start(const upload_options &from, oss::upload &started)
    {
        detail::input in;
        const oss_upload_options options = detail::options(in, from);
        if (in.refused()) return in.refused();
        oss_upload *made = nullptr;
        oss_error failed;
        if (oss_upload_start(handle_.get(), &options, &made, &failed) != OSS_OK) return error(failed);
        started = oss::upload(made);
        return std::nullopt;
    }

    detail::failure start(const void *data, std::size_t size, const upload_options &from, oss::upload &started)
    {
        detail::input in;
        const oss_upload_options options = detail::options(in, from);
        if (in.refused()) return in.refused();
        oss_upload *made = nullptr;
        oss_error failed;
        const oss_status status = oss_upload_memory_start(handle_.get(), &options, data, size, &made, &failed);
        if (status != OSS_OK) return error(failed);
        started = oss::upload(made);
        return std::nullopt;
    }

    /// Makes and waits for a step of a shared upload, which `call` starts.
    template <class Call>
    detail::failure step(const upload_options &from, const std::string &token, const progress_function &on_progress,
                         oss::result &ended, std::string &text, Call call)
    {
        detail::input in;
        const oss_upload_options options = detail::options(in, from);
        const char *raw_token = in.text("token", token);
        if (in.refused()) return in.refused();
        oss_upload *made = nullptr;
        oss_error failed;
        if (call(&options, raw_token, &made, &failed) != OSS_OK) return error(failed);
        oss::upload started(made);
        if (detail::failure failure = started.await(on_progress, ended)) return failure;
        text.resize(oss_shared_upload_text(made, nullptr, 0));
        // A string has room for its NUL.
        oss_shared_upload_text(made, text.data(), text.size() + 1);
        return std::nullopt;
    }

    detail::failure begin(const upload_options &from, std::string &token)
    {
        oss::result ended;
        return step(from, {}, {}, ended, token,
                    [this](const oss_upload_options *options, const char *, oss_upload **out, oss_error *failed) {
                        return oss_shared_upload_begin(handle_.get(), options, out, failed);
                    });
    }

    detail::failure send(const upload_options &from, const std::string &token, std::uint32_t first, std::uint32_t last,
                         const progress_function &on_progress, std::string &fragment)
    {
        oss::result ended;
        return step(from, token, on_progress, ended, fragment,
                    [this, first, last](const oss_upload_options *options, const char *raw, oss_upload **out, oss_error *failed) {
                        return oss_shared_upload_send_parts(handle_.get(), options, raw, first, last, out, failed);
                    });
    }

    detail::failure finish(const upload_options &from, const std::string &token, const std::vector<std::string> &fragments,
                           const progress_function &on_progress, oss::result &stored)
    {
        detail::input in;
        std::vector<const char *> texts;
        for (const std::string &fragment : fragments) texts.push_back(in.text("fragments", fragment));
        if (in.refused()) return in.refused();
        std::string nothing;
        return step(from, token, on_progress, stored, nothing,
                    [&](const oss_upload_options *options, const char *raw, oss_upload **out, oss_error *failed) {
                        return oss_shared_upload_finish(handle_.get(), options, raw, texts.data(), texts.size(), out, failed);
                    });
    }

    detail::failure abort(const upload_options &from, const std::string &token)
    {
        oss::result ended;
        std::string nothing;
        return step(from, token, {}, ended, nothing,
                    [this](const oss_upload_options *options, const char *raw, oss_upload **out, oss_error *failed) {
                        return oss_shared_upload_abort(handle_.get(), options, raw, out, failed);
                    });
    }

    detail::failure start(const upload_options &from, oss::stream &opened)
    {
        detail::input in;
        const oss_upload_options options = detail::options(in, from);
        if (in.refused()) return in.refused();
        oss_stream *made = nullptr;
        oss_error failed;
        if (oss_stream_open(handle_.get(), &options, &made, &failed) != OSS_OK) return error(failed);
        opened = oss::stream(made);
        return std::nullopt;
    }

    detail::failure start(const batch_options &from, oss::batch &started)
    {
        detail::input in;
        const oss_batch_options options = detail::options(in, from);
        if (in.refused()) return in.refused();
        oss_batch *made = nullptr;
        oss_error failed;
        if (oss_batch_start(handle_.get(), &options, &made, &failed) != OSS_OK) return error(failed);
        started = oss::batch(made);
        return std::nullopt;
    }

    detail::failure replace(const std::string &access_key_id, const std::string &access_key_secret,
                            const std::optional<std::string> &security_token)
    {
        detail::input in;
        const char *id = in.text("access_key_id", access_key_id);
        const char *secret = in.text("access_key_secret", access_key_secret);
        const char *token = in.text("security_token", security_token);
        if (in.refused()) return in.refused();
        oss_error failed;
        if (oss_client_set_credentials(handle_.get(), id, secret, token, &failed) != OSS_OK) return error(failed);
        return std::nullopt;
    }

    owner handle_{};
};

namespace detail {

inline failure part_count(const std::string &token, std::uint32_t &count)
{
    input in;
    const char *raw = in.text("token", token);
    if (in.refused()) return in.refused();
    oss_error failed;
    if (oss_shared_upload_part_count(raw, &count, &failed) != OSS_OK) return error(failed);
    return std::nullopt;
}

inline failure merge_manifests(const std::filesystem::path &out, const std::vector<std::filesystem::path> &manifests)
{
    input in;
    const char *raw = in.path("out", out);
    std::vector<const char *> paths;
    for (const std::filesystem::path &manifest : manifests) paths.push_back(in.path("manifests", manifest));
    if (in.refused()) return in.refused();
    oss_error failed;
    if (oss_manifest_merge(raw, paths.data(), paths.size(), &failed) != OSS_OK) return error(failed);
    return std::nullopt;
}

} // namespace detail

#if OSS_UPLOAD_HAS_EXCEPTIONS
/// Writes one manifest of those of all shards of a batch, in any order. It is that of the same batch without shards: use it
/// with batch_mode::changed, verify or verify_full. Nothing is sent. An existing manifest of that batch at `out` is replaced;
/// the others stay as they are.
///
/// Throws oss::error, and writes nothing, unless the manifests are of the same batch, each shard is there once, and each has
/// come to its end: invalid_argument, checkpoint (one cannot be read or is not complete, or `out` cannot be written) or
/// checkpoint_busy (a batch uses one).
inline void merge_manifests(const std::filesystem::path &out, const std::vector<std::filesystem::path> &manifests)
{
    detail::check(detail::merge_manifests(out, manifests));
}

/// The number of parts of the shared upload that the token is for. Nothing is sent.
///
/// Throws oss::error: invalid_argument if it is not a token or is damaged, unsupported if it comes from a newer version.
[[nodiscard]] inline std::uint32_t shared_upload_part_count(const std::string &token)
{
    std::uint32_t count = 0;
    detail::check(detail::part_count(token, count));
    return count;
}
#endif

#if OSS_UPLOAD_HAS_EXPECTED
/// Same as merge_manifests(), but returns the error.
[[nodiscard]] inline std::expected<void, error> try_merge_manifests(const std::filesystem::path &out,
                                                                    const std::vector<std::filesystem::path> &manifests)
{
    return detail::expect(detail::merge_manifests(out, manifests));
}

/// Same as shared_upload_part_count(), but returns the error.
[[nodiscard]] inline std::expected<std::uint32_t, error> try_shared_upload_part_count(const std::string &token)
{
    std::uint32_t count = 0;
    return detail::expect(detail::part_count(token, count), std::move(count));
}
#endif

} // namespace oss

#endif // OSS_UPLOAD_HPP
