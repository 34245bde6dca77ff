/*
 * Memory and streams: bytes that are in no file become objects.
 */
#include "fixture.hpp"

#include <cstddef>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<oss::stream> && std::is_nothrow_move_constructible_v<oss::stream>);
static_assert(std::is_nothrow_default_constructible_v<oss::stream> && sizeof(oss::stream) == sizeof(void *));

template <class Bytes, class = void> constexpr bool may_start = false;
template <class Bytes>
constexpr bool may_start<Bytes, std::void_t<decltype(std::declval<oss::client &>().start_memory(
                                    std::declval<Bytes>(), std::declval<const oss::upload_options &>()))>> = true;
static_assert(may_start<std::string &> && may_start<const std::vector<std::byte> &>);
static_assert(!may_start<std::string> && !may_start<const std::string> && !may_start<std::vector<int> &>);

static oss::upload_options to(const std::string &key)
{
    oss::upload_options options;
    options.bucket = setting("BUCKET");
    options.object_key = key;
    options.part_size = PART;
    return options;
}

static void memory(oss::client &client)
{
    check_case = "memory";
    const std::string text(3 * PART + 1, 'x');
    oss::progress last;
    const oss::result stored = client.upload_memory(text, to("text"), [&](const oss::progress &now) { last = now; });
    CHECK(stored.parts == 4 && stored.size == text.size() && last.done_bytes == text.size());
    CHECK(client.upload_memory(std::vector<unsigned char>(7), to("vector")).size == 7);
    CHECK(client.upload_memory(nullptr, 0, to("nothing")).size == 0);
    CHECK(client.upload_memory("abc", 3, to("pointer")).size == 3);
    oss::upload_options wrong = to("wrong");
    wrong.file_path = "/etc/passwd";
    CHECK_THROWS(client.upload_memory(text, wrong), invalid_argument, "file_path");
    wrong = to("wrong");
    wrong.max_memory = 1;
    CHECK_THROWS(client.start_memory(text, wrong), invalid_argument, "max_memory");
}

/// Once it is destroyed, nobody reads the bytes: valgrind and the sanitizers would see that.
static void memory_is_left_alone(oss::client &client)
{
    check_case = "memory that goes";
    std::vector<char> bytes(5 * PART);
    oss::upload upload = client.start_memory(bytes, to("stalls-memory"));
    while (!stalls(upload.progress())) pause_a_millisecond();
    upload = oss::upload();
    bytes.assign(bytes.size(), 'y');
    bytes = std::vector<char>();
}

static void streams(oss::client &client)
{
    check_case = "streams";
    const std::string text(3 * PART + 1, 'x');
    oss::stream first = client.open_stream(to("parts"));
    oss::stream stream = std::move(first);
    CHECK(!first && stream); // NOLINT: a moved-from handle is empty, as documented.
    CHECK(!stream.next_event());
    stream.write(text.data(), text.size());
    CHECK(stream.write_for("ab", 2, 1h) == 2);
    const oss::result stored = stream.finish();
    CHECK(stored.size == text.size() + 2 && stored.parts == 4 && stream.finish().etag == stored.etag);
    CHECK(stream.finish_for(0ms)->etag == stored.etag && stream.progress().phase == oss::phase::ended);
    CHECK(stream.next_event().has_value());
    CHECK_THROWS((stream.write("c", 1), 0), invalid_argument, "finished");

    stream = client.open_stream(to("small"));
    stream.pause();
    CHECK(stream.write_for("ab", 2, 0ms) == 0);
    stream.resume();
    stream.write("ab", 2);
    CHECK(stream.finish().upload_id.empty());

    stream = client.open_stream(to("aborted"));
    stream.write(text.data(), text.size());
    stream.abort();
    CHECK_THROWS((stream.write("c", 1), 0), cancelled, "");
    CHECK_THROWS(stream.finish(), cancelled, "");

    stream = client.open_stream(to("left"));
    stream.write(text.data(), text.size());
    stream = oss::stream();
    stream.abort(), stream.pause(), stream.resume();
    CHECK(!stream.next_event() && stream.progress().done_bytes == 0);
    CHECK_THROWS(stream.finish(), invalid_argument, "no stream");
    CHECK_THROWS((stream.write("c", 1), 0), invalid_argument, "no stream");
    oss::upload_options wrong = to("wrong");
    wrong.checkpoint_dir = "/tmp";
    CHECK_THROWS(client.open_stream(wrong), invalid_argument, "checkpoint_dir");
}

static void ostreams(oss::client &client)
{
    check_case = "ostream";
    oss::ostream out(client.open_stream(to("written")), 10);
    std::string wanted;
    for (int i = 0; i < 30000; i++) {
        out << i << ' ';
        wanted += std::to_string(i) + ' ';
    }
    const std::string text(PART, 'x');
    out << text << std::flush;
    CHECK(out.good());
    const oss::result stored = out.finish();
    CHECK_NUMBER(stored.size, wanted.size() + text.size());
    CHECK(client.upload_memory(wanted + text, to("compared")).crc64 == stored.crc64);
    out << std::string(100, 'x') << std::flush;
    CHECK(out.bad());
    CHECK_THROWS(out.finish(), invalid_argument, "finished");

    oss::ostream aborted(client.open_stream(to("aborted")));
    aborted << "a";
    aborted.stream().abort();
    aborted << std::flush;
    CHECK(aborted.bad());
    CHECK_THROWS(aborted.finish(), cancelled, "");

    oss::ostream left(client.open_stream(to("left")));
    left << "a" << std::flush;
}

int main()
{
    fixture_begin();
    {
        oss::client client(where());
        memory(client);
        memory_is_left_alone(client);
        streams(client);
        ostreams(client);
    }
    return fixture_end();
}
