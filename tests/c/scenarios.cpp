// The executor for C++ of the table of scenarios (tests/scenarios): it reads orders from standard input, carries them
// out, and says in a line what came out. options.inc, which the test driver makes from oss_upload.h, names every option.

#include <oss_upload.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// A word, and names with values.
class order {
public:
    explicit order(const std::string &line)
    {
        std::istringstream words(line);
        words >> word;
        for (std::string pair; words >> pair;) {
            const std::size_t middle = pair.find('=');
            pairs.emplace_back(pair.substr(0, middle), decoded(pair.substr(middle + 1)));
        }
    }

    std::optional<std::string> text(const std::string &name) const
    {
        for (const auto &[given, value] : pairs)
            if (given == name) return value;
        return std::nullopt;
    }

    std::string text_or_none(const std::string &name) const { return text(name).value_or(""); }

    /// 0 when it is not given.
    std::uint64_t number(const std::string &name) const { return std::stoull(text(name).value_or("0")); }

    std::uint32_t small(const std::string &name) const { return static_cast<std::uint32_t>(number(name)); }

    /// An option of any type; one that is not given keeps its default.
    template <class T> void read(const std::string &name, T &option) const
    {
        if (const auto value = text(name)) set(option, *value);
    }

    /// Headers, or metadata.
    oss::pairs named(const std::string &kind) const
    {
        oss::pairs found;
        for (const auto &[name, value] : pairs) {
            const std::size_t colon = value.find(':');
            if (name == kind) found.emplace_back(value.substr(0, colon), value.substr(colon + 1));
        }
        return found;
    }

    /// The values of a name that may come several times.
    std::vector<std::string> all(const std::string &name) const
    {
        std::vector<std::string> found;
        for (const auto &[given, value] : pairs)
            if (given == name) found.push_back(value);
        return found;
    }

    std::string word;

private:
    static void set(std::string &option, const std::string &value) { option = value; }
    static void set(std::optional<std::string> &option, const std::string &value) { option = value; }
    static void set(std::filesystem::path &option, const std::string &value) { option = value; }
    static void set(bool &option, const std::string &value) { option = value == "1"; }
    static void set(std::chrono::milliseconds &option, const std::string &value)
    {
        option = std::chrono::milliseconds(std::stoull(value));
    }
    static void set(std::uint32_t &option, const std::string &value)
    {
        option = value == "auto" ? oss::routines_auto : static_cast<std::uint32_t>(std::stoul(value));
    }
    static void set(std::uint64_t &option, const std::string &value)
    {
        option = value == "auto" ? oss::part_size_auto : std::stoull(value);
    }
    static void set(oss::signature &option, const std::string &value)
    {
        option = static_cast<oss::signature>(std::stoul(value));
    }
    static void set(oss::file_change &option, const std::string &value)
    {
        option = value == "fail" ? oss::file_change::fail : oss::file_change::restart;
    }
    static void set(oss::verify &option, const std::string &value)
    {
        option = value == "always" ? oss::verify::always : value == "never" ? oss::verify::never : oss::verify::in_doubt;
    }

    static void set(oss::batch_mode &option, const std::string &value)
    {
        option = value == "changed"        ? oss::batch_mode::changed
                 : value == "retry_failed" ? oss::batch_mode::retry_failed
                 : value == "verify"       ? oss::batch_mode::verify
                 : value == "verify_full"  ? oss::batch_mode::verify_full
                                           : oss::batch_mode::all;
    }
    static void set(oss::symlinks &option, const std::string &value)
    {
        option = value == "skip"     ? oss::symlinks::skip
                 : value == "refuse" ? oss::symlinks::refuse
                                     : oss::symlinks::follow;
    }
    static void set(oss::key_encoding &option, const std::string &value)
    {
        option = value == "percent" ? oss::key_encoding::percent : oss::key_encoding::refuse;
    }
    /// A rule a line.
    static void set(std::vector<std::string> &option, const std::string &value)
    {
        std::istringstream lines(value);
        for (std::string line; std::getline(lines, line);) option.push_back(line);
    }

