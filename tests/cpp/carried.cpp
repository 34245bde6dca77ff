/*
 * Every field of C's structs and every constant is there in C++, and goes to its own place. carried.inc, which the test
 * driver makes from oss_upload.h, names them all: what C gets, C++ must get too, or this does not compile.
 */
#include "fixture.hpp"

#include <map>

using namespace std::chrono_literals;

#define NUMBER(cpp, c) static_assert(static_cast<std::int64_t>(cpp) == static_cast<std::int64_t>(c), #cpp " is " #c);
#include "carried.inc"
#undef NUMBER
static_assert(oss::part_size_auto == OSS_PART_SIZE_AUTO && oss::routines_auto == OSS_ROUTINES_AUTO);

/// What the library was given, as texts, by the names of the fields.
using given = std::map<std::string, std::string>;
static given seen;

static std::string shown(const char *text) { return text == nullptr ? "" : text; }
static std::string shown(std::uint64_t number) { return number == 0 ? "" : std::to_string(number); }
static std::string shown(const oss_header *headers)
{
    // The programs here give two.
    return headers == nullptr ? "" : std::string(headers[0].name) + '=' + headers[0].value + ' ' + headers[1].name + '=' + headers[1].value;
}

extern "C" {
oss_status __real_oss_client_new(const oss_client_options *options, oss_client **out, oss_error *error);
oss_status __wrap_oss_client_new(const oss_client_options *options, oss_client **out, oss_error *error);
oss_status __real_oss_upload_start(oss_client *client, const oss_upload_options *options, oss_upload **out, oss_error *error);
oss_status __wrap_oss_upload_start(oss_client *client, const oss_upload_options *options, oss_upload **out, oss_error *error);
oss_status __real_oss_batch_start(oss_client *client, const oss_batch_options *options, oss_batch **out, oss_error *error);
oss_status __wrap_oss_batch_start(oss_client *client, const oss_batch_options *options, oss_batch **out, oss_error *error);
}

/// Stands between this program and the library: the linker is told so.
oss_status __wrap_oss_client_new(const oss_client_options *options, oss_client **out, oss_error *error)
{
    CHECK_NUMBER(options->struct_size, sizeof(*options));
    seen.clear();
#define CLIENT_OPTION(kind, field, cpp) seen[#field] = shown(options->field);
#include "carried.inc"
#undef CLIENT_OPTION
    return __real_oss_client_new(options, out, error);
}

oss_status __wrap_oss_upload_start(oss_client *client, const oss_upload_options *options, oss_upload **out, oss_error *error)
{
    CHECK_NUMBER(options->struct_size, sizeof(*options));
    CHECK_NUMBER(options->reserved, 0);
    seen.clear();
#define UPLOAD_OPTION(kind, field, cpp) seen[#field] = shown(options->field);
#include "carried.inc"
#undef UPLOAD_OPTION
    seen["headers"] = shown(options->headers);
    seen["header_count"] = shown(std::uint64_t{options->header_count});
    return __real_oss_upload_start(client, options, out, error);
}

oss_status __wrap_oss_batch_start(oss_client *client, const oss_batch_options *options, oss_batch **out, oss_error *error)
{
    CHECK_NUMBER(options->struct_size, sizeof(*options));
    seen.clear();
#define BATCH_OPTION(kind, field, cpp) seen[#field] = shown(options->field);
#include "carried.inc"
#undef BATCH_OPTION
    seen["headers"] = shown(options->headers);
    seen["header_count"] = shown(std::uint64_t{options->header_count});
    return __real_oss_batch_start(client, options, out, error);
}

static void check_given(const given &wanted)
{
    for (const auto &[field, value] : seen) {
        check_case = field.c_str();
        const auto found = wanted.find(field);
        const std::string should = found == wanted.end() ? "" : found->second;
        if (!CHECK(value == should)) fprintf(stderr, "    is \"%s\", should be \"%s\"\n", value.c_str(), should.c_str());
    }
    for (const auto &[field, value] : wanted) {
        check_case = field.c_str();
        CHECK(seen.count(field) == 1);
    }
}

static unsigned next_number = 1000;

