/*
 * Batches: many files, each to exactly one outcome.
 */
#include "fixture.hpp"

#include <fstream>
#include <map>
#include <thread>

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<oss::batch> && std::is_nothrow_move_constructible_v<oss::batch>);
static_assert(std::is_nothrow_default_constructible_v<oss::batch> && sizeof(oss::batch) == sizeof(void *));
#if __cplusplus >= 202002L
static_assert(std::input_iterator<oss::batch::outcome_range::iterator>);
#endif

static oss::batch_options which(const std::string &prefix)
{
    oss::batch_options options;
    options.bucket = setting("BUCKET");
    options.key_prefix = prefix;
    options.part_size = PART;
    options.outcomes = true;
    return options;
}

static void write(const std::string &name, std::string_view text)
{
    std::ofstream(in_scratch(name)) << text;
}

/// One of each kind, and the same folder again.
static void a_folder(oss::client &client)
{
    check_case = "folder";
    std::filesystem::create_directory(in_scratch("tree"));
    write("tree/small", "abc");
    write("tree/bytes-\xff", "");
    write("tree/a.tmp", "");
    write("tree/b.log", "");
    std::filesystem::create_symlink(setting("FILE"), in_scratch("tree/large"));
    std::filesystem::create_symlink("nowhere", in_scratch("tree/broken"));
    oss::batch_options options = which("tree/");
    options.directory = in_scratch("tree");
    options.manifest_path = in_scratch("manifest");
    options.exclude = {"*.tmp", "*.log"};
    options.headers = {{"Content-Type", "text/x-test"}};
    options.metadata = {{"a", "b"}};
    options.key_encoding = oss::key_encoding::percent;
    oss::batch batch = client.start_batch(options);
    std::map<std::filesystem::path, oss::outcome> outcomes;
    for (const oss::outcome &file : batch.outcomes()) CHECK(outcomes.emplace(file.path, file).second);
    CHECK_NUMBER(outcomes.size(), 6);
    CHECK(batch.outcomes().begin() == batch.outcomes().end() && !batch.next_outcome());
    oss::outcome next;
    CHECK(batch.next_outcome_for(1h, next) == oss::status::end);

    const oss::outcome &large = outcomes["large"];
    CHECK(large.status == oss::outcome_status::stored && !large.resumed && !large.error && large.rule.empty());
    CHECK(large.key == "tree/large" && large.crc64 != 0 && !large.etag.empty() && !large.request_id.empty());
    CHECK(large.size == std::filesystem::file_size(setting("FILE")) && large.attempts == 7);
    CHECK(outcomes["bytes-\xff"].key == "tree/bytes-%FF");
    CHECK(outcomes["a.tmp"].status == oss::outcome_status::skipped && outcomes["a.tmp"].rule == "exclude: *.tmp");
    CHECK(outcomes["b.log"].rule == "exclude: *.log");
    const oss::outcome &broken = outcomes["broken"];
    CHECK(broken.status == oss::outcome_status::failed);
    CHECK_ERROR(broken.error.value(), io, "broken");
    CHECK(broken.error.value().os_error() == std::errc::no_such_file_or_directory);

    CHECK_THROWS(batch.wait(), files_failed, "1 of 4 files failed");
    const oss::batch_result known = error_of([&] { return batch.wait_for(0ms); }).batch_result();
    CHECK(known.files_stored == 3 && known.files_skipped == 2 && known.files_failed == 1);
    CHECK(known.bytes_stored == large.size + 3 && known.requests >= 8);
    const oss::batch_progress last = batch.progress();
    CHECK(last.ended && last.totals_known && last.files_found == 4 && last.files_stored == 3 && last.bytes_done == last.bytes_found);

    check_case = "folder again";
    std::filesystem::remove(in_scratch("tree/broken"));
    options.mode = oss::batch_mode::changed;
    options.outcomes = false;
    int calls = 0;
    const oss::batch_result again = client.start_batch(options).wait([&](const oss::batch_progress &) { calls++; });
    CHECK(again.files_unchanged == 3 && again.files_stored == 0 && again.requests == 0 && calls >= 1);
    std::filesystem::remove_all(in_scratch("tree"));
    std::filesystem::remove(in_scratch("manifest"));
}

