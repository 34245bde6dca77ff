/*
 * Handles that have been freed, while nothing else has got their memory: each call refuses them, and to free them again
 * does nothing, which the allocator would else report by ending the program.
 */
#include <pthread.h>

#include "handle_calls.h"

static oss_upload *start(oss_client *client)
{
    oss_upload_options what = upload_options("none");
    oss_upload *upload = NULL;
    oss_error error;
    /* It ends by itself, without a request. */
    what.file_path = scratch("no-such-file");
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    REQUIRE(upload != NULL);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL), OSS_IO);
    return upload;
}

static void uploads(void)
{
    oss_client_options where = client_options();
    oss_client *client = new_client(&where);
    oss_upload *upload = start(client);
    check_case = "a freed upload";
    oss_upload_free(upload);
    oss_upload_free(upload);
    no_upload(upload, "it has been freed, or something else made it");
    oss_upload_free(upload);
    oss_client_free((oss_client *)(void *)upload);
    oss_client_free(client);
}

static void batches(void)
{
    oss_client_options where = client_options();
    oss_batch_options which = batch_options("none/");
    oss_client *client = new_client(&where);
    oss_batch *batch = NULL;
    oss_error error;
    check_case = "a freed batch";
    EXPECT(oss_batch_start(client, &which, &batch, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(oss_batch_wait(batch, UINT32_MAX, NULL, NULL, NULL), OSS_OK);
    oss_batch_free(batch);
    oss_batch_free(batch);
    no_batch(batch, "it has been freed, or something else made it");
    oss_batch_free(batch);
    oss_client_free((oss_client *)(void *)batch);
    oss_client_free(client);
}

static void clients(void)
{
    oss_client_options where = client_options();
    oss_client *client = new_client(&where);
    check_case = "a freed client";
    oss_client_free(client);
    oss_client_free(client);
    no_client(client, "it has been freed, or something else made it");
    oss_client_free(client);
    oss_upload_free((oss_upload *)(void *)client);
}

static pthread_barrier_t together;

static void *free_a_client(void *client)
{
    pthread_barrier_wait(&together);
    oss_client_free((oss_client *)client);
    return NULL;
}

/** One of them does it. */
static void two_threads_free_one_client(void)
{
    oss_client_options where = client_options();
    int i;
    check_case = "two threads";
    for (i = 0; i < 20; i++) {
        pthread_t threads[2];
        oss_client *client = new_client(&where);
        REQUIRE(pthread_barrier_init(&together, NULL, 2) == 0);
        REQUIRE(pthread_create(&threads[0], NULL, free_a_client, client) == 0);
        REQUIRE(pthread_create(&threads[1], NULL, free_a_client, client) == 0);
        REQUIRE(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
        CHECK(pthread_barrier_destroy(&together) == 0);
    }
}

int main(void)
{
    fixture_begin();
    uploads();
    batches();
    clients();
    two_threads_free_one_client();
    return fixture_end();
}
