/*
 * Batches: their outcomes, their ends, and what is refused.
 */
#include <pthread.h>
#include <sys/stat.h>

#include "fixture.h"

static oss_batch *start(oss_client *client, const oss_batch_options *which)
{
    oss_batch *batch = NULL;
    oss_error error;
    EXPECT(oss_batch_start(client, which, &batch, &error), &error, OSS_OK, NULL);
    REQUIRE(batch != NULL);
    return batch;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(scratch(name), "wb");
    REQUIRE(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/** How many files came to each status. The outcome of "failed" is what it should be. */
static void count_outcomes(oss_batch *batch, int counts[5])
{
    oss_outcome outcome;
    oss_status status;
    memset(counts, 0, 5 * sizeof(counts[0]));
    while ((status = oss_batch_next_outcome(batch, UINT32_MAX, &outcome)) == OSS_OK) {
        REQUIRE(outcome.status <= OSS_OUTCOME_PLANNED);
        counts[outcome.status]++;
        CHECK((outcome.error.status != OSS_OK) == (outcome.status == OSS_OUTCOME_FAILED));
        CHECK((outcome.rule[0] != '\0') == (outcome.status == OSS_OUTCOME_SKIPPED));
        CHECK((outcome.crc64 != 0 && outcome.etag[0]) == (outcome.status <= OSS_OUTCOME_UNCHANGED));
        if (strcmp(outcome.path, "failed") == 0) EXPECT(outcome.error.status, &outcome.error, OSS_IO, "failed");
        if (strcmp(outcome.path, "sub/large") == 0) CHECK_CONTAINS(outcome.key, "tree/sub/large");
    }
    CHECK_NUMBER(status, OSS_END);
    CHECK_NUMBER(oss_batch_next_outcome(batch, 0, &outcome), OSS_END);
}

static void a_folder_and_again(oss_client *client)
{
    oss_batch_options which = batch_options("tree/");
    oss_batch_progress progress;
    oss_batch_result result, again;
    oss_error error;
    oss_batch *batch;
    int counts[5];
    check_case = "folder";
    REQUIRE(mkdir(scratch("tree"), 0700) == 0 && mkdir(scratch("tree/sub"), 0700) == 0);
    write_file("tree/small", "abc");
    write_file("tree/left out.tmp", "");
    REQUIRE(symlink(setting("FILE"), scratch("tree/sub/large")) == 0);
    REQUIRE(symlink("nowhere", scratch("tree/failed")) == 0);
    which.directory = scratch("tree");
    which.manifest_path = scratch("manifest");
    which.exclude = "*.tmp";
    batch = start(client, &which);
    count_outcomes(batch, counts);
    CHECK(counts[OSS_OUTCOME_STORED] == 2 && counts[OSS_OUTCOME_SKIPPED] == 1 && counts[OSS_OUTCOME_FAILED] == 1);
    EXPECT(oss_batch_wait(batch, UINT32_MAX, &progress, &result, &error), &error, OSS_FILES_FAILED, "1 of 3 files");
    CHECK(result.files_stored == 2 && result.files_skipped == 1 && result.files_failed == 1);
    CHECK(progress.ended == 1 && progress.totals_known == 1 && progress.files_found == 3 && progress.files_stored == 2);
    CHECK(result.bytes_stored == progress.bytes_done && result.requests == progress.requests);
    EXPECT(oss_batch_wait(batch, 0, NULL, &again, &error), &error, OSS_FILES_FAILED, NULL);
    CHECK(memcmp(&result, &again, sizeof(result)) == 0);
    oss_batch_free(batch);

    check_case = "folder again";
    REQUIRE(unlink(scratch("tree/failed")) == 0);
    which.mode = OSS_BATCH_CHANGED;
    batch = start(client, &which);
    count_outcomes(batch, counts);
    CHECK(counts[OSS_OUTCOME_UNCHANGED] == 2 && counts[OSS_OUTCOME_SKIPPED] == 1);
    EXPECT(oss_batch_wait(batch, UINT32_MAX, NULL, &result, &error), &error, OSS_OK, NULL);
    CHECK(result.files_unchanged == 2 && result.requests == 0);
    oss_batch_free(batch);
    unlink(scratch("tree/small")), unlink(scratch("tree/left out.tmp")), unlink(scratch("tree/sub/large"));
    rmdir(scratch("tree/sub")), rmdir(scratch("tree")), unlink(scratch("manifest"));
}

/** Without the option there are no outcomes, only counts. What was given is copied. */
static void files_are_added(oss_client *client)
{
    oss_batch_options which = batch_options("added");
    oss_outcome outcome;
    oss_batch_result result;
    oss_error error;
    oss_batch *batch;
    char path[4096], key[32] = "added/with a key";
    check_case = "added";
    which.outcomes = 0;
    batch = start(client, &which);
    snprintf(path, sizeof(path), "%s", setting("SMALL_FILE"));
    EXPECT(oss_batch_add(batch, path, key, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_try_add(batch, path, NULL, 0, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_add(batch, path, "/no key", &error), &error, OSS_OK, NULL);
    scribble(path, sizeof(path)), scribble(key, sizeof(key));
    EXPECT(oss_batch_add(batch, NULL, "key", &error), &error, OSS_INVALID_ARGUMENT, "file_path");
    EXPECT(oss_batch_add(batch, "", "key", &error), &error, OSS_INVALID_ARGUMENT, "file_path");
    EXPECT(oss_batch_add(batch, "path", INVALID_UTF8, &error), &error, OSS_INVALID_ARGUMENT, "object_key");
    EXPECT(oss_batch_wait(batch, 0, NULL, NULL, &error), &error, OSS_PENDING, NULL);
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_seal(batch, NULL), &error, OSS_OK, NULL);
    EXPECT(oss_batch_add(batch, "path", "key", &error), &error, OSS_INVALID_ARGUMENT, "sealed");
    EXPECT(oss_batch_try_add(batch, "path", "key", 0, &error), &error, OSS_INVALID_ARGUMENT, "sealed");
    EXPECT(oss_batch_wait(batch, UINT32_MAX, NULL, &result, &error), &error, OSS_FILES_FAILED, "1 of 3 files");
    CHECK_NUMBER(result.files_stored, 2);
    CHECK_NUMBER(oss_batch_next_outcome(batch, 0, &outcome), OSS_END);
    oss_batch_free(batch);
}

static void refused(oss_client *client, const oss_batch_options *which, const char *words)
{
    oss_batch *batch = (oss_batch *)client;
    oss_error error;
    check_case = words;
    EXPECT(oss_batch_start(client, which, &batch, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK(batch == NULL);
    oss_batch_free(batch);
}

#define REFUSED(field, value)                            \
    {                                                    \
        oss_batch_options wrong = batch_options("none"); \
        wrong.field = value;                             \
        refused(client, &wrong, #field);                 \
    }

static void what_is_wrong(oss_client *client)
{
    oss_batch_options which = batch_options("none");
    oss_outcome outcome;
    oss_error error;
    oss_batch *batch;
    REFUSED(bucket, NULL)
    REFUSED(bucket, "A_B")
    REFUSED(key_prefix, INVALID_UTF8)
    REFUSED(exclude, INVALID_UTF8)
    REFUSED(include, "{")
    REFUSED(header_count, 1)
    REFUSED(part_size, 1)
    REFUSED(connections, 101)
    REFUSED(mode, OSS_BATCH_VERIFY_FULL + 1)
    REFUSED(compare_remote, 2)
    REFUSED(list_null_separated, 2)
    REFUSED(ignore_files, 2)
    REFUSED(symlinks, OSS_SYMLINKS_REFUSE + 1)
    REFUSED(key_encoding, OSS_KEY_PERCENT + 1)
    REFUSED(on_file_change, 2)
    REFUSED(empty_directories, 2)
    REFUSED(keep_mtime, 2)
    REFUSED(stop_on_error, 2)
    REFUSED(dry_run, 2)
    REFUSED(outcomes, 2)
    REFUSED(shard_index, 1)
    which.mode = OSS_BATCH_RETRY_FAILED;
    refused(client, &which, "manifest_path");
    which.mode = OSS_BATCH_ALL;
    which.directory = which.list_path = setting("DIR");
    refused(client, &which, "list_path");
    check_case = "wrong";
    EXPECT(oss_batch_start(client, NULL, &batch, &error), &error, OSS_INVALID_ARGUMENT, NULL);
    EXPECT(oss_batch_start(client, &which, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out");
    EXPECT(oss_batch_start(NULL, &which, &batch, &error), &error, OSS_INVALID_ARGUMENT, "client");
    CHECK_NUMBER(oss_batch_wait(NULL, 0, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_batch_next_outcome(NULL, 0, &outcome), OSS_INVALID_ARGUMENT);
    oss_batch_pause(NULL), oss_batch_cancel(NULL), oss_batch_free(NULL);
    which.list_path = NULL;
    which.dry_run = 1;
    batch = start(client, &which);
    EXPECT(oss_batch_add(batch, "path", "key", &error), &error, OSS_INVALID_ARGUMENT, "folder or a list");
    CHECK_NUMBER(oss_batch_next_outcome(batch, 0, NULL), OSS_INVALID_ARGUMENT);
    oss_batch_free(batch);
}

static void *wait_for_the_end(void *batch)
{
    static oss_error error;
    (void)oss_batch_wait((oss_batch *)batch, UINT32_MAX, NULL, NULL, &error);
    return &error;
}

static void *wait_for_outcomes(void *batch)
{
    static oss_outcome outcome;
    while (oss_batch_next_outcome((oss_batch *)batch, UINT32_MAX, &outcome) == OSS_OK) {
    }
    return NULL;
}

/** The driver's server takes the third part in only when it comes again: two others are there. */
static oss_batch *start_until_stalled(oss_client *client, const char *key)
{
    oss_batch_options which = batch_options(NULL);
    oss_batch_progress progress;
    oss_batch *batch;
    check_case = key;
    which.connections = 1;
    batch = start(client, &which);
    CHECK_NUMBER(oss_batch_add(batch, setting("FILE"), key, NULL), OSS_OK);
    do {
        REQUIRE(oss_batch_wait(batch, 5, &progress, NULL, NULL) == OSS_PENDING);
    } while (progress.current_done < 2 * PART);
    CHECK_CONTAINS(progress.current_path, setting("FILE"));
    CHECK(progress.current_size > 4 * PART && progress.bytes_found == progress.current_size && !progress.totals_known);
    return batch;
}

/** One thread waits for the end, one for outcomes; this one stops the batch. */
static void stopped_from_elsewhere(oss_client *client, const char *key, void (*stop)(oss_batch *), oss_status wanted)
{
    oss_batch *batch = start_until_stalled(client, key);
    pthread_t end, outcomes;
    void *seen;
    oss_error error;
    REQUIRE(pthread_create(&end, NULL, wait_for_the_end, batch) == 0);
    REQUIRE(pthread_create(&outcomes, NULL, wait_for_outcomes, batch) == 0);
    stop(batch);
    REQUIRE(pthread_join(end, &seen) == 0 && pthread_join(outcomes, NULL) == 0);
    EXPECT(((oss_error *)seen)->status, (oss_error *)seen, wanted, NULL);
    EXPECT(oss_batch_add(batch, "path", "key", &error), &error, OSS_INVALID_ARGUMENT, "ended");
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_OK, NULL);
    stop(batch);
    EXPECT(oss_batch_wait(batch, 0, NULL, NULL, &error), &error, wanted, NULL);
    oss_batch_free(batch);
}

static void running_ones_are_freed(oss_client *client)
{
    oss_batch_options which = batch_options("freed/");
    oss_batch_free(start_until_stalled(client, "stalls-freed"));
    which.directory = setting("DIR");
    which.dry_run = 1;
    oss_batch_free(start(client, &which));
    wait_until_alone();
}

/** The batch needs nothing of the client's handle. */
static void client_goes_first(void)
{
    oss_client_options where = client_options();
    oss_batch_options which = batch_options(NULL);
    oss_client *client = new_client(&where);
    oss_batch *batch = start(client, &which);
    oss_error error;
    check_case = "client first";
    oss_client_free(client);
    EXPECT(oss_batch_add(batch, setting("FILE"), "client-first", &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_wait(batch, UINT32_MAX, NULL, NULL, &error), &error, OSS_OK, NULL);
    oss_batch_free(batch);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    a_folder_and_again(client);
    files_are_added(client);
    what_is_wrong(client);
    stopped_from_elsewhere(client, "stalls-paused", oss_batch_pause, OSS_PAUSED);
    stopped_from_elsewhere(client, "stalls-cancelled", oss_batch_cancel, OSS_CANCELLED);
    running_ones_are_freed(client);
    client_goes_first();
    oss_client_free(client);
    return fixture_end();
}