    static std::string decoded(const std::string &text)
    {
        std::string bytes;
        for (std::size_t i = 0; i < text.size(); i++) {
            if (text[i] == '%') {
                bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
                i += 2;
            } else {
                bytes += text[i];
            }
        }
        return bytes;
    }

    oss::pairs pairs;
};

void tell(const std::string &name, std::string_view value)
{
    constexpr const char *digits = "0123456789ABCDEF";
    std::cout << ' ' << name << '=';
    for (const char letter : value) {
        const auto byte = static_cast<unsigned char>(letter);
        std::cout << '%' << digits[byte >> 4] << digits[byte & 15];
    }
}

void tell(const std::string &name, std::uint64_t value) { std::cout << ' ' << name << '=' << value; }

void tell(const std::string &name, std::chrono::milliseconds value)
{
    std::cout << ' ' << name << '=' << value.count();
}

std::string_view kind_of(oss::status status)
{
    switch (status) {
    case oss::status::ok: return "ok";
    case oss::status::pending: return "pending";
    case oss::status::invalid_argument: return "invalid_argument";
    case oss::status::io: return "io";
    case oss::status::network: return "network";
    case oss::status::timeout: return "timeout";
    case oss::status::service: return "service";
    case oss::status::credentials: return "credentials";
    case oss::status::file_changed: return "file_changed";
    case oss::status::checksum_mismatch: return "checksum_mismatch";
    case oss::status::checkpoint: return "checkpoint";
    case oss::status::checkpoint_busy: return "checkpoint_busy";
    case oss::status::paused: return "paused";
    case oss::status::cancelled: return "cancelled";
    case oss::status::callback_failed: return "callback_failed";
    case oss::status::unsupported: return "unsupported";
    case oss::status::internal: return "internal";
    case oss::status::resources: return "resources";
    case oss::status::end: return "end";
    case oss::status::files_failed: return "files_failed";
    }
    return "unknown";
}

void tell_error(const oss::error &error)
{
    tell("status", oss::name(error.status()));
    tell("raised", kind_of(error.status()));
    tell("http_status", error.http_status());
    tell("os_errno", static_cast<std::uint64_t>(error.os_error().value()));
    tell("part_number", error.part_number());
    tell("retryable", error.retryable());
    tell("service_code", error.service_code());
    tell("ec", error.ec());
    tell("request_id", error.request_id());
    tell("message", error.what());
}

void tell_result(const oss::result &result)
{
    tell("result.crc64", result.crc64);
    tell("result.size", result.size);
    tell("result.part_size", result.part_size);
    tell("result.bytes_sent", result.bytes_sent);
    tell("result.bytes_resumed", result.bytes_resumed);
    tell("result.elapsed_ms", result.elapsed);
    tell("result.parts", result.parts);
    tell("result.parts_resumed", result.parts_resumed);
    tell("result.attempts", result.attempts);
    tell("result.part_size_raised", result.part_size_raised);
    tell("result.etag", result.etag);
    tell("result.version_id", result.version_id);
    tell("result.request_id", result.request_id);
    tell("result.upload_id", result.upload_id);
    tell("result.restart_reason", result.restart_reason);
    tell("result.callback_response_size", result.callback_response.size());
    tell("callback_response", result.callback_response);
}

std::string_view name_of(oss::phase phase)
{
    switch (phase) {
    case oss::phase::preparing: return "preparing";
    case oss::phase::uploading: return "uploading";
    case oss::phase::verifying: return "verifying";
    case oss::phase::completing: return "completing";
    case oss::phase::ended: return "ended";
    case oss::phase::waiting: return "waiting";
    case oss::phase::hashing: return "hashing";
    }
    return "unknown";
}

void tell_progress(const oss::progress &progress)
{
    tell("progress.phase", name_of(progress.phase));
    tell("progress.total_bytes", progress.total_bytes);
    tell("progress.done_bytes", progress.done_bytes);
    tell("progress.resumed_bytes", progress.resumed_bytes);
    tell("progress.sent_bytes", progress.sent_bytes);
    tell("progress.parts_total", progress.parts_total);
    tell("progress.parts_done", progress.parts_done);
    tell("progress.retries", progress.retries);
    tell("progress.bytes_per_second", progress.bytes_per_second);
    tell("progress.eta_known", progress.eta.has_value());
}

