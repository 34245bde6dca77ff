/*
 * liboss_upload for C++: resumable, verified uploads of local files to Alibaba Cloud OSS.
 *
 * Header-only, C++17 or newer, over oss_upload.h and the same shared or static library: all of it is inline, it adds no
 * binary interface of its own.
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
 * With C++20 the options may be written in place:
 *
 *     client.upload_file({.bucket = "my-bucket", .object_key = "videos/a.mp4", .file_path = "/data/a.mp4"});
 *
 * With C++23 each call that throws has a twin that does not, client.try_upload_file() and so on: they return a
 * std::expected with an oss::error in it.
 *
 * Rules
 *
 * - Ownership. oss::client and oss::upload own what they stand for and give it back when they go out of scope: they can
 *   be moved, not copied, and may go in any order. A running upload whose oss::upload goes out of scope is paused, which
 *   is not waited for. Everything else is a value. One that was moved from is empty: it can be assigned to and
 *   destroyed, its pause() and cancel() do nothing, next_event() finds none, and all else reports
 *   oss::status::invalid_argument.
 * - Options. What is not set has its default: an empty std::optional, an empty path, a zero number or time.
 * - Errors. All that the library reports is an oss::error; std::bad_alloc may come on top.
 * - Callbacks run on the thread that called upload_file() or upload::wait(), never after these have returned. An
 *   exception that a callback throws pauses the upload, waits until that has stopped (about a second) and then reaches
 *   the caller. It never passes through the library: nothing leaks, and what was sent is kept with a checkpoint.
 * - Threads. Several threads may use one client or one upload at a time, save for moving, assigning and destroying it.
 * - A process that forks must not use them in the child.
 * - Beside Alibaba Cloud's C SDK: this header needs no oss_upload_file. Define OSS_UPLOAD_NO_UPLOAD_FILE before it, since
 *   the SDK has another function of that name.
 * - Without exceptions (-fno-exceptions) the calls that throw are left out: it needs std::expected then.
 * - Strings are UTF-8 without NUL; anything else gets oss::status::invalid_argument, which names the option.
 */

#ifndef OSS_UPLOAD_HPP
#define OSS_UPLOAD_HPP

#include <oss_upload.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
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
/// Whether the calls that return a std::expected are there.
#define OSS_UPLOAD_HAS_EXPECTED 1
#else
#define OSS_UPLOAD_HAS_EXPECTED 0
#endif
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
/// Whether the calls that throw are there.
#define OSS_UPLOAD_HAS_EXCEPTIONS 1
#else
#define OSS_UPLOAD_HAS_EXCEPTIONS 0
#endif
#if !OSS_UPLOAD_HAS_EXCEPTIONS && !OSS_UPLOAD_HAS_EXPECTED
#error "oss_upload.hpp needs exceptions or std::expected (C++23)"
#endif

