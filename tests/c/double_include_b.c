/*
 * The other half of double_include_a.c. Uses every type and function, so that each must exist and be callable.
 */
#include <oss_upload.h>
#include <oss_upload.h>

#ifdef __cplusplus
extern "C"
#endif
int the_other_unit(void);

/** Returns 0, or the number of the call that did something else than refuse. */
static int batches(oss_client *client)
{
    oss_batch_options what = oss_batch_options_default();
    oss_batch *batch;
    oss_batch_progress progress;
    oss_batch_result result;
    oss_outcome outcome;
    oss_error error;
    what.mode = OSS_BATCH_VERIFY;
    if (oss_batch_start(client, &what, &batch, &error) != OSS_INVALID_ARGUMENT || batch) return 21;
    if (oss_batch_add(batch, "path", "key", &error) != OSS_INVALID_ARGUMENT) return 22;
    if (oss_batch_try_add(batch, "path", "key", 0, &error) != OSS_INVALID_ARGUMENT) return 23;
    if (oss_batch_seal(batch, &error) != OSS_INVALID_ARGUMENT) return 24;
    if (oss_batch_wait(batch, 0, &progress, &result, &error) != OSS_INVALID_ARGUMENT) return 25;
    if (oss_batch_next_outcome(batch, 0, &outcome) != OSS_INVALID_ARGUMENT) return 26;
    oss_batch_pause(batch);
    oss_batch_cancel(batch);
    oss_batch_free(batch);
    return 0;
}

static int32_t on_progress(const oss_progress *progress, void *user_data)
{
    (void)progress;
    (void)user_data;
    return OSS_CONTINUE;
}

static int shared_uploads(oss_client *client, const oss_upload_options *what)
{
    const char *const texts[] = {"x"};
    oss_upload *step;
    oss_error error;
    uint32_t count = 1;
    if (oss_shared_upload_begin(client, what, &step, &error) != OSS_INVALID_ARGUMENT || step) return 40;
    if (oss_shared_upload_send_parts(client, what, "x", 1, 1, &step, &error) != OSS_INVALID_ARGUMENT || step) return 41;
    if (oss_shared_upload_finish(client, what, "x", texts, 1, &step, &error) != OSS_INVALID_ARGUMENT || step) return 42;
    if (oss_shared_upload_abort(client, what, "x", &step, &error) != OSS_INVALID_ARGUMENT || step) return 43;
    if (oss_shared_upload_text(step, NULL, 0) != 0) return 44;
    if (oss_shared_upload_part_count("x", &count, &error) != OSS_INVALID_ARGUMENT || count) return 45;
    return oss_manifest_merge(NULL, texts, 1, &error) == OSS_INVALID_ARGUMENT ? 0 : 46;
}

int the_other_unit(void)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_header header = {"name", "value"};
    oss_progress_fn callback = on_progress;
    oss_client *client;
    oss_upload *upload;
    oss_stream *stream;
    size_t written;
    oss_progress progress;
    oss_result result;
    oss_error error;
    oss_event event;
    oss_status status;
    int refused;
    where.signature_version = 9;
    what.headers = &header;
    status = oss_client_new(&where, &client, &error);
    if (status != OSS_INVALID_ARGUMENT || client || error.status != status) return 1;
    if (oss_client_set_credentials(client, "id", "secret", NULL, &error) != OSS_INVALID_ARGUMENT) return 2;
    if (oss_client_upload_file(client, &what, &result, &error, callback, &where) != OSS_INVALID_ARGUMENT) return 3;
    if (oss_upload_file(client, &what, &result, &error, callback, &where) != OSS_INVALID_ARGUMENT) return 10;
    if (oss_upload_start(client, &what, &upload, &error) != OSS_INVALID_ARGUMENT || upload) return 4;
    if (oss_upload_wait(upload, 0, &progress, &result, &error) != OSS_INVALID_ARGUMENT) return 5;
    if (oss_client_next_event(client, &event) != OSS_INVALID_ARGUMENT) return 7;
    if (oss_upload_next_event(upload, &event) != OSS_INVALID_ARGUMENT) return 8;
    if (oss_upload_callback_response(upload, NULL, 0) != 0) return 9;
    if (oss_upload_memory(client, &what, "x", 1, &result, &error, callback, &where) != OSS_INVALID_ARGUMENT) return 11;
    if (oss_upload_memory_start(client, &what, "x", 1, &upload, &error) != OSS_INVALID_ARGUMENT || upload) return 12;
    if (oss_stream_open(client, &what, &stream, &error) != OSS_INVALID_ARGUMENT || stream) return 13;
    if (oss_stream_write(stream, "x", 1, &error) != OSS_INVALID_ARGUMENT) return 14;
    if (oss_stream_try_write(stream, "x", 1, 0, &written, &error) != OSS_INVALID_ARGUMENT || written) return 15;
    if (oss_stream_finish(stream, &result, &error) != OSS_INVALID_ARGUMENT) return 16;
    if (oss_stream_try_finish(stream, 0, &result, &error) != OSS_INVALID_ARGUMENT) return 17;
    if (oss_stream_progress(stream, &progress) != OSS_INVALID_ARGUMENT) return 18;
    if (oss_stream_next_event(stream, &event) != OSS_INVALID_ARGUMENT) return 19;
    if (oss_stream_callback_response(stream, NULL, 0) != 0) return 20;
    refused = shared_uploads(client, &what);
    if (refused != 0) return refused;
    refused = batches(client);
    if (refused != 0) return refused;
    oss_stream_pause(stream);
    oss_stream_resume(stream);
    oss_stream_abort(stream);
    oss_stream_free(stream);
    oss_upload_pause(upload);
    oss_upload_cancel(upload);
    oss_upload_free(upload);
    oss_client_free(client);
    return oss_version()[0] && oss_status_name(OSS_OK)[0] ? 0 : 6;
}
