/*
 * Uploads that stop and go on. The driver's server never takes the third part of the keys stalls-* in the first time.
 */
#include <sys/stat.h>

#include "fixture.h"

/** Starts an upload, and returns when the server has its third part and does not answer. */
static oss_upload *start_until_stalled(oss_client *client, const oss_upload_options *what, int parts_to_send)
{
    oss_upload *upload = NULL;
    oss_error error;
    check_case = what->object_key;
    EXPECT(oss_upload_start(client, what, &upload, &error), &error, OSS_OK, NULL);
    REQUIRE(upload != NULL);
    CHECK_NUMBER(wait_until_sent(upload, (uint64_t)parts_to_send * PART), OSS_PENDING);
    return upload;
}

static void pause_now(oss_client *client, const oss_upload_options *what)
{
    oss_upload *upload = start_until_stalled(client, what, 3);
    oss_result result;
    oss_error error;
    oss_upload_pause(upload);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, &result, &error), &error, OSS_PAUSED, NULL);
    CHECK_NUMBER(error.retryable, 1);
    CHECK_NUMBER(result.parts, 5);
    CHECK(result.upload_id[0] != '\0' && result.etag[0] == '\0');
    oss_upload_free(upload);
}

static void goes_on(oss_client *client, const oss_upload_options *what)
{
    oss_result result;
    oss_error error;
    EXPECT(oss_upload_file(client, what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts_resumed, 2);
    CHECK_NUMBER(result.bytes_resumed, 2 * PART);
    CHECK_NUMBER(result.bytes_sent, result.size - 2 * PART);
    CHECK_NUMBER(result.part_size, PART);
    CHECK_NUMBER(result.restart_reason[0], 0);
    CHECK(result.etag[0] != '\0');
}

/** Only its owner may read the checkpoint file, and there is no secret in it. */
static void check_checkpoint(const char *path)
{
    static char content[65536];
    struct stat about;
    FILE *file = fopen(path, "rb");
    size_t size;
    REQUIRE(file != NULL);
    size = fread(content, 1, sizeof(content), file);
    fclose(file);
    CHECK(size > 0 && size < sizeof(content));
    CHECK(!has_secret(content, size));
    REQUIRE(stat(path, &about) == 0);
    CHECK_NUMBER(about.st_mode & 0777, 0600);
}

static void pause_and_resume(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-beside");
    char path[4096];
    snprintf(path, sizeof(path), "%s.cp", what.file_path);
    what.checkpoint = 1;
    pause_now(client, &what);
    check_checkpoint(path);
    goes_on(client, &what);
    CHECK(!exists(path));

    what = upload_options("stalls-path");
    what.checkpoint_path = scratch("given.cp");
    pause_now(client, &what);
    check_checkpoint(what.checkpoint_path);
    /* The parts that are there decide the size of all others. */
    what.part_size = 2 * PART;
    what.routines = 3;
    what.verify_resume = 1;
    goes_on(client, &what);
    CHECK(!exists(what.checkpoint_path));

    what = upload_options("stalls-dir");
    what.checkpoint_dir = scratch("checkpoints");
    REQUIRE(mkdir(what.checkpoint_dir, 0700) == 0);
    pause_now(client, &what);
    CHECK_NUMBER(entries_of(what.checkpoint_dir), 3);
    goes_on(client, &what);
    CHECK_NUMBER(entries_of(what.checkpoint_dir), 2);
}

/** An empty text is no path. */
static void empty_paths(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-empty");
    what.checkpoint = 1;
    what.checkpoint_path = what.checkpoint_dir = "";
    pause_now(client, &what);
    goes_on(client, &what);
}

static void resumed_progress(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-progress");
    oss_progress progress;
    oss_upload *upload = NULL;
    what.checkpoint = 1;
    pause_now(client, &what);
    CHECK_NUMBER(oss_upload_start(client, &what, &upload, NULL), OSS_OK);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, &progress, NULL, NULL), OSS_OK);
    CHECK_NUMBER(progress.resumed_bytes, 2 * PART);
    CHECK_NUMBER(progress.done_bytes, progress.total_bytes);
    CHECK_NUMBER(progress.sent_bytes, progress.total_bytes - 2 * PART);
    CHECK_NUMBER(progress.parts_done, 5);
    oss_upload_free(upload);
}

