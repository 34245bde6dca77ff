/*
 * Clients and uploads in any order, from any thread.
 */
#include <pthread.h>

#include "fixture.h"

static oss_upload *start(oss_client *client, const char *key, uint32_t checkpoint)
{
    oss_upload_options what = upload_options(key);
    oss_upload *upload = NULL;
    oss_error error;
    char path[256];
    check_case = key;
    snprintf(path, sizeof(path), "%s.cp", key);
    if (checkpoint) what.checkpoint_path = scratch(path);
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    REQUIRE(upload != NULL);
    return upload;
}

static void wait_gives_the_end_again(oss_client *client)
{
    oss_upload *upload = start(client, "again", 0);
    oss_progress progress;
    oss_result first, second;
    oss_error error;
    EXPECT(oss_upload_wait(upload, UINT32_MAX, &progress, &first, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(progress.done_bytes, progress.total_bytes);
    EXPECT(oss_upload_wait(upload, 0, NULL, &second, &error), &error, OSS_OK, NULL);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL), OSS_OK);
    /* It is over: neither changes anything. */
    oss_upload_pause(upload);
    oss_upload_cancel(upload);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error), OSS_OK);
    oss_upload_free(upload);
}

static void wait_looks_without_waiting(oss_client *client)
{
    oss_upload *upload = start(client, "stalls-look", 0);
    oss_progress progress;
    oss_result result, empty;
    oss_error error;
    CHECK_NUMBER(wait_until_sent(upload, 3 * PART), OSS_PENDING);
    scribble(&progress, sizeof(progress));
    scribble(&result, sizeof(result));
    memset(&empty, 0, sizeof(empty));
    EXPECT(oss_upload_wait(upload, 0, &progress, &result, &error), &error, OSS_PENDING, NULL);
    CHECK_NUMBER(progress.phase, OSS_PHASE_UPLOADING);
    CHECK_NUMBER(progress.parts_total, 5);
    CHECK(progress.done_bytes >= 2 * PART);
    CHECK(memcmp(&result, &empty, sizeof(result)) == 0);
    EXPECT(oss_upload_wait(upload, 20, &progress, NULL, &error), &error, OSS_PENDING, NULL);
    oss_upload_cancel(upload);
    oss_upload_cancel(upload);
    /* A cancel stays one. */
    oss_upload_pause(upload);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, &progress, &result, &error), &error, OSS_CANCELLED, NULL);
    EXPECT(oss_upload_wait(upload, 0, NULL, NULL, &error), &error, OSS_CANCELLED, NULL);
    oss_upload_free(upload);
}

static void pause_before_anything(oss_client *client)
{
    oss_upload *upload = start(client, "stalls-early", 0);
    oss_error error;
    oss_status status;
    oss_upload_pause(upload);
    oss_upload_cancel(upload);
    status = oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error);
    /* The pause may have ended it before the cancel came. */
    EXPECT(status, &error, status == OSS_PAUSED ? OSS_PAUSED : OSS_CANCELLED, NULL);
    oss_upload_free(upload);
}

/** The upload needs nothing of the client's handle. */
static void client_goes_first(void)
{
    oss_client_options where = client_options();
    oss_client *client = new_client(&where);
    oss_upload *upload = start(client, "client-first", 0);
    oss_result result;
    oss_error error;
    oss_client_free(client);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, &result, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts, 5);
    oss_upload_free(upload);
}

