/*
 * Uploads that succeed, and what a progress callback sees and decides.
 */
#include <pthread.h>
#include <unistd.h>

#include "fixture.h"

/** CRC-64/XZ, bit by bit: slow, and too simple to be wrong in the library's way. */
static uint64_t crc64_of(const char *path)
{
    uint64_t crc = ~UINT64_C(0);
    FILE *file = fopen(path, "rb");
    int byte, bit;
    REQUIRE(file != NULL);
    while ((byte = fgetc(file)) != EOF) {
        crc ^= (uint64_t)byte;
        for (bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ UINT64_C(0xC96C5795D7870F42) : crc >> 1;
    }
    fclose(file);
    return ~crc;
}

static uint64_t size_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0);
    size = ftell(file);
    fclose(file);
    return (uint64_t)size;
}

static void check_result(const oss_upload_options *what, const oss_result *result)
{
    uint64_t size = size_of(what->file_path);
    CHECK_NUMBER(result->size, size);
    CHECK(result->crc64 == crc64_of(what->file_path));
    CHECK_NUMBER(result->bytes_sent, size);
    CHECK_NUMBER(result->bytes_resumed, 0);
    CHECK_NUMBER(result->parts_resumed, 0);
    CHECK(result->etag[0] != '\0' && result->etag[0] != '"');
    CHECK(result->request_id[0] != '\0');
    CHECK_NUMBER(result->restart_reason[0], 0);
    CHECK(is_text(result->etag, sizeof(result->etag)) && is_text(result->upload_id, sizeof(result->upload_id)));
    CHECK(!has_secret(result, sizeof(*result)));
}

