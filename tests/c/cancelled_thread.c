/*
 * pthread_cancel(): a thread in a call of the library ends after the call, as if it had been cancelled then.
 */
#include <fcntl.h>
#include <pthread.h>

#include "fixture.h"

static oss_client *client;
static oss_status status;
static oss_error error;
static int returned;

static oss_upload_options in_parts(const char *key)
{
    oss_upload_options what = upload_options(key);
    check_case = key;
    what.part_size = PART;
    what.routines = 2;
    what.checkpoint = 1;
    return what;
}

/* The thread can be cancelled again, and is. */
static void *end_when_cancelled(void)
{
    int state = -1;
    returned = 1;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0);
    CHECK_NUMBER(state, PTHREAD_CANCEL_ENABLE);
    pthread_testcancel();
    return NULL;
}

/* Each call opens, reads, writes or sends, at which a thread that is cancelled ends. */
static void *small_file(void *nothing)
{
    oss_upload_options what = in_parts("whole");
    (void)nothing;
    what.file_path = setting("SMALL_FILE");
    pthread_cancel(pthread_self());
    status = oss_upload_file(client, &what, NULL, &error, NULL, NULL);
    return end_when_cancelled();
}

static void *large_file(void *nothing)
{
    oss_upload_options what = in_parts("parts");
    (void)nothing;
    pthread_cancel(pthread_self());
    status = oss_upload_file(client, &what, NULL, &error, NULL, NULL);
    return end_when_cancelled();
}

static int32_t on_progress(const oss_progress *progress, void *user_data)
{
    int null = open("/dev/null", O_WRONLY);
    (void)progress;
    (void)user_data;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    CHECK(null >= 0 && write(null, "x", 1) == 1 && close(null) == 0);
    return 0;
}

static void *in_the_callback(void *nothing)
{
    oss_upload_options what = in_parts("watched");
    (void)nothing;
    status = oss_upload_file(client, &what, NULL, &error, on_progress, NULL);
    return end_when_cancelled();
}

static void *another_client(void *nothing)
{
    oss_client_options where = client_options();
    oss_client *other = NULL;
    (void)nothing;
    where.ca_file = setting("FILE");
    check_case = "another client";
    pthread_cancel(pthread_self());
    status = oss_client_new(&where, &other, &error);
    status = status == OSS_INVALID_ARGUMENT ? OSS_OK : status;
    oss_client_free(other);
    return end_when_cancelled();
}

static void *wait_for_it(void *upload)
{
    status = oss_upload_wait((oss_upload *)upload, UINT32_MAX, NULL, NULL, &error);
    return end_when_cancelled();
}

static void join(pthread_t thread, oss_status wanted)
{
    void *result = NULL;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK(returned);
    CHECK_NUMBER(status, wanted);
    returned = 0;
}

static void run(void *(*work)(void *))
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, work, NULL) == 0);
    join(thread, OSS_OK);
}

/* From another thread, while the call waits. */
static void from_outside(void)
{
    oss_upload_options what = in_parts("stalls-cancelled");
    oss_upload *upload = NULL;
    pthread_t thread;
    REQUIRE(oss_upload_start(client, &what, &upload, &error) == OSS_OK);
    wait_until_sent(upload, 3 * PART);
    REQUIRE(pthread_create(&thread, NULL, wait_for_it, upload) == 0);
    REQUIRE(pthread_cancel(thread) == 0);
    oss_upload_cancel(upload);
    join(thread, OSS_CANCELLED);
    oss_upload_free(upload);
}

int main(void)
{
    oss_client_options where = client_options();
    fixture_begin();
    client = new_client(&where);
    run(small_file);
    run(large_file);
    run(in_the_callback);
    run(another_client);
    from_outside();
    oss_client_free(client);
    return fixture_end();
}