namespace oss {

/// What a call came to. An oss::error never has `ok` or `pending`. Newer libraries may know more: treat what is not
/// named here as a failure.
enum class status : std::int32_t {
    /// Done.
    ok = OSS_OK,
    /// The wait ran out of time; the upload goes on.
    pending = OSS_PENDING,
    /// An argument or option is wrong; the message names it. Nothing was done.
    invalid_argument = OSS_INVALID_ARGUMENT,
    /// The local file could not be opened or read; see error::os_error().
    io = OSS_IO,
    /// The server could not be reached, or the connection broke more often than max_attempts allows.
    network = OSS_NETWORK,
    /// Nothing moved for connect_timeout or stall_timeout, more often than max_attempts allows.
    timeout = OSS_TIMEOUT,
    /// The server said no; see error::http_status(), service_code(), ec() and request_id().
    service = OSS_SERVICE,
    /// No credentials were found, or a credentials provider failed.
    credentials = OSS_CREDENTIALS,
    /// The local file changed while it was uploaded, and on_file_change forbids a restart (or restarts did not help).
    file_changed = OSS_FILE_CHANGED,
    /// The server's CRC-64 differs from that of the local data.
    checksum_mismatch = OSS_CHECKSUM_MISMATCH,
    /// The checkpoint file cannot be written, or is not one that this version can use.
    checkpoint = OSS_CHECKPOINT,
    /// Another upload, of this or another process, holds the checkpoint file; the message names its process id.
    checkpoint_busy = OSS_CHECKPOINT_BUSY,
    /// The upload was paused: with a checkpoint, start it again to go on where it stopped.
    paused = OSS_PAUSED,
    /// The upload was cancelled; nothing of it is left on the server, or the message says what is.
    cancelled = OSS_CANCELLED,
    /// The object is stored (see error::result()), but the application server's callback (x-oss-callback) failed.
    callback_failed = OSS_CALLBACK_FAILED,
    /// The option is known, but this version of the library cannot carry it out.
    unsupported = OSS_UNSUPPORTED,
    /// The system made no thread: a limit of processes or memory is reached. Trying again later can help.
    resources = OSS_RESOURCES,
    /// A defect of the library; please report the message.
    internal = OSS_INTERNAL,
};

/// The C name of a status, such as "OSS_PAUSED"; "OSS_UNKNOWN" for one that is not known.
[[nodiscard]] inline std::string_view name(status of) noexcept
{
    return oss_status_name(static_cast<std::int32_t>(of));
}

/// Version of the library that is linked, such as "0.1.0"; OSS_VERSION is that of the header.
[[nodiscard]] inline std::string_view version() noexcept
{
    return oss_version();
}

/// Version of the library as one number, to compare with OSS_VERSION_NUMBER: major << 16 | minor << 8 | patch.
[[nodiscard]] inline std::uint32_t version_number() noexcept
{
    return oss_version_number();
}

/// upload_options::part_size: let the library choose from the file's size.
inline constexpr std::uint64_t part_size_auto = OSS_PART_SIZE_AUTO;
/// upload_options::routines: let the library choose: at most 64, for all uploads of the client together that have this
/// value.
inline constexpr std::uint32_t routines_auto = OSS_ROUTINES_AUTO;

/// How requests are signed.
enum class signature : std::uint32_t {
    /// V4 when the region is known, else V1.
    automatic = 0,
    /// V1.
    v1 = 1,
    /// V4, which needs a region.
    v4 = 4,
};

/// What happens when the local file changes during the upload, or between two calls of it.
enum class file_change : std::uint32_t {
    /// All parts are sent again, a few times at the most.
    restart = 0,
    /// The upload fails with status::file_changed, once: what was sent and the checkpoint are removed, and the next call
    /// sends the file as it is then.
    fail = 1,
};

/// Whether parts that are on the server are read again from the local file before the object is made, and their CRC-64
/// compared.
enum class verify : std::uint32_t {
    /// When the file's identity is in doubt: an earlier call has seen another change time, device or inode. And, also for
    /// what this call sends, where the file system is not known to keep a change time of its own (FAT, FUSE, NFS, ...):
    /// there a write can leave no trace.
    in_doubt = 0,
    /// Always, when an upload is resumed; else as in_doubt.
    always = 1,
    /// Never for these reasons.
    never = 2,
};

/// Names and values, in order.
using pairs = std::vector<std::pair<std::string, std::string>>;

/// Where the server is, who signs, and limits that all uploads of a client share. What is not set has its default.
struct client_options {
    /// Host, with an optional scheme ("https://" by default) and port: "oss-cn-hangzhou.aliyuncs.com", an internal,
    /// accelerate or dual-stack host, a custom domain (then set cname), or an IP address. May be left out when region is
    /// given.
    std::optional<std::string> endpoint{};
    /// "cn-hangzhou"; taken from the endpoint when that names one. Signature V4 needs it.
    std::optional<std::string> region{};
    /// AccessKey id, together with access_key_secret. Not set: see credentials.
    std::optional<std::string> access_key_id{};
    /// AccessKey secret. The library wipes its copy after use and logs it nowhere; this one is the program's.
    std::optional<std::string> access_key_secret{};
    /// Security token of temporary (STS) credentials.
    std::optional<std::string> security_token{};
    /// Where credentials come from when no access_key_id is given: "env", "profile[:NAME]", "process:COMMAND",
    /// "ecs-role[:NAME]", "oidc", "uri[:URL]" or "anonymous", as oss_client_options in oss_upload.h explains. Not set:
    /// the default chain: env, oidc, profile, ecs-role, uri. The first of these that is configured is used; when it does
    /// not work, no other is asked. Temporary ones are renewed before they end, also in the middle of an upload, and when
    /// the server refuses them.
    std::optional<std::string> credentials{};
    /// How requests are signed.
    signature signature_version = signature::automatic;
    /// The endpoint is a custom domain bound to the bucket.
    bool cname = false;
    /// Put the bucket in the path, as an IP address always does. OSS refuses it on its own domains.
    bool path_style = false;
    /// Time to open a connection, name look-up and TLS included; 0: 10 s.
    std::chrono::milliseconds connect_timeout{0};
    /// Time without any byte moved, or without a response, after which a request is given up and tried again; 0: 30 s.
    std::chrono::milliseconds stall_timeout{0};
    /// How often a request is tried before the upload fails, the first time included; 0: 8. At most 1000.
    std::uint32_t max_attempts = 0;
    /// Bytes per second that all uploads of this client may send together; 0: no limit, else at least 1024.
    std::uint64_t max_bytes_per_second = 0;
    /// "http://[user:password@]host:port" of a proxy; "env": what the environment variables https_proxy, http_proxy,
    /// all_proxy and no_proxy say. Not set: none.
    std::optional<std::string> proxy{};
    /// PEM file with the certificate authorities to trust instead of the built-in ones; "system": the platform's. Empty:
    /// the built-in ones.
    std::filesystem::path ca_file{};
    /// Do not verify the server's certificate. For tests only: anyone on the way can then read and change the data.
    bool insecure_skip_verify = false;
    /// Added to the User-Agent header: visible ASCII.
    std::optional<std::string> user_agent{};
    /// How long an upload waits for new credentials when there are none, or when the server takes them no more: from
    /// their source, or from client::set_credentials(). Meanwhile its phase is phase::waiting. 0: not at all; it fails,
    /// and with a checkpoint it can be resumed.
    std::chrono::milliseconds credentials_wait{0};
};

/// What to upload, and how. What is not set has its default.
struct upload_options {
    /// Name of the bucket: 3 to 63 of a-z, 0-9 and '-'.
    std::string bucket{};
    /// Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with '/' or '\'.
    std::string object_key{};
    /// Path of the local file; on Unix any bytes, UTF-8 or not. A relative path means what it means at the time of the
    /// call, wherever the program goes meanwhile; so do those of the checkpoint.
    std::filesystem::path file_path{};
    /// Bytes of a part: 102400 to 5368709120, part_size_auto, or 0: 102400. Raised when the file would need more than
    /// 10000 parts (see result::part_size_raised).
    std::uint64_t part_size = 0;
    /// Parts that are sent at the same time: 1 to 100, routines_auto, or 0: 1.
    std::uint32_t routines = 0;
    /// Keep a checkpoint file, so that a later call goes on where this one stopped.
    bool checkpoint = false;
    /// Checkpoint file to use; setting it switches the checkpoint on. A file that is there, and is no checkpoint of this
    /// library, is left alone, also an empty one: OSS_CHECKPOINT. Empty: see checkpoint_dir.
    std::filesystem::path checkpoint_path{};
    /// Existing directory for the checkpoint file, which is then named by the source and the destination; setting it
    /// switches the checkpoint on. Empty: "<file_path>.cp" beside the local file. Not together with checkpoint_path.
    std::filesystem::path checkpoint_dir{};
    /// Headers that describe the object or steer its upload: Content-Type, Cache-Control, Content-Disposition,
    /// Content-Encoding, Content-Language, Expires, x-oss-meta-*, x-oss-object-acl, x-oss-storage-class, x-oss-tagging,
    /// x-oss-server-side-encryption and its companions, x-oss-forbid-overwrite, x-oss-callback, x-oss-callback-var,
    /// x-oss-traffic-limit, x-oss-request-payer. Each goes to the requests that it belongs to. Content-Type is guessed
    /// from the name of the file, then of the object, when it is not given.
    pairs headers{};
    /// The object's own metadata: {"author", "me"} is the header x-oss-meta-author.
    pairs metadata{};
    /// What happens when the local file changes during the upload.
    file_change on_file_change = file_change::restart;
    /// Whether what is already on the server is read again from the local file and compared.
    verify verify_resume = verify::in_doubt;
    /// Send Content-MD5 with every body; else only with a PutObject of up to 8 MiB. CRC-64 is always checked; MD5 costs
    /// much more CPU time.
    bool content_md5 = false;
};

/// What an upload came to, or, in an error, as far as is known.
struct result {
    /// CRC-64/XZ of the whole object, equal to the server's.
    std::uint64_t crc64 = 0;
    /// Bytes of the object.
    std::uint64_t size = 0;
    /// Bytes of a part, as used.
    std::uint64_t part_size = 0;
    /// Body bytes sent by this call, repeated ones included.
    std::uint64_t bytes_sent = 0;
    /// Bytes that an earlier call had sent and this one did not need to send.
    std::uint64_t bytes_resumed = 0;
    /// Time from start to end.
    std::chrono::milliseconds elapsed{0};
    /// Parts of the upload; 1 for a file sent with one PutObject.
    std::uint32_t parts = 0;
    /// Parts that an earlier call had sent.
    std::uint32_t parts_resumed = 0;
    /// HTTP requests made, repeated ones included.
    std::uint32_t attempts = 0;
    /// part_size was raised, since the file would have needed more than 10000 parts.
    bool part_size_raised = false;
    /// ETag of the object, without quotes.
    std::string etag{};
    /// Version id of the object, in a versioned bucket.
    std::string version_id{};
    /// Request id of the request that made the object.
    std::string request_id{};
    /// Upload id; empty for a file sent with one PutObject.
    std::string upload_id{};
    /// Why work of an earlier call, or of this one, was thrown away and all parts were sent again; empty when it was not.
    std::string restart_reason{};
    /// What the application server answered to x-oss-callback. Empty without a callback, when it failed, and when the
    /// response was lost on its way and the object itself had to prove that it is stored.
    std::string callback_response{};
};

/// What an upload is doing. Newer libraries may know more.
enum class phase : std::uint32_t {
    /// The file and the checkpoint are being looked at, or the upload is being opened on the server.
    preparing = OSS_PHASE_PREPARING,
    /// Parts are being sent.
    uploading = OSS_PHASE_UPLOADING,
    /// Local data is read again and compared with what the server has.
    verifying = OSS_PHASE_VERIFYING,
    /// All parts are there; the server puts the object together.
    completing = OSS_PHASE_COMPLETING,
    /// The upload has ended, well or not.
    ended = OSS_PHASE_ENDED,
    /// There are no credentials that the server takes; others are waited for (client_options::credentials_wait).
    waiting = OSS_PHASE_WAITING,
    /// Local data is read for its MD5, which must be known before the data is sent; nothing is being sent meanwhile.
    hashing = OSS_PHASE_HASHING,
};

/// How far an upload is. Numbers are absolute. done_bytes, sent_bytes and retries never run backwards; parts_done and
/// resumed_bytes begin anew when an upload starts over. At success done_bytes equals total_bytes.
struct progress {
    /// What it is doing.
    oss::phase phase = oss::phase::preparing;
    /// Parts in all.
    std::uint32_t parts_total = 0;
    /// Parts that the server has, resumed ones included.
    std::uint32_t parts_done = 0;
    /// Requests that had to be tried again, save those for which a stale connection, the clock or old credentials were
    /// the reason.
    std::uint32_t retries = 0;
    /// Bytes of the file; 0 while it has not been looked at.
    std::uint64_t total_bytes = 0;
    /// Bytes behind us, resumed ones included. Bytes of parts that are still on their way count, so that a resume may
    /// begin a little below where a pause ended.
    std::uint64_t done_bytes = 0;
    /// Bytes that an earlier call had sent.
    std::uint64_t resumed_bytes = 0;
    /// Body bytes sent by this call, repeated ones included.
    std::uint64_t sent_bytes = 0;
    /// Rate of the last few seconds. A resumed upload begins with that of the earlier call.
    std::uint64_t bytes_per_second = 0;
    /// Time to the end at this rate; none when it cannot be told.
    std::optional<std::chrono::milliseconds> eta{};
};

/// What a progress callback may return.
enum class control : std::int32_t {
    /// Go on.
    proceed = OSS_CONTINUE,
    /// Stop soon, as upload::pause() does.
    pause = OSS_PAUSE,
    /// Stop soon, as upload::cancel() does.
    cancel = OSS_CANCEL,
};

/// A progress callback: whatever can be called with a `const oss::progress &` and returns an oss::control, or nothing,
/// which means "go on". A null pointer or an empty std::function is none.
class progress_function {
public:
    /// None.
    progress_function() noexcept = default;
    /// None.
    progress_function(std::nullptr_t) noexcept {}