/// A value that no other option gets, as far as its type allows, and what the library must be given for it.
static std::string set(std::string &option) { return option = "text " + std::to_string(next_number++); }
static std::string set(std::optional<std::string> &option) { return set(option.emplace()); }
static std::string set(std::filesystem::path &option)
{
    option = "file \xff " + std::to_string(next_number++);
    return option.native();
}
static std::string set(std::vector<std::string> &option)
{
    const std::string first = set(option.emplace_back());
    return first + '\n' + set(option.emplace_back());
}
static std::string set(bool &option)
{
    option = true;
    return "1";
}
static std::string set(std::uint32_t &option) { return std::to_string(option = UINT32_MAX - next_number++); }
static std::string set(std::uint64_t &option) { return std::to_string(option = UINT64_MAX - next_number++); }
static std::string set(std::chrono::milliseconds &option)
{
    // As long as it may be, for the first of them.
    static std::uint32_t longest = UINT32_MAX;
    option = std::chrono::milliseconds(longest);
    return std::to_string(longest--);
}
template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>> static std::string set(Enum &option)
{
    option = static_cast<Enum>(next_number);
    return std::to_string(next_number++);
}

/// Each is set alone: two that are mixed up would not be seen among all.
static void client_options_arrive()
{
    (void)error_of([] { return oss::client(oss::client_options{}); });
    check_given({});
#define CLIENT_OPTION(kind, field, cpp)                   \
    {                                                     \
        oss::client_options options;                      \
        const given wanted{{#field, set(options.cpp)}};   \
        (void)error_of([&] { return oss::client(options); }); \
        check_given(wanted);                              \
    }
#include "carried.inc"
#undef CLIENT_OPTION
}

static void upload_options_arrive()
{
    oss::client client(where());
    (void)error_of([&] { return client.start(oss::upload_options{}); });
    check_given({});
#define UPLOAD_OPTION(kind, field, cpp)                   \
    {                                                     \
        oss::upload_options options;                      \
        const given wanted{{#field, set(options.cpp)}};   \
        (void)error_of([&] { return client.start(options); }); \
        check_given(wanted);                              \
    }
#include "carried.inc"
#undef UPLOAD_OPTION
    oss::upload_options options;
    options.headers = {{"Content-Type", "text/x-test"}};
    options.metadata = {{"author", "me"}};
    (void)error_of([&] { return client.start(options); });
    check_given({{"headers", "Content-Type=text/x-test x-oss-meta-author=me"}, {"header_count", "2"}});
}

static void batch_options_arrive()
{
    oss::client client(where());
    (void)error_of([&] { return client.start_batch(oss::batch_options{}); });
    check_given({});
#define BATCH_OPTION(kind, field, cpp)                          \
    {                                                           \
        oss::batch_options options;                             \
        const given wanted{{#field, set(options.cpp)}};         \
        (void)error_of([&] { return client.start_batch(options); }); \
        check_given(wanted);                                    \
    }
#include "carried.inc"
#undef BATCH_OPTION
    oss::batch_options options;
    options.headers = {{"Content-Type", "text/x-test"}};
    options.metadata = {{"author", "me"}};
    (void)error_of([&] { return client.start_batch(options); });
    check_given({{"headers", "Content-Type=text/x-test x-oss-meta-author=me"}, {"header_count", "2"}});
}

/// With real requests: the test driver looks at what its server got.
static void uploads_arrive()
{
    check_case = "uploads";
    oss::client_options options = where();
    options.user_agent = "a-cpp-program/1";
    options.signature_version = oss::signature::v1;
    oss::client client(options);
    oss::upload_options described = what("described");
    described.headers = {{"Content-Type", "text/x-test"}, {"x-oss-storage-class", "IA"}};
    described.metadata = {{"author", "a c++ program"}, {"empty", ""}};
    described.content_md5 = true;
    described.part_size = 2 * PART;
    described.routines = 2;
    const oss::result stored = client.upload_file(described);
    CHECK(stored.parts == 3 && stored.part_size == 2 * PART && stored.size == std::filesystem::file_size(described.file_path));
    CHECK(stored.crc64 != 0 && !stored.etag.empty() && !stored.version_id.empty() && !stored.request_id.empty());
    CHECK(stored.attempts >= 5 && !stored.upload_id.empty() && stored.restart_reason.empty() && !stored.part_size_raised);
    oss::upload_options bytes = what("\xe7\x9b\xae/ +%?#&=.bin");
    bytes.file_path = in_scratch("file \xff\xfe");
    std::filesystem::copy_file(setting("SMALL_FILE"), bytes.file_path);
    CHECK_NUMBER(client.upload_file(bytes).parts, 1);
    std::filesystem::remove(bytes.file_path);
}

template <class T, class = std::enable_if_t<std::is_integral_v<T>>> static void fill(T &number)
{
    number = static_cast<T>(next_number++);
}

template <std::size_t size> static void fill(char (&text)[size])
{
    snprintf(text, size, "text %u", next_number++);
}

template <std::size_t size> static bool same(const char (&raw)[size], std::string_view text) { return text == raw; }
// Texts become paths by themselves: this is for those that are.
template <std::size_t size, class Path, class = std::enable_if_t<std::is_same_v<Path, std::filesystem::path>>>
static bool same(const char (&raw)[size], const Path &path) { return path == raw; }
template <class T, class = std::enable_if_t<std::is_integral_v<T>>> static bool same(T raw, T number) { return raw == number; }
static bool same(std::uint32_t raw, bool flag) { return (raw != 0) == flag; }
static bool same(std::int32_t raw, const std::error_code &error) { return raw == error.value(); }
static bool same(std::uint64_t raw, std::chrono::milliseconds time) { return time == std::chrono::milliseconds(raw); }
static bool same(std::uint64_t raw, std::optional<std::chrono::milliseconds> time) { return time && same(raw, *time); }
template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>> static bool same(std::int64_t raw, Enum value)
{
    return raw == static_cast<std::int64_t>(value);
}

static void outputs_arrive()
{
    oss_result result{};
    oss_progress progress{};
    oss_event event{};
    oss_error error{};
    oss_batch_result batch_result{};
    oss_batch_progress batch_progress{};
    oss_outcome outcome{};
#define RESULT(field, cpp) fill(result.field);
#define PROGRESS(field, cpp) fill(progress.field);
#define EVENT(field, cpp) fill(event.field);
#define ERROR(field, cpp) fill(error.field);
#define BATCH_RESULT(field, cpp) fill(batch_result.field);
#define BATCH_PROGRESS(field, cpp) fill(batch_progress.field);
#define OUTCOME(field, cpp) fill(outcome.field);
#include "carried.inc"
#undef RESULT
#undef PROGRESS
#undef EVENT
#undef ERROR
#undef BATCH_RESULT
#undef BATCH_PROGRESS
#undef OUTCOME
    const oss::error failed(error, oss::detail::value(result));
    const oss::error of_batch(error, oss::detail::value(batch_result));
#define SAME(of, field, value) \
    check_case = of "." #field; \
    CHECK(value);
#define RESULT(field, cpp) SAME("result", field, same(result.field, failed.result().cpp))
#define PROGRESS(field, cpp) SAME("progress", field, same(progress.field, oss::detail::value(progress).cpp))
#define EVENT(field, cpp) SAME("event", field, same(event.field, oss::detail::value(event).cpp))
#define ERROR(field, cpp) SAME("error", field, same(error.field, failed.cpp))
#define BATCH_RESULT(field, cpp) SAME("batch_result", field, same(batch_result.field, of_batch.batch_result().cpp))
#define BATCH_PROGRESS(field, cpp) SAME("batch_progress", field, same(batch_progress.field, oss::detail::value(batch_progress).cpp))
#define OUTCOME(field, cpp) SAME("outcome", field, same(outcome.field, oss::detail::value(outcome).cpp))
#include "carried.inc"
#undef RESULT
#undef PROGRESS
#undef EVENT
#undef ERROR
#undef BATCH_RESULT
#undef BATCH_PROGRESS
#undef OUTCOME
    check_case = "outcome.error";
    CHECK(!oss::detail::value(outcome).error);
    outcome.error = error;
    CHECK(oss::detail::value(outcome).error.value().what() == std::string_view(error.message));
    batch_progress.eta_ms = OSS_ETA_UNKNOWN;
    CHECK(!oss::detail::value(batch_progress).eta && !oss::detail::value(oss_batch_progress{}).ended);
    progress.eta_ms = OSS_ETA_UNKNOWN;
    CHECK(!oss::detail::value(progress).eta);
    CHECK(!oss::detail::value(oss_result{}).part_size_raised && !oss::error(oss_error{}).retryable());
}

int main()
{
    fixture_begin();
    client_options_arrive();
    upload_options_arrive();
    batch_options_arrive();
    uploads_arrive();
    outputs_arrive();
    return fixture_end();
}
