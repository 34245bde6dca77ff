/*
 * Progress callbacks: of every form, what they return, and above all what they throw. An exception pauses the upload,
 * reaches the caller as it was thrown, and leaves nothing behind but what a resume needs.
 */
#include "fixture.hpp"

#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>

static_assert(!std::is_constructible_v<oss::progress_function, int>);
static_assert(!std::is_constructible_v<oss::progress_function, void (*)(int)>);
static_assert(std::is_nothrow_default_constructible_v<oss::progress_function>);

static unsigned calls;

static void count(const oss::progress &) { calls++; }
static oss::control count_and_proceed(const oss::progress &)
{
    calls++;
    return oss::control::proceed;
}

struct counter {
    unsigned calls = 0;
    void operator()(const oss::progress &) { calls++; }
};

static void forms(oss::client &client)
{
    check_case = "forms";
    const oss::progress_function none[] = {
        {},
        nullptr,
        static_cast<void (*)(const oss::progress &)>(nullptr),
        std::function<void(const oss::progress &)>(),
        std::function<oss::control(const oss::progress &)>(),
    };
    for (const auto &function : none) CHECK(!function);
    client.upload_file(what("form-none"), none[3]);
    const std::function<void(const oss::progress &)> returns_nothing = count;
    const oss::progress_function some[] = {
        count, &count_and_proceed, returns_nothing, [](const auto &) { calls++; }, [](oss::progress) { calls++; }};
    for (const auto &function : some) {
        CHECK(function);
        calls = 0;
        client.upload_file(what("form-some"), function);
        CHECK(calls > 0);
    }
    // Kept by reference when that is what the caller wants.
    counter counted;
    client.upload_file(what("form-reference"), std::ref(counted));
    CHECK(counted.calls > 0);
}

static void sees_the_end_on_this_thread(oss::client &client)
{
    check_case = "sees the end, on this thread";
    const std::thread::id here = std::this_thread::get_id();
    oss::progress last;
    const oss::result stored = client.upload_file(what("seen"), [&](const oss::progress &now) {
        CHECK(std::this_thread::get_id() == here);
        CHECK(now.done_bytes >= last.done_bytes);
        last = now;
    });
    CHECK(last.phase == oss::phase::ended);
    CHECK(last.done_bytes == stored.size && last.total_bytes == stored.size);
    CHECK_NUMBER(last.parts_done, 5);
}

static oss::upload_options with_checkpoint(const std::string &key)
{
    oss::upload_options options = what(key);
    options.checkpoint_path = in_scratch(key + ".cp");
    return options;
}

/// It left its checkpoint, from which the next call goes on.
static void resumes(oss::client &client, const oss::upload_options &options)
{
    CHECK(std::filesystem::exists(options.checkpoint_path));
    const oss::result stored = client.upload_file(options);
    CHECK_NUMBER(stored.parts_resumed, 2);
    CHECK(!std::filesystem::exists(options.checkpoint_path));
}

static void stop(oss::client &client)
{
    check_case = "pause";
    const oss::upload_options pauses = with_checkpoint("stalls-pause");
    const auto pause = [](const oss::progress &now) {
        return stalls(now) ? oss::control::pause : oss::control::proceed;
    };
    CHECK_THROWS(client.upload_file(pauses, pause), paused, "");
    resumes(client, pauses);
    check_case = "cancel";
    const oss::upload_options cancels = with_checkpoint("stalls-cancel");
    const auto cancel = [](const oss::progress &now) {
        return stalls(now) ? oss::control::cancel : oss::control::proceed;
    };
    CHECK_THROWS(client.upload_file(cancels, cancel), cancelled, "");
    CHECK(!std::filesystem::exists(cancels.checkpoint_path));
    check_case = "another value";
    const oss::upload_options other = with_checkpoint("stalls-other");
    const auto another = [](const oss::progress &now) {
        return stalls(now) ? static_cast<oss::control>(77) : oss::control::proceed;
    };
    CHECK_THROWS(client.upload_file(other, another), paused, "");
    resumes(client, other);
}

/// Whoever of these is left over is a leak that valgrind sees.
struct owned {
    explicit owned(int number_) : number(std::make_unique<int>(number_)) {}
    std::shared_ptr<int> number;
};

template <class Thrown> static Thrown caught(oss::client &client, const oss::upload_options &options, Thrown thrown)
{
    bool called_again = false, has_thrown = false;
    try {
        client.upload_file(options, [&](const oss::progress &now) {
            called_again = has_thrown;
            if (!stalls(now)) return;
            has_thrown = true;
            throw thrown;
        });
    } catch (const Thrown &exception) {
        CHECK(has_thrown && !called_again);
        return exception;
    }
    check_at(__FILE__, __LINE__, 0, "the exception arrives");
    return thrown;
}

static void throws(oss::client &client)
{
    check_case = "throws an exception";
    oss::upload_options options = with_checkpoint("stalls-exception");
    CHECK(std::string(caught(client, options, std::runtime_error("mine")).what()) == "mine");
    // It has ended when the exception arrives: nobody holds the checkpoint.
    resumes(client, options);
    check_case = "throws a number";
    CHECK_NUMBER(caught(client, options = with_checkpoint("stalls-number"), 42), 42);
    resumes(client, options);
    check_case = "throws an owner";
    CHECK_NUMBER(*caught(client, options = with_checkpoint("stalls-owner"), owned(7)).number, 7);
    resumes(client, options);
    check_case = "throws an error of this library";
    const oss::error mine(oss::status::io, "mine too");
    CHECK_ERROR(caught(client, options = with_checkpoint("stalls-error"), mine), io, "mine too");
    resumes(client, options);
    check_case = "throws without a checkpoint";
    caught(client, what("stalls-without"), std::bad_alloc());
}

static void throws_at_wait(oss::client &client)
{
    check_case = "throws at wait()";
    const oss::upload_options options = with_checkpoint("stalls-wait");
    oss::upload upload = client.start(options);
    while (!stalls(upload.progress())) pause_a_millisecond();
    bool arrived = false;
    try {
        upload.wait([](const oss::progress &) { throw 1; });
    } catch (int) {
        arrived = true;
    }
    CHECK(arrived);
    // It has ended, and still tells how.
    CHECK_THROWS(upload.wait_for(std::chrono::milliseconds(0)), paused, "");
    resumes(client, options);
}

/// At its end nothing can be paused any more: the object is there, and the exception arrives.
static void throws_at_the_end(oss::client &client)
{
    check_case = "throws at the end";
    bool arrived = false;
    try {
        client.upload_file(what("thrown-at-the-end"), [](const oss::progress &now) {
            if (now.phase == oss::phase::ended) throw std::logic_error("too late");
        });
    } catch (const std::logic_error &) {
        arrived = true;
    }
    CHECK(arrived);
}

static void throws_when_copied(oss::client &client)
{
    check_case = "throws when it is copied";
    struct uncopyable {
        uncopyable() = default;
        uncopyable(const uncopyable &) { throw 5; }
        void operator()(const oss::progress &) const { calls++; }
    } const function;
    calls = 0;
    bool arrived = false;
    try {
        client.upload_file(what("never-started"), function);
    } catch (int) {
        arrived = true;
    }
    CHECK(arrived && calls == 0);
}

int main()
{
    fixture_begin();
    {
        oss::client client(where());
        forms(client);
        sees_the_end_on_this_thread(client);
        stop(client);
        throws(client);
        throws_at_wait(client);
        throws_at_the_end(client);
        throws_when_copied(client);
    }
    return fixture_end();
}