    /// Calls `function`, of which it keeps a copy.
    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, progress_function> &&
                                                std::is_invocable_v<std::decay_t<F> &, const progress &>>>
    progress_function(F &&function)
    {
        using returned = std::invoke_result_t<std::decay_t<F> &, const progress &>;
        static_assert(std::is_void_v<returned> || std::is_same_v<returned, control>,
                      "a progress callback returns oss::control or nothing");
        std::function<returned(const progress &)> call(std::forward<F>(function));
        if (!call) return;
        if constexpr (std::is_void_v<returned>) {
            call_ = [call = std::move(call)](const progress &now) {
                call(now);
                return control::proceed;
            };
        } else {
            call_ = std::move(call);
        }
    }

    /// Whether there is one.
    explicit operator bool() const noexcept { return static_cast<bool>(call_); }

    /// Calls it. There must be one.
    control operator()(const progress &now) const { return call_(now); }

private:
    std::function<control(const progress &)> call_{};
};

/// What an event tells of. Newer libraries may know more: skip what you do not know.
enum class event_kind : std::uint32_t {
    /// A request has been answered, or has failed.
    request = OSS_EVENT_REQUEST,
    /// A request will be tried again, after `elapsed`; the message says why.
    retry = OSS_EVENT_RETRY,
    /// The server has a part.
    part_done = OSS_EVENT_PART_DONE,
    /// The server has a part that an earlier call sent.
    part_resumed = OSS_EVENT_PART_RESUMED,
    /// More or fewer parts may be in flight.
    concurrency_changed = OSS_EVENT_CONCURRENCY_CHANGED,
    /// A source has given the first credentials, or others sign from now on; the message names the access key id and the
    /// source.
    credentials_changed = OSS_EVENT_CREDENTIALS_CHANGED,
    /// The checkpoint was made safe on disk.
    checkpoint_written = OSS_EVENT_CHECKPOINT_WRITTEN,
    /// All parts are sent again; the message says why.
    restarted = OSS_EVENT_RESTARTED,
    /// The upload has ended; the message is "stored" or the error's.
    ended = OSS_EVENT_ENDED,
};

/// Something that happened to an upload. Fields that do not concern the kind are 0 or empty. No secret is in it.
struct event {
    /// What happened.
    event_kind kind{};
    /// The part, from 1.
    std::uint32_t part_number = 0;
    /// Which try of the request, from 1.
    std::uint32_t attempt = 0;
    /// HTTP status; 0 when there was no response.
    std::uint32_t http_status = 0;
    /// Parts that may be in flight now.
    std::uint32_t concurrency = 0;
    /// Which upload of the client, from 1 in the order of starting; 0 for what concerns the client.
    std::uint64_t upload = 0;
    /// Time since the upload was started.
    std::chrono::milliseconds at{0};
    /// Time that the request took; for a retry, that is waited.
    std::chrono::milliseconds elapsed{0};
    /// Body bytes of the request, or bytes of the part.
    std::uint64_t bytes = 0;
    /// Events that were lost right before this one, since nobody took them out in time.
    std::uint64_t dropped = 0;
    /// The API call, such as "UploadPart".
    std::string operation{};
    /// OSS's error code.
    std::string service_code{};
    /// The request id.
    std::string request_id{};
    /// Name of the object, cut when it is longer than 255 bytes.
    std::string object_key{};
    /// Why, in one line.
    std::string message{};
};

/// What went wrong. One type for all: status() tells the kinds apart. what() is one line that says what failed, where,
/// and what to do; no secret is in it. Copying it never throws.
class error : public std::runtime_error {
public:
    /// As the library tells it, with what is known of the upload.
    explicit error(const oss_error &raw, oss::result known = {})
        : std::runtime_error(raw.message), facts_(std::make_shared<const facts>(facts{raw, std::move(known)}))
    {
    }

