/*
 * What the programs share: options for the test driver's server, and what must hold for every error. Assertions and
 * settings are those of the C programs.
 */
#ifndef FIXTURE_HPP
#define FIXTURE_HPP

#include <oss_upload.hpp>

#include <filesystem>
#include <string>
#include <string_view>

#include "../c/fixture.h"

// Whatever C++ takes for a condition, commas included.
#undef CHECK
#define CHECK(...) check_at(__FILE__, __LINE__, static_cast<bool>(__VA_ARGS__), #__VA_ARGS__)

/// Fails fast: tests do not wait for what will not come. But a stalled request stays until it is told to stop.
inline oss::client_options where()
{
    oss::client_options options;
    options.endpoint = setting("ENDPOINT");
    options.region = "cn-hangzhou";
    options.access_key_id = setting("ID");
    options.access_key_secret = setting("SECRET");
    options.max_attempts = 2;
    return options;
}

/// The driver's file of four parts and a shorter one.
inline oss::upload_options what(const std::string &key)
{
    oss::upload_options options;
    options.bucket = setting("BUCKET");
    options.object_key = key;
    options.file_path = setting("FILE");
    return options;
}

inline std::filesystem::path in_scratch(const std::string &name)
{
    return std::filesystem::path(setting("DIR")) / name;
}

/// The driver's server takes the third part of "stalls-..." in only when it comes again: nothing moves from here on.
inline bool stalls(const oss::progress &now)
{
    return now.sent_bytes >= 3 * PART && now.phase == oss::phase::uploading;
}

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

/// What holds for every error, and what this one must be.
inline void check_error(const char *file, int line, const oss::error &error, oss::status wanted, std::string_view words)
{
    if (!check_at(file, line, error.status() == wanted, "the status")) {
        fprintf(stderr, "    is %s: %s\n", std::string(name(error.status())).c_str(), error.what());
    }
    check_at(file, line, contains(error.what(), words), "the words are in the message");
    check_at(file, line, *error.what() != '\0', "there is a message");
    check_at(file, line, !contains(error.what(), setting("SECRET")), "no secret is in the message");
}

#define CHECK_ERROR(error, wanted, words) check_error(__FILE__, __LINE__, error, oss::status::wanted, words)

#if OSS_UPLOAD_HAS_EXCEPTIONS
/// The error that a call throws. It must throw one.
template <class Call> oss::error error_of(Call &&call)
{
    try {
        (void)call();
    } catch (const oss::error &error) {
        return error;
    }
    return oss::error(oss::status::ok, "nothing was thrown");
}

#define CHECK_THROWS(call, wanted, words) CHECK_ERROR(error_of([&] { return call; }), wanted, words)
#endif

#endif
