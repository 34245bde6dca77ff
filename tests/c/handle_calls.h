/*
 * Every call that takes a handle, with a pointer that is none.
 */
#ifndef HANDLE_CALLS_H
#define HANDLE_CALLS_H

#include "fixture.h"

/** All outputs are filled as for any other failure. */
static inline void check_outputs(const oss_progress *progress, const oss_result *result)
{
    CHECK(progress == NULL || (progress->total_bytes == 0 && progress->parts_total == 0));
    CHECK(result == NULL || (result->size == 0 && result->attempts == 0 && result->etag[0] == '\0'));
}

static inline int32_t never_called(const oss_progress *progress, void *user_data)
{
    (void)progress, (void)user_data;
    CHECK(!"the progress callback is called");
    return OSS_CONTINUE;
}

/** `pointer` is no oss_client: each call says so, with these words. */
static inline void no_client(void *pointer, const char *words)
{
    oss_client *client = (oss_client *)pointer;
    oss_upload_options what = upload_options("none");
    oss_upload *upload = (oss_upload *)pointer;
    oss_batch_options which = batch_options("none/");
    oss_batch *batch = (oss_batch *)pointer;
    oss_result result;
    oss_error error;
    oss_event event;
    scribble(&error, sizeof(error)), scribble(&result, sizeof(result));
    EXPECT(oss_upload_file(client, &what, &result, &error, never_called, NULL), &error, OSS_INVALID_ARGUMENT, words);
    check_outputs(NULL, &result);
    scribble(&error, sizeof(error)), scribble(&result, sizeof(result));
    EXPECT(oss_client_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_INVALID_ARGUMENT, words);
    check_outputs(NULL, &result);
    CHECK_NUMBER(oss_upload_file(client, &what, NULL, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_upload_file(client, NULL, NULL, &error, NULL, NULL), OSS_INVALID_ARGUMENT);
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK(upload == NULL);
    EXPECT(oss_batch_start(client, &which, &batch, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK(batch == NULL);
    EXPECT(oss_client_set_credentials(client, "i", "s", NULL, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK_NUMBER(oss_client_next_event(client, &event), OSS_INVALID_ARGUMENT);
}

/** `pointer` is no oss_upload. */
static inline void no_upload(void *pointer, const char *words)
{
    oss_upload *upload = (oss_upload *)pointer;
    char buffer[8] = "as it is";
    oss_progress progress;
    oss_result result;
    oss_error error;
    oss_event event;
    scribble(&error, sizeof(error)), scribble(&progress, sizeof(progress)), scribble(&result, sizeof(result));
    EXPECT(oss_upload_wait(upload, UINT32_MAX, &progress, &result, &error), &error, OSS_INVALID_ARGUMENT, words);
    check_outputs(&progress, &result);
    CHECK_NUMBER(oss_upload_wait(upload, 0, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_upload_next_event(upload, &event), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_upload_callback_response(upload, buffer, sizeof(buffer)), 0);
    CHECK(memcmp(buffer, "as it is", sizeof(buffer)) == 0);
    oss_upload_pause(upload);
    oss_upload_cancel(upload);
}

/** `pointer` is no oss_batch. */
static inline void no_batch(void *pointer, const char *words)
{
    oss_batch *batch = (oss_batch *)pointer;
    oss_batch_progress progress;
    oss_batch_result result;
    oss_outcome outcome;
    oss_error error;
    scribble(&progress, sizeof(progress)), scribble(&result, sizeof(result)), scribble(&error, sizeof(error));
    EXPECT(oss_batch_wait(batch, UINT32_MAX, &progress, &result, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK(progress.files_found == 0 && progress.ended == 0 && progress.current_path[0] == '\0');
    CHECK(result.files_stored == 0 && result.files_failed == 0 && result.requests == 0);
    CHECK_NUMBER(oss_batch_wait(batch, 0, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    EXPECT(oss_batch_add(batch, "path", "key", &error), &error, OSS_INVALID_ARGUMENT, words);
    EXPECT(oss_batch_try_add(batch, "path", "key", 0, &error), &error, OSS_INVALID_ARGUMENT, words);
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK_NUMBER(oss_batch_seal(batch, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_batch_next_outcome(batch, UINT32_MAX, &outcome), OSS_INVALID_ARGUMENT);
    oss_batch_pause(batch);
    oss_batch_cancel(batch);
}

#endif