    /// Of a kind, with a message.
    error(oss::status status, const std::string &message)
        : std::runtime_error(message), facts_(std::make_shared<const facts>(facts{kind(status), {}}))
    {
    }

    /// Copies share what they tell: they are cheap and never throw.
    error(const error &) noexcept = default;
    /// Likewise.
    error &operator=(const error &) noexcept = default;
    ~error() override = default;

    /// What kind of failure it is.
    [[nodiscard]] oss::status status() const noexcept { return static_cast<oss::status>(facts_->raw.status); }

    /// Whether the upload stopped because it was told to: paused or cancelled.
    [[nodiscard]] bool stopped() const noexcept
    {
        return status() == oss::status::paused || status() == oss::status::cancelled;
    }

    /// Whether the same call may succeed later without any change.
    [[nodiscard]] bool retryable() const noexcept { return facts_->raw.retryable != 0; }

    /// HTTP status of the server's response; 0 when there was none.
    [[nodiscard]] std::uint32_t http_status() const noexcept { return facts_->raw.http_status; }

    /// OSS's error code, such as "AccessDenied"; empty when there is none. Valid as long as this error or a copy of it.
    [[nodiscard]] std::string_view service_code() const noexcept { return facts_->raw.service_code; }

    /// OSS's detailed error code (x-oss-ec), such as "0003-00000001". Valid as service_code() is.
    [[nodiscard]] std::string_view ec() const noexcept { return facts_->raw.ec; }

