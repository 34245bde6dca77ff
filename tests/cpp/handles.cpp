/*
 * Clients and uploads as owners: moved, never copied, gone in any order, shared by threads; and uploads that are waited
 * for, paused and cancelled. Under valgrind nothing may be left of them.
 */
#include "fixture.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

template <class Handle> constexpr bool is_owner()
{
    return !std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle> &&
           std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle> &&
           std::is_nothrow_swappable_v<Handle> && std::is_nothrow_destructible_v<Handle>;
}

static_assert(is_owner<oss::client>() && is_owner<oss::upload>());
static_assert(!std::is_default_constructible_v<oss::client> && std::is_nothrow_default_constructible_v<oss::upload>);
static_assert(!std::is_convertible_v<oss::client, bool> && !std::is_convertible_v<oss::upload, bool>);
// Nothing but the handle: an owner costs no more than the pointer.
static_assert(sizeof(oss::client) == sizeof(void *) && sizeof(oss::upload) == sizeof(void *));

/// Moves by a reference, which compilers do not see through.
template <class T> static void move_into(T &to, T &from)
{
    to = std::move(from);
}

static void moves()
{
    check_case = "moves";
    oss::client first(where());
    oss::client second(std::move(first));
    CHECK(!first && second); // NOLINT: a moved-from handle is empty, as documented.
    move_into(second, second);
    CHECK(second);
    move_into(first, second);
    CHECK(first && !second);
    oss::upload upload;
    CHECK(!upload && upload.get() == nullptr);
    upload = first.start(what("moved"));
    oss_upload *handle = upload.get();
    move_into(upload, upload);
    CHECK(upload.get() == handle);
    std::vector<oss::upload> uploads;
    uploads.push_back(std::move(upload));
    uploads.insert(uploads.begin(), first.start(what("inserted")));
    CHECK(!upload && uploads[1].get() == handle);
    for (auto &each : uploads) CHECK(each.wait().parts == 5);
    // Assigning over an upload gives the old one back.
    uploads[0] = std::move(uploads[1]);
    CHECK(uploads[0].wait().parts == 5);
}

static void empty_ones()
{
    check_case = "empty ones";
    oss::client client(where());
    const oss::client taken(std::move(client));
    CHECK_THROWS(client.start(what("nothing")), invalid_argument, "client");
    CHECK_THROWS(client.upload_file(what("nothing")), invalid_argument, "client");
    CHECK_THROWS((client.set_credentials("a", "b"), 0), invalid_argument, "client");
    CHECK(!client.next_event());
    oss::upload upload;
    upload.pause();
    upload.cancel();
    CHECK(!upload.next_event());
    CHECK(upload.progress().phase == oss::phase::preparing && !upload.progress().eta);
    bool called = false;
    CHECK_THROWS(upload.wait([&](const oss::progress &) { called = true; }), invalid_argument, "no upload");
    CHECK_THROWS(upload.wait_for(1s), invalid_argument, "no upload");
    CHECK(!called);
}

static void gone_in_any_order()
{
    check_case = "gone in any order";
    oss::upload survivor;
    {
        oss::client client(where());
        survivor = client.start(what("client-first"));
        // Gone while it runs, which pauses it; without a checkpoint nothing stays on the server.
        oss::upload stalled = client.start(what("stalls-dropped"));
        while (!stalls(stalled.progress())) pause_a_millisecond();
    }
    CHECK(survivor.wait().parts == 5);
    CHECK(survivor.wait().parts == 5);
    CHECK(survivor.progress().phase == oss::phase::ended);
}