std::string_view name_of(oss::event_kind kind)
{
    switch (kind) {
    case oss::event_kind::request: return "request";
    case oss::event_kind::retry: return "retry";
    case oss::event_kind::part_done: return "part done";
    case oss::event_kind::part_resumed: return "part resumed";
    case oss::event_kind::concurrency_changed: return "concurrency changed";
    case oss::event_kind::credentials_changed: return "credentials changed";
    case oss::event_kind::checkpoint_written: return "checkpoint written";
    case oss::event_kind::restarted: return "restarted";
    case oss::event_kind::ended: return "ended";
    }
    return "unknown";
}

void tell_event(const oss::event &event)
{
    std::ostringstream fields;
    fields << name_of(event.kind) << '|' << event.upload << '|' << event.object_key << '|' << event.operation << '|'
           << event.part_number << '|' << event.attempt << '|' << event.http_status << '|' << event.service_code << '|'
           << event.bytes << '|' << event.concurrency << '|' << event.dropped << '|' << event.at.count() << '|'
           << event.elapsed.count() << '|' << event.message;
    tell("event", fields.str());
    tell("event.request_id", event.request_id);
}

std::string_view name_of(oss::outcome_status status)
{
    switch (status) {
    case oss::outcome_status::stored: return "stored";
    case oss::outcome_status::unchanged: return "unchanged";
    case oss::outcome_status::skipped: return "skipped";
    case oss::outcome_status::failed: return "failed";
    case oss::outcome_status::planned: return "planned";
    }
    return "unknown";
}

void tell_outcome(const oss::outcome &file)
{
    std::ostringstream fields;
    fields << name_of(file.status) << '|' << file.resumed << '|' << file.size << '|' << file.crc64 << '|' << file.attempts
           << '|' << file.key << '|' << file.etag << '|' << file.version_id << '|' << file.request_id << '|'
           << file.path.string() << '|' << file.rule << '|';
    if (file.error) fields << oss::name(file.error->status()) << ": " << file.error->what();
    tell("outcome", fields.str());
}

void tell_batch(const oss::batch_result &result, const oss::batch_progress &progress)
{
    tell("batch.files_stored", result.files_stored);
    tell("batch.files_resumed", result.files_resumed);
    tell("batch.files_unchanged", result.files_unchanged);
    tell("batch.files_skipped", result.files_skipped);
    tell("batch.files_failed", result.files_failed);
    tell("batch.files_planned", result.files_planned);
    tell("batch.bytes_stored", result.bytes_stored);
    tell("batch.bytes_sent", result.bytes_sent);
    tell("batch.requests", result.requests);
    tell("batch.manifest_lines_damaged", result.manifest_lines_damaged);
    tell("batch.elapsed_ms", result.elapsed);
    tell("batch_progress.files_found", progress.files_found);
    tell("batch_progress.bytes_found", progress.bytes_found);
    tell("batch_progress.totals_known", progress.totals_known);
    tell("batch_progress.files_stored", progress.files_stored);
    tell("batch_progress.files_resumed", progress.files_resumed);
    tell("batch_progress.files_unchanged", progress.files_unchanged);
    tell("batch_progress.files_skipped", progress.files_skipped);
    tell("batch_progress.files_failed", progress.files_failed);
    tell("batch_progress.bytes_done", progress.bytes_done);
    tell("batch_progress.bytes_sent", progress.bytes_sent);
    tell("batch_progress.requests", progress.requests);
    tell("batch_progress.retries", progress.retries);
    tell("batch_progress.bytes_per_second", progress.bytes_per_second);
    tell("batch_progress.files_per_second", progress.files_per_second);
    tell("batch_progress.eta_known", progress.eta.has_value());
    tell("batch_progress.current_path", progress.current_path);
    tell("batch_progress.current_done", progress.current_done);
    tell("batch_progress.current_size", progress.current_size);
    tell("batch_progress.ended", progress.ended);
}