    /// The request id, which Alibaba Cloud's support asks for. Valid as service_code() is.
    [[nodiscard]] std::string_view request_id() const noexcept { return facts_->raw.request_id; }

    /// The part that failed, from 1; 0 when the failure is not about one part.
    [[nodiscard]] std::uint32_t part_number() const noexcept { return facts_->raw.part_number; }

    /// The operating system's error, to compare with std::errc; false when it takes no part.
    [[nodiscard]] std::error_code os_error() const noexcept
    {
        return {facts_->raw.os_errno, std::system_category()};
    }

    /// What is known of the upload that failed, such as how many bytes were sent; all zero when none was started. Valid
    /// as service_code() is.
    [[nodiscard]] const oss::result &result() const noexcept { return facts_->known; }

private:
    struct facts {
        oss_error raw;
        oss::result known;
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

class upload;
class client;

/// Not for programs.
namespace detail {

/// Nothing, or what went wrong: how both kinds of calls are told.
using failure = std::optional<error>;

struct free_client {
    void operator()(oss_client *handle) const noexcept { oss_client_free(handle); }
};

struct free_upload {
    void operator()(oss_upload *handle) const noexcept { oss_upload_free(handle); }
};

/// An upload that must not go on when its callback throws: paused, and waited for, unless it is let go.
class pause_unless_ended {
public:
    explicit pause_unless_ended(oss_upload *handle) noexcept : handle_(handle) {}
    pause_unless_ended(const pause_unless_ended &) = delete;
    pause_unless_ended &operator=(const pause_unless_ended &) = delete;

