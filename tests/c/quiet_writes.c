/*
 * No write raises a signal: neither of a checkpoint beyond the limit of a file's size, nor of the log to a pipe that
 * nobody reads; on the library's threads as little as on the one that calls.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "fixture.h"

struct work {
    oss_client *client;
    oss_upload_options what;
    oss_status status;
    oss_error error;
};

static void check_signals(void)
{
    sigset_t mask, pending;
    CHECK(sigpending(&pending) == 0 && pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    CHECK(!sigismember(&pending, SIGPIPE) && !sigismember(&mask, SIGPIPE));
    CHECK(!sigismember(&pending, SIGXFSZ) && !sigismember(&mask, SIGXFSZ));
}

static void *upload_file(void *argument)
{
    struct work *work = (struct work *)argument;
    work->status = oss_upload_file(work->client, &work->what, NULL, &work->error, NULL, NULL);
    check_signals();
    return NULL;
}

/* On a thread that is not the first one: a small file is sent by it. */
static oss_status upload(oss_client *client, const char *key, const char *file, oss_error *error)
{
    struct work work;
    pthread_t thread;
    check_case = key;
    work.client = client;
    work.what = upload_options(key);
    work.what.file_path = file;
    work.what.part_size = PART;
    work.what.routines = 3;
    work.what.checkpoint_path = scratch("checkpoint");
    REQUIRE(pthread_create(&thread, NULL, upload_file, &work) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    *error = work.error;
    return work.status;
}

/* The largest file that this process may write. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* Either the checkpoint cannot be begun, and the error says why; or the upload goes on without some of its records. */
static void with_limits(oss_client *client, const char *key, const char *file)
{
    int size, stored = 0;
    for (size = 0; size <= 2048; size += 128) {
        oss_error error;
        oss_status status;
        limit_files((rlim_t)size);
        status = upload(client, key, file, &error);
        limit_files(RLIM_INFINITY);
        check_error(__FILE__, __LINE__, status, &error);
        CHECK(status == OSS_OK || status == OSS_CHECKPOINT);
        if (status == OSS_CHECKPOINT) {
            CHECK(!stored);
            CHECK_CONTAINS(error.message, "File too large");
            CHECK_CONTAINS(error.message, "limit");
        }
        stored += status == OSS_OK;
        CHECK(!exists(scratch("checkpoint")));
    }
    /* With 1 KiB there is room for the beginning, and not for all parts. */
    CHECK(stored > 8);
}

static void with_a_broken_log(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    oss_error error;
    int ends[2], kept = fcntl(2, F_DUPFD, 50);
    REQUIRE(kept >= 0 && pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    close(ends[0]);
    close(ends[1]);
    REQUIRE(setenv("OSS_UPLOAD_LOG", "debug", 1) == 0);
    client = new_client(&where);
    CHECK(upload(client, "logs-whole", setting("SMALL_FILE"), &error) == OSS_OK);
    CHECK(upload(client, "logs-parts", setting("FILE"), &error) == OSS_OK);
    CHECK(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), "token", &error) == OSS_OK);
    check_signals();
    oss_client_free(client);
    REQUIRE(unsetenv("OSS_UPLOAD_LOG") == 0);
    REQUIRE(dup2(kept, 2) == 2);
    close(kept);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    /* A parent may ignore them. */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    fixture_begin();
    client = new_client(&where);
    with_limits(client, "whole", setting("SMALL_FILE"));
    with_limits(client, "parts", setting("FILE"));
    oss_client_free(client);
    with_a_broken_log();
    return fixture_end();
}