static void waits()
{
    check_case = "waits";
    oss::client client(where());
    oss::upload_options options = what("stalls-waited");
    options.checkpoint_path = in_scratch("waited.cp");
    oss::upload upload = client.start(options);
    CHECK(!upload.wait_for(0ms) && !upload.wait_for(-1h));
    while (!stalls(upload.progress())) CHECK(!upload.wait_for(5ms));
    const oss::progress now = upload.progress();
    CHECK(now.phase == oss::phase::uploading);
    CHECK_NUMBER(now.parts_total, 5);
    CHECK(now.total_bytes > 4 * PART && now.done_bytes >= 2 * PART && now.parts_done == 2);
    upload.pause();
    CHECK_THROWS(upload.wait_for(24h * 365), paused, "");
    const oss::error paused = error_of([&] { return upload.wait(); });
    CHECK(paused.stopped());
    CHECK(paused.result().bytes_sent >= 2 * PART);
    CHECK(std::filesystem::exists(options.checkpoint_path));

    upload = client.start(options);
    const oss::result stored = upload.wait();
    CHECK_NUMBER(stored.parts_resumed, 2);
    CHECK_NUMBER(stored.bytes_resumed, 2 * PART);
    // Not much more than the rest of the file: the list of parts at the end.
    CHECK(stored.bytes_sent >= stored.size - 2 * PART && stored.bytes_sent < stored.size - PART);
    const std::optional<oss::result> again = upload.wait_for(0ms);
    CHECK(again && again->etag == stored.etag && !again->etag.empty());
    CHECK(!std::filesystem::exists(options.checkpoint_path));

    upload = client.start(what("stalls-cancelled"));
    while (!stalls(upload.progress())) pause_a_millisecond();
    upload.cancel();
    CHECK_THROWS(upload.wait(), cancelled, "");
}

static void many_threads()
{
    check_case = "many threads";
    oss::client client(where());
    oss::upload shared = client.start(what("shared-by-waiters"));
    std::atomic<int> stored{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&] { stored += shared.wait([](const oss::progress &) {}).parts == 5; });
        threads.emplace_back([&, i] { stored += client.upload_file(what("thread-" + std::to_string(i))).parts == 5; });
        threads.emplace_back([&] { client.set_credentials(setting("ID"), setting("SECRET")); });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK_NUMBER(stored, 8);
}

/// The driver's server refuses the key that the client begins with.
static void new_credentials()
{
    check_case = "new credentials";
    oss::client_options options = where();
    options.access_key_secret = "not-the-secret";
    oss::client client(options);
    CHECK_THROWS(client.upload_file(what("refused")), service, "SignatureDoesNotMatch");
    CHECK_THROWS((client.set_credentials(setting("ID"), ""), 0), credentials, "");
    CHECK_THROWS((client.set_credentials(setting("ID"), std::string("a\0b", 3)), 0), invalid_argument, "access_key_secret");
    client.set_credentials(setting("ID"), setting("SECRET"));
    CHECK(client.upload_file(what("new-credentials")).parts == 5);
    client.set_credentials(setting("ID"), setting("SECRET"), "a-token-that-nobody-knows");
    CHECK_THROWS(client.upload_file(what("refused")), service, "");
}

static void events()
{
    check_case = "events";
    oss::client client(where());
    CHECK(!client.next_event());
    oss::upload upload = client.start(what("retried"));
    while (upload.next_event()) {}
    const oss::result stored = upload.wait();
    unsigned parts = 0, retries = 0;
    oss::event last;
    while (std::optional<oss::event> event = client.next_event()) {
        parts += event->kind == oss::event_kind::part_done;
        if (event->kind == oss::event_kind::retry) {
            retries++;
            CHECK(event->operation == "UploadPart" && event->service_code == "SlowDown");
            CHECK(event->http_status == 503 && event->part_number == 1 && event->attempt == 1 && event->upload == 1);
            CHECK(!event->request_id.empty() && event->object_key == "retried" && event->elapsed > 0ms);
        }
        last = *event;
    }
    CHECK_NUMBER(parts, stored.parts);
    CHECK_NUMBER(retries, 1);
    CHECK(last.kind == oss::event_kind::ended && last.message == "stored" && last.at >= 0ms);
    CHECK(upload.next_event().has_value());
}

int main()
{
    fixture_begin();
    moves();
    empty_ones();
    gone_in_any_order();
    waits();
    many_threads();
    new_credentials();
    events();
    return fixture_end();
}