oss::client_options client_options(const order &given)
{
    oss::client_options options;
#define CLIENT_OPTION(kind, field, plain) given.read(#field, options.plain);
#include "options.inc"
#undef CLIENT_OPTION
    return options;
}

oss::upload_options upload_options(const order &given)
{
    oss::upload_options options;
#define UPLOAD_OPTION(kind, field, plain) given.read(#field, options.plain);
#include "options.inc"
#undef UPLOAD_OPTION
    options.headers = given.named("header");
    options.metadata = given.named("metadata");
    return options;
}

oss::batch_options batch_options(const order &given)
{
    oss::batch_options options;
#define BATCH_OPTION(kind, field, plain) given.read(#field, options.plain);
#include "options.inc"
#undef BATCH_OPTION
    options.headers = given.named("header");
    options.metadata = given.named("metadata");
    return options;
}

/// What a progress callback throws.
struct thrown {};

class session {
public:
    void carry_out(const order &given)
    {
        try {
            obey(given);
        } catch (const oss::error &error) {
            tell_error(error);
        }
    }

private:
    void obey(const order &given)
    {
        if (given.word == "client") {
            client_.emplace(client_options(given));
            tell("status", "OSS_OK");
        } else if (given.word == "set_credentials") {
            client_->set_credentials(given.text_or_none("access_key_id"), given.text_or_none("access_key_secret"),
                                     given.text("security_token"));
            tell("status", "OSS_OK");
        } else if (given.word == "upload_file") {
            upload(given);
        } else if (given.word == "upload_memory") {
            upload(given);
        } else if (given.word == "stream") {
            stream(given);
        } else if (given.word == "shared") {
            share(given);
        } else if (given.word == "batch") {
            batch(given);
        } else if (given.word == "merge_manifests") {
            const std::vector<std::string> manifests = given.all("manifest");
            oss::merge_manifests(given.text_or_none("out"), {manifests.begin(), manifests.end()});
            tell("status", "OSS_OK");
        } else if (given.word == "start") {
            upload_ = client_->start(upload_options(given));
            tell("status", "OSS_OK");
        } else if (given.word == "wait") {
            wait(std::chrono::milliseconds(given.number("timeout_ms")));
        } else if (given.word == "pause") {
            upload_.pause();
        } else if (given.word == "cancel") {
            upload_.cancel();
        } else if (given.word == "free") {
            upload_ = oss::upload();
        } else if (given.word == "events") {
            while (const std::optional<oss::event> event = client_->next_event()) tell_event(*event);
        } else if (given.word == "end") {
            upload_ = oss::upload();
            client_.reset();
        } else {
            std::cerr << "an unknown order: " << given.word << '\n';
            std::exit(2);
        }
    }

    static std::string content_of(const order &given)
    {
        std::ifstream file(given.text_or_none("content"), std::ios::binary);
        if (!file) std::exit(2);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        return bytes.str();
    }

    /// From memory when there is content, else from the file.
    oss::result upload(const order &given, const oss::progress_function &watch)
    {
        if (!given.text("content")) return client_->upload_file(upload_options(given), watch);
        return client_->upload_memory(content_of(given), upload_options(given), watch);
    }

    void upload(const order &given)
    {
        const std::string stop = given.text_or_none("stop");
        const std::uint32_t at_parts = given.small("at_parts");
        std::vector<oss::progress> seen;
        const auto watch = [&](const oss::progress &now) {
            seen.push_back(now);
            if (now.parts_done < at_parts || stop.empty() || now.phase == oss::phase::ended) return oss::control::proceed;
            if (stop == "throw") throw thrown();
            return stop == "cancel" ? oss::control::cancel : oss::control::pause;
        };
        try {
            const oss::result result = upload(given, watch);
            tell("status", "OSS_OK");
            tell_result(result);
        } catch (const oss::error &error) {
            tell_error(error);
            if (seen.empty()) return;
            tell_result(error.result());
        } catch (const thrown &) {
            tell("status", "THROWN");
            return;
        }
        tell_watched(seen);
    }