static void files_are_added(oss::client &client)
{
    check_case = "added";
    oss::batch first = client.start_batch(which("many/"));
    oss::batch batch = std::move(first);
    CHECK(!first && batch); // NOLINT: a moved-from handle is empty, as documented.
    oss::outcome next;
    CHECK(batch.next_outcome_for(0ms, next) == oss::status::pending);
    std::thread other([&] {
        for (int i = 0; i < 5; i++) {
            while (!batch.add_for(setting("SMALL_FILE"), "many/" + std::to_string(i), 1ms)) {
            }
        }
        batch.add(setting("FILE"), "added");
        batch.seal();
        batch.seal();
    });
    int outcomes = 0;
    while (batch.next_outcome_for(1h, next) == oss::status::ok) outcomes += next.status == oss::outcome_status::stored;
    other.join();
    CHECK_NUMBER(outcomes, 6);
    CHECK(batch.wait().files_stored == 6 && batch.wait_for(0ms)->files_stored == 6);
    CHECK_THROWS((batch.add("path"), 0), invalid_argument, "sealed");
    CHECK_THROWS((batch.add(std::string("a\0b", 3)), 0), invalid_argument, "file_path has a NUL");
    CHECK_THROWS((batch.add("path", std::string("a\0b", 3)), 0), invalid_argument, "object_key has a NUL");
}

static oss::batch start_large(oss::client &client, const std::string &key)
{
    check_case = "stopped";
    oss::batch batch = client.start_batch(which(""));
    batch.add(setting("FILE"), key);
    batch.seal();
    return batch;
}

/// The driver's server takes the third part in only when it comes again.
static bool stalls(const oss::batch_progress &now) { return now.current_done >= 2 * PART; }

static void stopped(oss::client &client)
{
    oss::batch batch = start_large(client, "stalls-cancelled");
    CHECK_THROWS(batch.wait([](const oss::batch_progress &now) {
        return stalls(now) ? oss::control::cancel : oss::control::proceed;
    }), cancelled, "");
    CHECK(!batch.next_outcome());
    batch.pause();
    CHECK_THROWS(batch.wait(), cancelled, "");

    batch = start_large(client, "stalls-thrown");
    int thrown = 0;
    try {
        batch.wait([](const oss::batch_progress &now) {
            if (stalls(now)) throw 3;
        });
    } catch (int number) {
        thrown = number;
    }
    CHECK_NUMBER(thrown, 3);
    CHECK_THROWS(batch.wait_for(0ms), paused, "");

    batch = start_large(client, "stalls-left");
    while (!stalls(batch.progress())) CHECK(!batch.wait_for(1ms));
    batch = oss::batch();
}

static void none(oss::client &client)
{
    check_case = "none";
    oss::batch batch;
    oss::outcome next;
    batch.pause(), batch.cancel();
    CHECK(!batch && batch.get() == nullptr && !batch.next_outcome() && !batch.progress().ended);
    CHECK(batch.next_outcome_for(1h, next) == oss::status::end && batch.outcomes().begin() == batch.outcomes().end());
    CHECK_THROWS(batch.wait(), invalid_argument, "no batch");
    CHECK_THROWS(batch.wait_for(0ms), invalid_argument, "no batch");
    CHECK_THROWS((batch.add("path"), 0), invalid_argument, "no batch");
    CHECK_THROWS((batch.seal(), 0), invalid_argument, "no batch");
    oss::batch_options wrong = which("a");
    wrong.mode = oss::batch_mode::verify;
    CHECK_THROWS(client.start_batch(wrong), invalid_argument, "manifest_path");
    wrong = which("a");
    wrong.exclude = {std::string("a\0b", 3)};
    CHECK_THROWS(client.start_batch(wrong), invalid_argument, "exclude has a NUL");
}

int main()
{
    fixture_begin();
    {
        oss::client client(where());
        a_folder(client);
        files_are_added(client);
        stopped(client);
        none(client);
    }
    return fixture_end();
}
