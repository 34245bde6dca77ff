/*
 * Streams: their objects, their ends, and what is refused.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "fixture.h"

static char bytes[5 * 102400];

static oss_upload_options to(const char *key)
{
    oss_upload_options options = upload_options(key);
    options.file_path = NULL;
    options.part_size = PART;
    return options;
}

static oss_stream *open_stream(oss_client *client, const oss_upload_options *what)
{
    oss_stream *stream = NULL;
    oss_error error;
    EXPECT(oss_stream_open(client, what, &stream, &error), &error, OSS_OK, NULL);
    REQUIRE(stream != NULL);
    return stream;
}

static void stored(oss_client *client, const char *key, size_t size, uint32_t parts)
{
    oss_upload_options what = to(key);
    oss_stream *stream = open_stream(client, &what);
    oss_result result, again;
    oss_progress progress;
    oss_error error;
    check_case = key;
    EXPECT(oss_stream_write(stream, bytes, size, &error), &error, OSS_OK, NULL);
    EXPECT(oss_stream_finish(stream, &result, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.size, size);
    CHECK_NUMBER(result.parts, parts);
    EXPECT(oss_stream_finish(stream, &again, &error), &error, OSS_OK, NULL);
    CHECK(memcmp(&result, &again, sizeof(result)) == 0);
    EXPECT(oss_stream_write(stream, "a", 1, &error), &error, OSS_INVALID_ARGUMENT, "finished");
    CHECK_NUMBER(oss_stream_progress(stream, &progress), OSS_OK);
    CHECK_NUMBER(progress.done_bytes, size);
    CHECK_NUMBER(progress.phase, OSS_PHASE_ENDED);
    oss_stream_free(stream);
}

static void aborted_or_left(oss_client *client)
{
    oss_upload_options what = to("aborted");
    oss_stream *stream = open_stream(client, &what);
    oss_error error;
    check_case = "aborted";
    EXPECT(oss_stream_write(stream, bytes, sizeof(bytes), &error), &error, OSS_OK, NULL);
    oss_stream_abort(stream);
    EXPECT(oss_stream_write(stream, bytes, 1, &error), &error, OSS_CANCELLED, NULL);
    EXPECT(oss_stream_finish(stream, NULL, &error), &error, OSS_CANCELLED, NULL);
    oss_stream_free(stream);
    what.object_key = "left";
    stream = open_stream(client, &what);
    EXPECT(oss_stream_write(stream, bytes, sizeof(bytes), &error), &error, OSS_OK, NULL);
    oss_stream_free(stream);
}

static void what_is_wrong(oss_client *client)
{
    oss_upload_options what = to("wrong");
    oss_stream *stream = open_stream(client, &what), *none = stream;
    oss_upload *upload = NULL;
    oss_progress progress;
    oss_event event;
    oss_error error;
    size_t written = 9;
    check_case = "wrong";
    EXPECT(oss_stream_write(stream, NULL, 1, &error), &error, OSS_INVALID_ARGUMENT, "bytes");
    EXPECT(oss_stream_write(stream, NULL, 0, &error), &error, OSS_OK, NULL);
    EXPECT(oss_stream_try_write(stream, "a", 1, 0, NULL, &error), &error, OSS_INVALID_ARGUMENT, "written");
    CHECK_NUMBER(oss_stream_progress(stream, NULL), OSS_INVALID_ARGUMENT);
    EXPECT(oss_stream_open(client, &what, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out");
    EXPECT(oss_stream_open(client, NULL, &none, &error), &error, OSS_INVALID_ARGUMENT, NULL);
    CHECK(none == NULL);
    EXPECT(oss_upload_wait((oss_upload *)(void *)stream, 0, NULL, NULL, &error), &error, OSS_INVALID_ARGUMENT, "oss_stream");
    oss_upload_free((oss_upload *)(void *)stream);
    EXPECT(oss_upload_memory_start(client, &what, "a", 1, &upload, &error), &error, OSS_OK, NULL);
    oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL);
    EXPECT(oss_stream_write((oss_stream *)(void *)upload, "a", 1, &error), &error, OSS_INVALID_ARGUMENT, "oss_upload");
    oss_stream_free((oss_stream *)(void *)upload);
    oss_upload_free(upload);
    oss_stream_free(stream);
    EXPECT(oss_stream_write(NULL, "a", 1, &error), &error, OSS_INVALID_ARGUMENT, "NULL");
    EXPECT(oss_stream_try_write(NULL, "a", 1, 0, &written, &error), &error, OSS_INVALID_ARGUMENT, "NULL");
    CHECK_NUMBER(written, 0);
    EXPECT(oss_stream_finish(NULL, NULL, &error), &error, OSS_INVALID_ARGUMENT, "NULL");
    CHECK_NUMBER(oss_stream_progress(NULL, &progress), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_stream_next_event(NULL, &event), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_stream_callback_response(NULL, NULL, 0), 0);
    oss_stream_abort(NULL), oss_stream_pause(NULL), oss_stream_resume(NULL), oss_stream_free(NULL);
}

static void *write_until_aborted(void *stream)
{
    oss_error error;
    oss_status status;
    do status = oss_stream_write((oss_stream *)stream, bytes, sizeof(bytes), &error);
    while (status == OSS_OK);
    EXPECT(status, &error, OSS_CANCELLED, NULL);
    return NULL;
}

/** The server holds its responses: the memory is full, and one thread waits for room. */
static void full_and_shared(oss_client *client)
{
    oss_upload_options what = to("holds");
    oss_stream *stream;
    oss_status status;
    oss_error error;
    pthread_t writer;
    pid_t child;
    size_t written;
    int ended;
    check_case = "full";
    what.max_memory = 4 * PART;
    stream = open_stream(client, &what);
    do status = oss_stream_try_write(stream, bytes, sizeof(bytes), 10, &written, &error);
    while (status == OSS_OK);
    EXPECT(status, &error, OSS_PENDING, NULL);
    CHECK(written < sizeof(bytes));
    child = fork();
    if (child == 0) {
        int refused = oss_stream_write(stream, "a", 1, NULL) == OSS_INVALID_ARGUMENT &&
                      oss_stream_finish(stream, NULL, NULL) == OSS_INVALID_ARGUMENT;
        /* An exit would be for valgrind the end of a program that has lost the memory of the parent's threads. */
        execlp(refused ? "true" : "false", "", (char *)NULL);
        _exit(1);
    }
    REQUIRE(waitpid(child, &ended, 0) == child);
    CHECK_NUMBER(ended, 0);
    REQUIRE(pthread_create(&writer, NULL, write_until_aborted, stream) == 0);
    do {
        status = oss_stream_try_write(stream, "a", 1, 0, &written, &error);
        pause_a_millisecond();
    } while (status == OSS_PENDING);
    EXPECT(status, &error, OSS_INVALID_ARGUMENT, "another thread");
    EXPECT(oss_stream_try_finish(stream, 0, NULL, &error), &error, OSS_INVALID_ARGUMENT, "another thread");
    oss_stream_abort(stream);
    pthread_join(writer, NULL);
    oss_stream_free(stream);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    stored(client, "nothing", 0, 1);
    stored(client, "small", 5, 1);
    stored(client, "parts", sizeof(bytes) - 9, 5);
    aborted_or_left(client);
    what_is_wrong(client);
    full_and_shared(client);
    oss_client_free(client);
    return fixture_end();
}
