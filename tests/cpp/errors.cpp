/*
 * Errors: every fact that one carries, how it is copied, and what C could not see.
 */
#include "fixture.hpp"

#include <system_error>
#include <vector>

using namespace std::chrono_literals;

static_assert(std::is_base_of_v<std::runtime_error, oss::error>);
// An exception whose copy throws ends the program.
static_assert(std::is_nothrow_copy_constructible_v<oss::error> && std::is_nothrow_copy_assignable_v<oss::error>);
static_assert(std::is_nothrow_move_constructible_v<oss::error> && std::is_nothrow_move_assignable_v<oss::error>);

static void of_the_server(oss::client &client)
{
    check_case = "of the server";
    oss::upload_options options = what("refused-part");
    const oss::error error = error_of([&] { return client.upload_file(options); });
    CHECK_ERROR(error, service, "AccessDenied");
    CHECK(error.service_code() == "AccessDenied");
    CHECK(error.ec() == "0003-00000001");
    CHECK(!error.request_id().empty());
    CHECK_CONTAINS(error.what(), "part 3");
    CHECK_NUMBER(error.http_status(), 403);
    CHECK_NUMBER(error.part_number(), 3);
    CHECK(!error.retryable() && !error.stopped() && !error.os_error());
    CHECK(error.result().bytes_sent >= 2 * PART && error.result().etag.empty());
    check_case = "of the server, later perhaps";
    const oss::error busy = error_of([&] { return client.upload_file(what("busy")); });
    CHECK_ERROR(busy, service, "SlowDown");
    CHECK(busy.retryable());
    CHECK_NUMBER(busy.http_status(), 503);
}

static void of_the_file(oss::client &client)
{
    check_case = "of the file";
    oss::upload_options options = what("no-file");
    options.file_path = in_scratch("not there");
    const oss::error error = error_of([&] { return client.upload_file(options); });
    CHECK_ERROR(error, io, "not there");
    CHECK(error.os_error() == std::errc::no_such_file_or_directory);
    CHECK(error.http_status() == 0 && error.service_code().empty() && error.ec().empty());
    check_case = "of the checkpoint";
    options = what("no-checkpoint");
    options.checkpoint_dir = in_scratch("no such directory");
    CHECK_THROWS(client.upload_file(options), checkpoint, "no such directory");
}

static void of_the_options()
{
    check_case = "of the options";
    oss::client_options options;
    CHECK_THROWS(oss::client(options), invalid_argument, "endpoint");
    options = where();
    options.signature_version = static_cast<oss::signature>(9);
    CHECK_THROWS(oss::client(options), invalid_argument, "signature_version");
    options = where();
    options.access_key_id = "";
    CHECK_THROWS(oss::client(options), credentials, "");
    options = where();
    options.ca_file = in_scratch("no.pem");
    CHECK_THROWS(oss::client(options), io, "no.pem");
    for (const auto time : {-1ms, 4294967296ms, std::chrono::milliseconds::max(), std::chrono::milliseconds::min()}) {
        options = where();
        options.stall_timeout = time;
        CHECK_THROWS(oss::client(options), invalid_argument, "stall_timeout");
    }
}

/// C would see the text before it.
static void nul(oss::client &client)
{
    check_case = "NUL";
    const std::string text("a\0b", 3);
    using set_client = void (*)(oss::client_options &, const std::string &);
    const std::pair<const char *, set_client> of_clients[] = {
        {"endpoint", [](auto &to, auto &with) { to.endpoint = with; }},
        {"region", [](auto &to, auto &with) { to.region = with; }},
        {"access_key_id", [](auto &to, auto &with) { to.access_key_id = with; }},
        {"access_key_secret", [](auto &to, auto &with) { to.access_key_secret = with; }},
        {"security_token", [](auto &to, auto &with) { to.security_token = with; }},
        {"credentials", [](auto &to, auto &with) { to.credentials = with; }},
        {"proxy", [](auto &to, auto &with) { to.proxy = with; }},
        {"ca_file", [](auto &to, auto &with) { to.ca_file = with; }},
        {"user_agent", [](auto &to, auto &with) { to.user_agent = with; }},
    };
    for (const auto &[field, set] : of_clients) {
        check_case = field;
        oss::client_options options = where();
        set(options, text);
        CHECK_THROWS(oss::client(options), invalid_argument, field);
    }
    using set_upload = void (*)(oss::upload_options &, const std::string &);
    const std::pair<const char *, set_upload> of_uploads[] = {
        {"bucket", [](auto &to, auto &with) { to.bucket = with; }},
        {"object_key", [](auto &to, auto &with) { to.object_key = with; }},
        {"file_path", [](auto &to, auto &with) { to.file_path = with; }},
        {"checkpoint_path", [](auto &to, auto &with) { to.checkpoint_path = with; }},
        {"checkpoint_dir", [](auto &to, auto &with) { to.checkpoint_dir = with; }},
        {"headers", [](auto &to, auto &with) { to.headers = {{with, "x"}}; }},
        {"headers", [](auto &to, auto &with) { to.headers = {{"Expires", with}}; }},
        {"metadata", [](auto &to, auto &with) { to.metadata = {{with, "x"}}; }},
        {"metadata", [](auto &to, auto &with) { to.metadata = {{"x", with}}; }},
    };
    for (const auto &[field, set] : of_uploads) {
        check_case = field;
        oss::upload_options options = what("nul");
        set(options, text);
        CHECK_THROWS(client.start(options), invalid_argument, field);
    }
}

static void copies()
{
    check_case = "copies";
    std::vector<oss::error> errors;
    {
        oss_error raw{};
        raw.status = OSS_TIMEOUT;
        strcpy(raw.message, "it took too long");
        strcpy(raw.request_id, "R1");
        oss::error first(raw);
        errors.push_back(first);
        errors.push_back(std::move(first));
        // Moving copies: there is no error without facts.
        CHECK(first.request_id() == "R1"); // NOLINT
    }
    errors.emplace_back(oss::status::paused, "made by a program");
    errors[0] = errors[2];
    CHECK_ERROR(errors[0], paused, "made by a program");
    CHECK_ERROR(errors[1], timeout, "it took too long");
    CHECK(errors[1].request_id() == "R1" && !errors[1].stopped() && errors[0].stopped());
    CHECK(!errors[0].os_error() && errors[0].result().size == 0);
}

static void names()
{
    check_case = "names";
    CHECK(name(oss::status::checkpoint_busy) == "OSS_CHECKPOINT_BUSY");
    CHECK(name(static_cast<oss::status>(-1234)) == "OSS_UNKNOWN");
    CHECK(oss::version() == OSS_VERSION);
    CHECK_NUMBER(oss::version_number(), OSS_VERSION_NUMBER);
}

int main()
{
    fixture_begin();
    {
        oss::client client(where());
        of_the_server(client);
        of_the_file(client);
        of_the_options();
        nul(client);
    }
    copies();
    names();
    return fixture_end();
}
