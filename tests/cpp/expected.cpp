/*
 * C++23: the calls that return a std::expected, with exceptions and without (-fno-exceptions), and options written in
 * place.
 */
#include "fixture.hpp"

#if !OSS_UPLOAD_HAS_EXPECTED
#error "this compiler has no std::expected"
#endif

using namespace std::chrono_literals;

static_assert(std::is_same_v<decltype(std::declval<oss::client &>().try_start({})), std::expected<oss::upload, oss::error>>);

static void clients()
{
    check_case = "clients";
    const auto refused = oss::client::try_create({.endpoint = "http://127.0.0.1:1", .region = "r", .proxy = "no proxy"});
    CHECK(!refused);
    CHECK_ERROR(refused.error(), invalid_argument, "proxy");
    const auto with_nul = oss::client::try_create({.endpoint = std::string("a\0b", 3)});
    CHECK_ERROR(with_nul.error(), invalid_argument, "endpoint has a NUL");
    auto client = oss::client::try_create(where());
    REQUIRE(client.has_value());
    CHECK(client->try_set_credentials(setting("ID"), setting("SECRET")).has_value());
    CHECK_ERROR(client->try_set_credentials("", "").error(), credentials, "");
    const oss::client taken = std::move(*client);
    CHECK_ERROR(client->try_start(what("nothing")).error(), invalid_argument, "client");
}

static void uploads(oss::client &client)
{
    check_case = "uploads";
    oss::progress last;
    const auto stored = client.try_upload_file(
        {.bucket = setting("BUCKET"), .object_key = "in-place", .file_path = setting("FILE"), .metadata = {{"a", "b"}}},
        [&](const oss::progress &now) { last = now; });
    REQUIRE(stored.has_value());
    CHECK(stored->parts == 5 && last.phase == oss::phase::ended);
    auto missing = what("missing");
    missing.file_path = in_scratch("not there");
    CHECK_ERROR(client.try_upload_file(missing).error(), io, "not there");
    missing.bucket = "NO";
    CHECK_ERROR(client.try_upload_file(missing).error(), invalid_argument, "bucket");
    CHECK_ERROR(client.try_start(missing).error(), invalid_argument, "bucket");
}

static void waits(oss::client &client)
{
    check_case = "waits";
    auto upload = client.try_start(what("stalls-expected"));
    REQUIRE(upload.has_value());
    while (!stalls(upload->progress())) {
        const auto looked = upload->try_wait_for(5ms);
        CHECK(looked.has_value() && !looked->has_value());
    }
    CHECK_ERROR(upload->try_wait([](const oss::progress &) { return oss::control::pause; }).error(), paused, "");
    CHECK_ERROR(upload->try_wait_for(0ms).error(), paused, "");
    *upload = oss::upload();
    CHECK_ERROR(upload->try_wait().error(), invalid_argument, "no upload");
    upload = client.try_start(what("stalls-expected"));
    CHECK(upload->try_wait().value_or(oss::result{}).parts == 5);
    CHECK(upload->try_wait_for(0ms).value().has_value());
}

static void batches(oss::client &client)
{
    check_case = "batches";
    CHECK_ERROR(client.try_start_batch({.bucket = "NO"}).error(), invalid_argument, "bucket");
    auto batch = client.try_start_batch({.bucket = setting("BUCKET"), .outcomes = true});
    REQUIRE(batch.has_value());
    CHECK(batch->try_add(setting("FILE"), "in-batch").has_value());
    CHECK(batch->try_add_for(in_scratch("not there"), "missing", 1h).value_or(false));
    CHECK_ERROR(batch->try_add(std::filesystem::path(std::string("a\0b", 3))).error(), invalid_argument, "file_path has a NUL");
    const auto looked = batch->try_wait_for(0ms);
    CHECK(looked.has_value() && !looked->has_value());
    CHECK(batch->try_seal().has_value());
    int outcomes = 0;
    for (const oss::outcome &file : batch->outcomes()) outcomes += file.key == "in-batch" || file.error.has_value();
    CHECK_NUMBER(outcomes, 2);
    CHECK_ERROR(batch->try_wait().error(), files_failed, "1 of 2 files failed");
    CHECK_ERROR(batch->try_wait_for(0ms).error(), files_failed, "");
    *batch = oss::batch();
    CHECK_ERROR(batch->try_seal().error(), invalid_argument, "no batch");
    CHECK_ERROR(batch->try_wait().error(), invalid_argument, "no batch");
}

static void shared_uploads(oss::client &client)
{
    check_case = "shared uploads";
    const auto options = what("shared");
    const auto token = client.try_begin_shared_upload(options);
    REQUIRE(token.has_value());
    const std::uint32_t count = oss::try_shared_upload_part_count(*token).value_or(0);
    CHECK_NUMBER(count, 5);
    CHECK_ERROR(oss::try_shared_upload_part_count("no token").error(), invalid_argument, "token");
    CHECK_ERROR(oss::try_shared_upload_part_count(std::string("a\0b", 3)).error(), invalid_argument, "token has a NUL");
    CHECK_ERROR(client.try_send_parts(options, *token, 1, 6).error(), invalid_argument, "from 1 to 5");
    oss::progress last;
    const auto paused = client.try_send_parts(options, *token, 1, count, [](const oss::progress &) {
        return oss::control::cancel;
    });
    CHECK(paused.has_value() || paused.error().status() == oss::status::cancelled);
    const auto fragment = client.try_send_parts(options, *token, 1, count, [&](const oss::progress &now) { last = now; });
    REQUIRE(fragment.has_value());
    CHECK(last.parts_done == 5 && last.phase == oss::phase::ended);
    CHECK_ERROR(client.try_finish_shared_upload(options, *token, {}).error(), invalid_argument, "parts 1 to 5");
    CHECK_ERROR(client.try_finish_shared_upload(options, *token, {std::string("a\0b", 3)}).error(), invalid_argument, "NUL");
    const auto stored = client.try_finish_shared_upload(options, *token, {*fragment});
    CHECK(stored.has_value() && stored->parts == 5);
    CHECK(client.try_abort_shared_upload(options, *token).has_value());
    CHECK_ERROR(client.try_begin_shared_upload({.bucket = "NO"}).error(), invalid_argument, "file_path");
}

static void manifests()
{
    check_case = "manifests";
    CHECK_ERROR(oss::try_merge_manifests(in_scratch("merged"), {}).error(), invalid_argument, "no manifests");
    CHECK_ERROR(oss::try_merge_manifests(in_scratch("merged"), {in_scratch("none")}).error(), checkpoint, "none");
    CHECK_ERROR(oss::try_merge_manifests({}, {}).error(), invalid_argument, "out_path");
}

#if OSS_UPLOAD_HAS_EXCEPTIONS
/// What a callback throws is the program's affair, not the library's error.
static void throws(oss::client &client)
{
    check_case = "throws";
    bool arrived = false;
    try {
        (void)client.try_upload_file(what("stalls-thrown"), [](const oss::progress &) { throw 3; });
    } catch (int) {
        arrived = true;
    }
    CHECK(arrived);
}
#endif

int main()
{
    fixture_begin();
    clients();
    {
        auto client = oss::client::try_create(where());
        REQUIRE(client.has_value());
        uploads(*client);
        waits(*client);
        batches(*client);
        shared_uploads(*client);
        manifests();
#if OSS_UPLOAD_HAS_EXCEPTIONS
        throws(*client);
#endif
    }
    return fixture_end();
}