    void stream(const order &given)
    {
        const std::string end = given.text_or_none("finish");
        std::string content = content_of(given);
        if (given.text("take")) content.resize(std::min<std::size_t>(given.number("take"), content.size()));
        const std::size_t piece = given.number("piece") ? given.number("piece") : content.size();
        oss::stream stream = client_->open_stream(upload_options(given));
        bool written = false;
        try {
            for (std::size_t at = 0; at < content.size(); at += piece)
                stream.write(content.data() + at, std::min(piece, content.size() - at));
            written = true;
            if (end == "free") {
                tell("status", "OSS_OK");
            } else {
                if (end == "abort") stream.abort();
                const oss::result result = stream.finish();
                tell("status", "OSS_OK");
                tell_result(result);
            }
        } catch (const oss::error &error) {
            tell_error(error);
            if (written) tell_result(error.result());
        }
        tell_progress(stream.progress());
    }

    void share(const order &given)
    {
        const std::string call = given.text_or_none("call"), token = given.text_or_none("token");
        const oss::upload_options options = upload_options(given);
        std::vector<oss::progress> seen;
        const auto watch = [&](const oss::progress &now) {
            seen.push_back(now);
            return oss::control::proceed;
        };
        if (call == "begin") {
            const std::string made = client_->begin_shared_upload(options);
            tell("token", made);
            tell("part_count", oss::shared_upload_part_count(made));
        } else if (call == "send_parts") {
            tell("fragment", client_->send_parts(options, token, given.small("first"), given.small("last"), watch));
        } else if (call == "finish") {
            tell_result(client_->finish_shared_upload(options, token, given.all("fragment"), watch));
            tell_watched(seen);
        } else {
            client_->abort_shared_upload(options, token);
        }
        tell("status", "OSS_OK");
    }

    void batch(const order &given)
    {
        oss::batch batch = client_->start_batch(batch_options(given));
        for (const std::string &pair : given.all("pair")) {
            const std::size_t tab = pair.find('\t');
            if (tab == std::string::npos)
                batch.add(pair);
            else
                batch.add(pair.substr(0, tab), pair.substr(tab + 1));
        }
        batch.seal();
        std::uint64_t count = 0;
        for (const oss::outcome &file : batch.outcomes()) {
            tell_outcome(file);
            if (++count == given.number("at_outcomes")) given.text("stop") == "cancel" ? batch.cancel() : batch.pause();
        }
        try {
            const oss::batch_result result = batch.wait();
            tell("status", "OSS_OK");
            tell_batch(result, batch.progress());
        } catch (const oss::error &error) {
            tell_error(error);
            tell_batch(error.batch_result(), batch.progress());
        }
    }

    static void tell_watched(const std::vector<oss::progress> &seen)
    {
        bool forward = true;
        std::set<oss::phase> phases;
        const oss::progress *before = &seen.front();
        for (const oss::progress &now : seen) {
            phases.insert(now.phase);
            forward = forward && before->done_bytes <= now.done_bytes && before->sent_bytes <= now.sent_bytes &&
                      before->retries <= now.retries;
            before = &now;
        }
        tell_progress(seen.back());
        tell("progress.runs_forward", forward);
        for (const oss::phase phase : phases) tell("progress.phases", name_of(phase));
    }

    void wait(std::chrono::milliseconds timeout)
    {
        try {
            const std::optional<oss::result> result = upload_.wait_for(timeout);
            tell("status", result ? "OSS_OK" : "OSS_PENDING");
            if (result) tell_result(*result);
        } catch (const oss::error &error) {
            tell_error(error);
            tell_result(error.result());
        }
        tell_progress(upload_.progress());
    }

    std::optional<oss::client> client_;
    oss::upload upload_;
};

} // namespace

int main()
{
    session orders;
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << '=';
        orders.carry_out(order(line));
        std::cout << std::endl;
    }
}