    ~pause_unless_ended()
    {
        if (handle_ == nullptr) return;
        oss_upload_pause(handle_);
        oss_upload_wait(handle_, UINT32_MAX, nullptr, nullptr, nullptr);
    }

    void ended() noexcept { handle_ = nullptr; }

private:
    oss_upload *handle_;
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

    void headers(const upload_options &from, oss_upload_options &to)
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
    return to;
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

template <class Handle>
std::optional<event> next_event(oss_status (*take)(Handle *, oss_event *), Handle *handle)
{
    oss_event raw;
    if (handle == nullptr || take(handle, &raw) != OSS_OK) return std::nullopt;
    return value(raw);
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

/// A running or ended upload, which client::start() makes. To resume one is to start it again with the same checkpoint.
class upload {
public:
    /// None; one can be moved into it.
    upload() noexcept = default;

    /// Whether it stands for an upload: not when made by default or moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Waits until the upload has ended, and returns what it came to. `on_progress` is called on this thread, about ten
    /// times a second and once at the end, also when the upload failed; with what it returns the upload goes on, pauses
    /// or is cancelled. When it throws, the upload is paused and waited for, and the exception goes on its way, also
    /// when the upload has succeeded meanwhile. May be called again: it gives the same.
    ///
    /// Throws oss::error: whatever made the upload fail or stop.
    oss::result wait(const progress_function &on_progress = {})
    {
        oss::result stored;
        detail::check(await(on_progress, stored));
        return stored;
    }

    /// Waits until the upload has ended, or for `timeout`; 0 or less: only looks. Returns what it came to, or nothing
    /// when the time is over and the upload goes on.
    ///
    /// Throws oss::error: whatever made the upload fail or stop.
    std::optional<oss::result> wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        detail::check(look(timeout, stored));
        return stored;
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// wait() that returns the error. What `on_progress` throws is thrown all the same.
    [[nodiscard]] std::expected<oss::result, error> try_wait(const progress_function &on_progress = {})
    {
        oss::result stored;
        return detail::expect(await(on_progress, stored), std::move(stored));
    }

    /// wait_for() that returns the error.
    [[nodiscard]] std::expected<std::optional<oss::result>, error> try_wait_for(std::chrono::milliseconds timeout)
    {
        std::optional<oss::result> stored;
        return detail::expect(look(timeout, stored), std::move(stored));
    }
#endif

    /// How far it is. All zero when it stands for no upload.
    [[nodiscard]] oss::progress progress() const
    {
        oss_progress raw{};
        raw.eta_ms = OSS_ETA_UNKNOWN;
        if (handle_) oss_upload_wait(handle_.get(), 0, &raw, nullptr, nullptr);
        return detail::value(raw);
    }

    /// Asks it to stop soon and to keep its checkpoint and parts; returns at once. The waits then report status::paused
    /// within about a second, or what it came to when it was faster. Without a checkpoint nothing can be kept: what was
    /// sent is removed from the server.
    void pause() noexcept { oss_upload_pause(handle_.get()); }

    /// Asks it to stop soon, to remove what was sent from the server and to delete its checkpoint; returns at once. The
    /// waits then report status::cancelled, or what it came to when it was faster.
    void cancel() noexcept { oss_upload_cancel(handle_.get()); }

    /// Takes out its oldest event that waits, as client::next_event() does for all uploads of a client. Also after it
    /// has ended.
    [[nodiscard]] std::optional<event> next_event()
    {
        return detail::next_event(oss_upload_next_event, handle_.get());
    }

    /// The C handle, still owned by this; NULL when there is none.
    [[nodiscard]] oss_upload *get() const noexcept { return handle_.get(); }

private:
    friend class client;

    explicit upload(oss_upload *handle) noexcept : handle_(handle) {}

    /// How often the callback is called, in milliseconds.
    static constexpr std::uint32_t interval = 100;

    detail::failure await(const progress_function &on_progress, oss::result &stored)
    {
        if (!handle_) return nothing();
        detail::pause_unless_ended running(handle_.get());
        for (;;) {
            oss_progress now;
            oss_result raw;
            oss_error failed;
            const oss_status status =
                oss_upload_wait(handle_.get(), on_progress ? interval : UINT32_MAX, &now, &raw, &failed);
            if (on_progress) obey(on_progress(detail::value(now)));
            if (status == OSS_PENDING) continue;
            running.ended();
            return end(status, raw, failed, stored);
        }
    }

    detail::failure look(std::chrono::milliseconds timeout, std::optional<oss::result> &stored)
    {
        if (!handle_) return nothing();
        // The largest number means "no limit".
        constexpr std::chrono::milliseconds longest(UINT32_MAX - 1);
        if (timeout < timeout.zero()) timeout = timeout.zero();
        if (timeout > longest) timeout = longest;
        oss_result raw;
        oss_error failed;
        const oss_status status =
            oss_upload_wait(handle_.get(), static_cast<std::uint32_t>(timeout.count()), nullptr, &raw, &failed);
        return status == OSS_PENDING ? std::nullopt : end(status, raw, failed, stored.emplace());
    }

    void obey(control wanted) noexcept
    {
        switch (wanted) {
        case control::proceed: break;
        case control::cancel: cancel(); break;
        case control::pause:
        default: pause();
        }
    }

    detail::failure end(oss_status status, const oss_result &raw, const oss_error &failed, oss::result &stored)
    {
        oss::result known = detail::value(raw);
        if (raw.callback_response_size != 0) {
            // With room for the NUL.
            known.callback_response.resize(static_cast<std::size_t>(raw.callback_response_size) + 1);
            oss_upload_callback_response(handle_.get(), &known.callback_response[0], known.callback_response.size());
            known.callback_response.pop_back();
        }
        if (status != OSS_OK) return error(failed, std::move(known));
        stored = std::move(known);
        return std::nullopt;
    }

    static detail::failure nothing() { return error(status::invalid_argument, "there is no upload to wait for"); }

    std::unique_ptr<oss_upload, detail::free_upload> handle_{};
};

/// Endpoint, credentials, connections and limits that uploads share. Uploads that it started go on when it is gone.
class client {
public:
#if OSS_UPLOAD_HAS_EXCEPTIONS
    /// Makes a client. Nothing is sent yet.
    ///
    /// Throws oss::error: invalid_argument (the message names the option), credentials, io (ca_file) or unsupported.
    explicit client(const client_options &options) { detail::check(open(options, handle_)); }

    /// Uploads one file and returns when it is stored: whole or not at all, and only when its CRC-64 equals that of the
    /// file. As start() and upload::wait(); see there for `on_progress`. A failed or paused upload with a checkpoint goes
    /// on where it stopped when it is started again; without one nothing of it is left on the server. A second upload
    /// with the same checkpoint file at the same time gets checkpoint_busy.
    ///
    /// Throws oss::error: whatever made the upload fail or stop; also what `on_progress` throws.
    oss::result upload_file(const upload_options &options, const progress_function &on_progress = {})
    {
        return start(options).wait(on_progress);
    }

    /// Starts an upload and returns at once. The options are checked before this returns; the file and the server are
    /// looked at afterwards, and what fails there is told by upload::wait().
    ///
    /// Throws oss::error: invalid_argument, unsupported, or internal (no thread could be made).
    [[nodiscard]] oss::upload start(const upload_options &options)
    {
        oss::upload started;
        detail::check(start(options, started));
        return started;
    }

    /// Replaces the credentials, also for uploads that are running: the next request is signed with them.
    /// `security_token` is for temporary ones.
    ///
    /// Throws oss::error: invalid_argument, or credentials (an empty half of the key).
    void set_credentials(const std::string &access_key_id, const std::string &access_key_secret,
                         const std::optional<std::string> &security_token = std::nullopt)
    {
        detail::check(replace(access_key_id, access_key_secret, security_token));
    }
#endif

#if OSS_UPLOAD_HAS_EXPECTED
    /// The constructor that returns the error.
    [[nodiscard]] static std::expected<client, error> try_create(const client_options &options)
    {
        owner made;
        if (detail::failure failed = open(options, made)) return std::unexpected(*failed);
        return client(std::move(made));
    }

    /// upload_file() that returns the error. What `on_progress` throws is thrown all the same.
    [[nodiscard]] std::expected<oss::result, error> try_upload_file(const upload_options &options,
                                                                    const progress_function &on_progress = {})
    {
        oss::upload started;
        if (detail::failure failed = start(options, started)) return std::unexpected(*failed);
        return started.try_wait(on_progress);
    }

    /// start() that returns the error.
    [[nodiscard]] std::expected<oss::upload, error> try_start(const upload_options &options)
    {
        oss::upload started;
        return detail::expect(start(options, started), std::move(started));
    }

    /// set_credentials() that returns the error.
    [[nodiscard]] std::expected<void, error> try_set_credentials(
        const std::string &access_key_id, const std::string &access_key_secret,
        const std::optional<std::string> &security_token = std::nullopt)
    {
        return detail::expect(replace(access_key_id, access_key_secret, security_token));
    }
#endif

    /// Whether it stands for a client: not when moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /// Takes out the oldest event of its uploads that waits, without waiting for one; nothing when none waits.
    ///
    /// The first call opens the queue: make it before the first upload to miss nothing. 1024 events are kept, then the
    /// oldest are dropped and counted. Nothing is recorded for a program that never asks.
    [[nodiscard]] std::optional<event> next_event()
    {
        return detail::next_event(oss_client_next_event, handle_.get());
    }

    /// The C handle, still owned by this; NULL when there is none.
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

} // namespace oss

#endif // OSS_UPLOAD_HPP
