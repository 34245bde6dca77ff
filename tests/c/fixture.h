/*
 * What the programs share: settings that the test driver passes in the environment, options for them, and what must hold
 * for every error.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <dirent.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <oss_upload.h>

#include "check.h"
#include "threads.h"

/** The smallest part: 102400 bytes, so that small files have many. */
#define PART ((uint64_t)102400)
#define INVALID_UTF8 "a\xff\xfe" "b"

/** Tells which program is asked for what it needs: OSS_TEST_ENDPOINT, _ID, _SECRET, _BUCKET, _DIR, _FILE ... */
static inline const char *setting(const char *name)
{
    char variable[64];
    const char *value;
    snprintf(variable, sizeof(variable), "OSS_TEST_%s", name);
    value = getenv(variable);
    if (!value) {
        fprintf(stderr, "%s is not set: run this program by cargo test --test c_api\n", variable);
        exit(2);
    }
    return value;
}

/** A path in the scratch directory. The memory is reused after eight calls. */
static inline const char *scratch(const char *name)
{
    static char paths[8][4096];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", setting("DIR"), name);
    return path;
}

/** Fails fast: tests do not wait for what will not come. But a stalled request stays until it is told to stop. */
static inline oss_client_options client_options(void)
{
    oss_client_options options = oss_client_options_default();
    options.endpoint = setting("ENDPOINT");
    options.region = "cn-hangzhou";
    options.access_key_id = setting("ID");
    options.access_key_secret = setting("SECRET");
    options.ca_file = getenv("OSS_TEST_CA_FILE");
    options.max_attempts = 2;
    return options;
}

static inline oss_upload_options upload_options(const char *key)
{
    oss_upload_options options = oss_upload_options_default();
    options.bucket = setting("BUCKET");
    options.object_key = key;
    options.file_path = setting("FILE");
    return options;
}

/** Outcomes are kept, and the smallest parts make files of few bytes large. */
static inline oss_batch_options batch_options(const char *prefix)
{
    oss_batch_options options = oss_batch_options_default();
    options.bucket = setting("BUCKET");
    options.key_prefix = prefix;
    options.part_size = PART;
    options.outcomes = 1;
    return options;
}

static inline oss_client *new_client(const oss_client_options *options)
{
    oss_client *client = NULL;
    oss_error error;
    if (oss_client_new(options, &client, &error) != OSS_OK) {
        fprintf(stderr, "no client: %s\n", error.message);
        exit(2);
    }
    return client;
}

static inline int holds_bytes(const void *memory, size_t size, const char *wanted)
{
    const char *bytes = (const char *)memory;
    size_t length = strlen(wanted), i;
    for (i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, wanted, length) == 0) return 1;
    return 0;
}

/** No secret of the driver's is anywhere in an output. */
static inline int has_secret(const void *output, size_t size)
{
    const char *token = getenv("OSS_TEST_TOKEN");
    return holds_bytes(output, size, setting("SECRET")) || (token && holds_bytes(output, size, token));
}

/** The text ends inside its array, and all behind its end is zero. */
static inline int is_text(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size && text[i]) i++;
    if (i == size) return 0;
    while (i < size && !text[i]) i++;
    return i == size;
}

/** What holds for every error that a call fills. */
static inline void check_error(const char *file, int line, oss_status status, const oss_error *error)
{
    const char *byte;
    size_t i;
    int zeros = 1;
    check_numbers_at(file, line, "error.status is what the call returned", error->status, (int32_t)status);
    check_at(file, line, is_text(error->service_code, sizeof(error->service_code)), "service_code is a text");
    check_at(file, line, is_text(error->ec, sizeof(error->ec)), "ec is a text");
    check_at(file, line, is_text(error->request_id, sizeof(error->request_id)), "request_id is a text");
    check_at(file, line, is_text(error->message, sizeof(error->message)), "message is a text");
    for (i = 0; i < sizeof(error->reserved) / sizeof(error->reserved[0]); i++) zeros = zeros && !error->reserved[i];
    check_at(file, line, zeros, "reserved is zero");
    check_at(file, line, !has_secret(error, sizeof(*error)), "no secret is in the error");
    check_at(file, line, (status < 0) == (error->message[0] != '\0'), "there is a message exactly when it failed");
    for (byte = error->message; *byte; byte++)
        if (!check_at(file, line, (unsigned char)*byte >= ' ', "the message is one line")) break;
    check_at(file, line, strcmp(oss_status_name(status), "OSS_UNKNOWN") != 0, "the status has a name");
    if (status >= 0) check_at(file, line, !error->http_status && !error->os_errno && !error->retryable, "no details");
}

static inline void expect_at(const char *file, int line, oss_status status, const oss_error *error, oss_status wanted,
                             const char *words)
{
    if (!check_at(file, line, status == wanted, "the status")) {
        fprintf(stderr, "    is %s, should be %s: %s\n", oss_status_name(status), oss_status_name(wanted),
                error->message);
    }
    check_error(file, line, status, error);
    if (words) check_contains_at(file, line, error->message, words);
}

/** The call came to `wanted`, its error says so and, unless `words` is NULL, has these words in its message. */
#define EXPECT(status, error, wanted, words) expect_at(__FILE__, __LINE__, status, error, wanted, words)

/** Fills an output with what the library would not. */
static inline void scribble(void *output, size_t size) { memset(output, 0xA5, size); }

static inline int exists(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return file != NULL;
}

/** Looks until at least `bytes` bytes of the bodies of requests were sent; what the last look came to. */
static inline oss_status wait_until_sent(oss_upload *upload, uint64_t bytes)
{
    oss_progress progress;
    oss_status status;
    do {
        status = oss_upload_wait(upload, 5, &progress, NULL, NULL);
    } while (status == OSS_PENDING && progress.sent_bytes < bytes);
    CHECK(progress.sent_bytes >= bytes);
    return status;
}

/**
 * The library's threads end on their own once nothing needs them. A thread that still runs when main() returns would
 * look like a leak of its stack.
 */
static inline void wait_until_alone(void)
{
    if (!is_alone_soon()) check_at(__FILE__, __LINE__, 0, "no thread of the library is there after 20 seconds");
}

static int fixture_descriptors;
/** What the process did on each signal at the start: a parent may have had some ignored. */
static void (*fixture_handlers[32])(int);

static inline void remember_signals(void)
{
    struct sigaction action;
    int number;
    for (number = 1; number < 32; number++)
        fixture_handlers[number] = sigaction(number, NULL, &action) == 0 ? action.sa_handler : SIG_ERR;
}

/** What the process does on a signal belongs to the program. */
static inline int signals_are_untouched(void)
{
    struct sigaction action;
    int number;
    for (number = 1; number < 32; number++) {
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != fixture_handlers[number]) return 0;
    }
    return 1;
}

static inline void fixture_begin(void)
{
    /* A program that hangs ends by a signal, which the driver sees. */
    alarm(300);
    remember_signals();
    fixture_descriptors = entries_of("/proc/self/fd");
}

/** All has been freed: no thread and no descriptor of the library is left. */
static inline int fixture_end(void)
{
    check_case = "at the end";
    wait_until_alone();
    CHECK_NUMBER(entries_of("/proc/self/fd"), fixture_descriptors);
    CHECK(signals_are_untouched());
    return check_end();
}

#endif