static void cancel_leaves_nothing(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-cancelled");
    oss_upload *upload;
    oss_error error;
    what.checkpoint_path = scratch("cancelled.cp");
    upload = start_until_stalled(client, &what, 3);
    CHECK(exists(what.checkpoint_path));
    oss_upload_cancel(upload);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error), &error, OSS_CANCELLED, NULL);
    CHECK(!exists(what.checkpoint_path));
    oss_upload_free(upload);
}

/** Cancelled in the call that goes on with a paused upload: what the first call sent goes as well. */
static void a_paused_upload_is_cancelled(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-twice");
    oss_upload *upload;
    what.checkpoint_path = scratch("twice.cp");
    pause_now(client, &what);
    upload = start_until_stalled(client, &what, 1);
    oss_upload_cancel(upload);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL), OSS_CANCELLED);
    CHECK(!exists(what.checkpoint_path));
    oss_upload_free(upload);
}

static void nothing_is_kept_without_a_checkpoint(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-without");
    int before = entries_of(setting("DIR"));
    pause_now(client, &what);
    CHECK_NUMBER(entries_of(setting("DIR")), before);
}

static void one_upload_holds_it(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-held");
    oss_upload *upload;
    oss_error error;
    what.checkpoint_path = scratch("held.cp");
    upload = start_until_stalled(client, &what, 3);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_CHECKPOINT_BUSY, "held.cp");
    CHECK_NUMBER(error.retryable, 1);
    oss_upload_pause(upload);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL), OSS_PAUSED);
    /* Free for others as soon as the end is known, not only when the handle is freed. */
    goes_on(client, &what);
    oss_upload_free(upload);
}

/** Changes one bit in the record of the first part. */
static void damage(const char *path)
{
    static char content[65536];
    FILE *file = fopen(path, "r+b");
    char *record;
    REQUIRE(file != NULL);
    content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
    record = strstr(content, "\"part\"");
    REQUIRE(record != NULL);
    REQUIRE(fseek(file, (long)(record - content), SEEK_SET) == 0);
    REQUIRE(fputc(record[0] ^ 1, file) != EOF && fclose(file) == 0);
}

static void a_damaged_one_starts_over(oss_client *client)
{
    oss_upload_options what = upload_options("stalls-damaged");
    oss_result result;
    oss_error error;
    what.checkpoint_path = scratch("damaged.cp");
    pause_now(client, &what);
    damage(what.checkpoint_path);
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts_resumed, 0);
    CHECK_NUMBER(result.bytes_resumed, 0);
    CHECK_CONTAINS(result.restart_reason, "checkpoint-damaged");
    CHECK(is_text(result.restart_reason, sizeof(result.restart_reason)));
    CHECK(!exists(what.checkpoint_path));
}

/** A failure keeps what a pause keeps. The driver's server refuses the fourth part of fails-part once. */
static void a_failed_upload_goes_on(oss_client *client)
{
    oss_upload_options what = upload_options("fails-part");
    oss_result result;
    oss_error error;
    check_case = what.object_key;
    what.checkpoint = 1;
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_SERVICE, "part 4");
    CHECK_NUMBER(error.part_number, 4);
    CHECK_NUMBER(error.http_status, 403);
    CHECK(error.request_id[0] != '\0');
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts_resumed, 3);
    what.object_key = "fails-part-without";
    what.checkpoint = 0;
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_SERVICE, "part 4");
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    pause_and_resume(client);
    empty_paths(client);
    resumed_progress(client);
    cancel_leaves_nothing(client);
    a_paused_upload_is_cancelled(client);
    nothing_is_kept_without_a_checkpoint(client);
    one_upload_holds_it(client);
    a_damaged_one_starts_over(client);
    a_failed_upload_goes_on(client);
    oss_client_free(client);
    return fixture_end();
}