static void uploads(oss_client *client, const oss_upload_options *what, uint32_t parts)
{
    oss_result result;
    oss_error error;
    check_case = what->object_key;
    scribble(&result, sizeof(result));
    EXPECT(oss_upload_file(client, what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    check_result(what, &result);
    CHECK_NUMBER(result.parts, parts);
    CHECK((parts == 1) == (result.upload_id[0] == '\0'));
    CHECK_NUMBER(result.attempts, parts == 1 ? 1 : parts + 2);
    CHECK(result.part_size >= PART && !result.part_size_raised);
    /* Neither output is wanted. */
    CHECK_NUMBER(oss_upload_file(client, what, NULL, NULL, NULL, NULL), OSS_OK);
}

static void plain(oss_client *client)
{
    static const oss_header HEADERS[] = {{"Content-Type", "text/x-test"}, {"x-oss-meta-author", "a c program"}};
    oss_upload_options what = upload_options("parts");
    uploads(client, &what, 5);
    what = upload_options("auto");
    what.part_size = OSS_PART_SIZE_AUTO;
    what.routines = OSS_ROUTINES_AUTO;
    uploads(client, &what, 1);
    what = upload_options("small");
    what.file_path = setting("SMALL_FILE");
    uploads(client, &what, 1);
    what = upload_options("empty");
    what.file_path = scratch("empty.bin");
    fclose(fopen(what.file_path, "wb"));
    uploads(client, &what, 1);
    what = upload_options("headers");
    what.headers = HEADERS;
    what.header_count = 2;
    what.routines = 100;
    what.content_md5 = 1;
    uploads(client, &what, 5);
    /* The name of a file is bytes. */
    what = upload_options("\xe7\x9b\xae/ +%?#&=\x01.bin");
    what.file_path = scratch("name-\xff\xfe.bin");
    REQUIRE(link(setting("FILE"), what.file_path) == 0);
    what.checkpoint = 1;
    uploads(client, &what, 5);
}

struct seen {
    pthread_t thread;
    int inside;
    int calls;
    int32_t response;
    uint32_t response_at_parts;
    oss_progress last;
};

static int32_t watch(const oss_progress *progress, void *user_data)
{
    struct seen *seen = (struct seen *)user_data;
    const oss_progress *last = &seen->last;
    size_t i;
    CHECK(pthread_equal(pthread_self(), seen->thread));
    CHECK(seen->inside);
    CHECK(progress->phase >= last->phase && progress->phase <= OSS_PHASE_ENDED);
    CHECK(progress->done_bytes >= last->done_bytes);
    CHECK(progress->sent_bytes >= last->sent_bytes);
    CHECK(progress->total_bytes >= last->total_bytes);
    CHECK(progress->parts_done >= last->parts_done);
    CHECK(progress->done_bytes <= progress->total_bytes && progress->parts_done <= progress->parts_total);
    for (i = 0; i < sizeof(progress->reserved) / sizeof(progress->reserved[0]); i++) CHECK(!progress->reserved[i]);
    seen->last = *progress;
    seen->calls++;
    return progress->parts_done >= seen->response_at_parts ? seen->response : OSS_CONTINUE;
}

static void watched(oss_client *client, const char *key, int32_t response, oss_status wanted)
{
    oss_upload_options what = upload_options(key);
    struct seen seen;
    oss_result result;
    oss_error error;
    int calls;
    memset(&seen, 0, sizeof(seen));
    check_case = key;
    seen.thread = pthread_self();
    seen.response = response;
    seen.response_at_parts = 2;
    seen.inside = 1;
    EXPECT(oss_upload_file(client, &what, &result, &error, watch, &seen), &error, wanted, NULL);
    seen.inside = 0;
    calls = seen.calls;
    CHECK(calls >= 1);
    CHECK_NUMBER(seen.last.phase, OSS_PHASE_ENDED);
    CHECK_NUMBER(seen.last.total_bytes, size_of(what.file_path));
    CHECK_NUMBER(seen.last.sent_bytes, result.bytes_sent);
    if (wanted == OSS_OK) {
        CHECK_NUMBER(seen.last.done_bytes, seen.last.total_bytes);
        CHECK_NUMBER(seen.last.parts_done, 5);
        CHECK_NUMBER(seen.last.eta_ms, 0);
        check_result(&what, &result);
    } else {
        CHECK(seen.last.done_bytes < seen.last.total_bytes);
        CHECK(result.etag[0] == '\0');
    }
    wait_until_alone();
    CHECK_NUMBER(seen.calls, calls);
}

static int32_t ignore(const oss_progress *progress, void *user_data)
{
    CHECK(progress != NULL && user_data == NULL);
    return OSS_CONTINUE;
}

static void callbacks(oss_client *client)
{
    oss_upload_options what = upload_options("no-user-data");
    oss_client_options slow_options = client_options();
    oss_client *slow;
    int untouched = 7;
    watched(client, "watched", OSS_CONTINUE, OSS_OK);
    /* The driver's server never takes the third part of these in. */
    watched(client, "stalls-pause", OSS_PAUSE, OSS_PAUSED);
    watched(client, "stalls-cancel", OSS_CANCEL, OSS_CANCELLED);
    watched(client, "stalls-other", 12345, OSS_PAUSED);
    watched(client, "stalls-negative", -1, OSS_PAUSED);
    check_case = "user_data";
    CHECK_NUMBER(oss_upload_file(client, &what, NULL, NULL, ignore, NULL), OSS_OK);
    CHECK_NUMBER(oss_upload_file(client, &what, NULL, NULL, NULL, &untouched), OSS_OK);
    CHECK_NUMBER(untouched, 7);
    /* Half a second long, so that the callback is called on the way. */
    check_case = "slow";
    slow_options.max_bytes_per_second = 800000;
    slow = new_client(&slow_options);
    {
        struct seen seen;
        memset(&seen, 0, sizeof(seen));
        seen.thread = pthread_self();
        seen.inside = 1;
        what = upload_options("slow");
        CHECK_NUMBER(oss_upload_file(slow, &what, NULL, NULL, watch, &seen), OSS_OK);
        CHECK(seen.calls >= 3);
    }
    oss_client_free(slow);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    plain(client);
    callbacks(client);
    oss_client_free(client);
    return fixture_end();
}