/** Paused in the background: with a checkpoint it can go on, without one nothing is left. */
static void running_uploads_are_freed(oss_client *client)
{
    oss_upload *upload = start(client, "stalls-freed", 0);
    oss_upload_options what = upload_options("stalls-kept");
    oss_result result;
    oss_error error;
    CHECK_NUMBER(wait_until_sent(upload, 3 * PART), OSS_PENDING);
    oss_upload_free(upload);
    wait_until_alone();
    upload = start(client, "stalls-kept", 1);
    CHECK_NUMBER(wait_until_sent(upload, 3 * PART), OSS_PENDING);
    oss_upload_free(upload);
    wait_until_alone();
    what.checkpoint_path = scratch("stalls-kept.cp");
    CHECK(exists(what.checkpoint_path));
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts_resumed, 2);
    /* Freed at once, wherever it was. */
    oss_upload_free(start(client, "freed-at-once", 1));
    wait_until_alone();
    what = upload_options("freed-at-once");
    what.checkpoint_path = scratch("freed-at-once.cp");
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
}

struct waiter {
    pthread_t thread;
    oss_upload *upload;
    oss_status status;
    oss_result result;
};

static void *wait_in_a_thread(void *data)
{
    struct waiter *waiter = (struct waiter *)data;
    do {
        waiter->status = oss_upload_wait(waiter->upload, 50, NULL, &waiter->result, NULL);
    } while (waiter->status == OSS_PENDING);
    return NULL;
}

static void several_threads_wait(oss_client *client)
{
    enum { THREADS = 4 };
    struct waiter waiters[THREADS];
    oss_upload *upload = start(client, "stalls-waiters", 1);
    int i;
    for (i = 0; i < THREADS; i++) {
        waiters[i].upload = upload;
        REQUIRE(pthread_create(&waiters[i].thread, NULL, wait_in_a_thread, &waiters[i]) == 0);
    }
    CHECK_NUMBER(wait_until_sent(upload, 3 * PART), OSS_PENDING);
    oss_upload_cancel(upload);
    for (i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(waiters[i].thread, NULL) == 0);
        CHECK_NUMBER(waiters[i].status, OSS_CANCELLED);
        CHECK(memcmp(&waiters[i].result, &waiters[0].result, sizeof(oss_result)) == 0);
    }
    oss_upload_free(upload);
}

static void *use_a_shared_client(void *data)
{
    struct waiter *waiter = (struct waiter *)data;
    waiter->status = oss_upload_wait(waiter->upload, UINT32_MAX, NULL, &waiter->result, NULL);
    oss_upload_free(waiter->upload);
    return NULL;
}

/** Uploads that were started here end, and are freed, elsewhere. New keys reach those that are on their way. */
static void uploads_share_a_client(void)
{
    enum { THREADS = 6 };
    struct waiter waiters[THREADS];
    char keys[THREADS][32];
    oss_client_options where = client_options();
    oss_client *client = new_client(&where);
    oss_error error;
    int i;
    for (i = 0; i < THREADS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "shared-%d", i);
        waiters[i].upload = start(client, keys[i], 0);
        REQUIRE(pthread_create(&waiters[i].thread, NULL, use_a_shared_client, &waiters[i]) == 0);
        EXPECT(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), NULL, &error), &error, OSS_OK,
               NULL);
    }
    oss_client_free(client);
    for (i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(waiters[i].thread, NULL) == 0);
        CHECK_NUMBER(waiters[i].status, OSS_OK);
        CHECK_NUMBER(waiters[i].result.parts, 5);
    }
}

/** Keys that are refused, then good ones, for the same client. */
static void credentials_are_replaced(void)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("replaced");
    oss_client *client;
    oss_error error;
    check_case = "set_credentials";
    where.access_key_secret = "wrong";
    client = new_client(&where);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_SERVICE, NULL);
    EXPECT(oss_client_set_credentials(client, "", "", "", &error), &error, OSS_CREDENTIALS, "access_key_id");
    EXPECT(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), "", &error), &error, OSS_OK, NULL);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_OK, NULL);
    oss_client_free(client);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    wait_gives_the_end_again(client);
    wait_looks_without_waiting(client);
    pause_before_anything(client);
    client_goes_first();
    running_uploads_are_freed(client);
    several_threads_wait(client);
    uploads_share_a_client();
    credentials_are_replaced();
    oss_client_free(client);
    return fixture_end();
}
