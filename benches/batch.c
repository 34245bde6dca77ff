/*
 * Uploads all files of a folder as one batch.
 *
 *     batch ENDPOINT BUCKET FOLDER [MODE]
 *
 * MODE is one of the numbers OSS_BATCH_*. OSS_REGION and keys are in the environment, and what else is wanted: MANIFEST,
 * CONNECTIONS, COMPARE_REMOTE=1, DRY_RUN=1, SHARD_INDEX, SHARD_COUNT. With COPIES=N, FOLDER is a file, which is added N times with keys of its own.
 */
#define _DEFAULT_SOURCE
#include <oss_upload.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static oss_status add_copies(oss_batch *batch, const char *file, long copies, oss_error *error)
{
    char key[64];
    oss_status status = OSS_OK;
    long number;
    for (number = 0; number < copies && status == OSS_OK; number++) {
        snprintf(key, sizeof(key), "%05ld/%08ld", number / 1000, number);
        status = oss_batch_add(batch, file, key, error);
    }
    return status == OSS_OK ? oss_batch_seal(batch, error) : status;
}

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_batch_options what = oss_batch_options_default();
    oss_batch_result result;
    oss_client *client;
    oss_batch *batch;
    oss_error error;
    oss_status status;
    const char *copies = getenv("COPIES");

    if (argc < 4) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET FOLDER [MODE]\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    what.bucket = argv[2];
    if (copies == NULL) what.directory = argv[3];
    what.mode = argc > 4 ? (uint32_t)atoi(argv[4]) : OSS_BATCH_ALL;
    what.manifest_path = getenv("MANIFEST");
    what.compare_remote = getenv("COMPARE_REMOTE") != NULL;
    what.dry_run = getenv("DRY_RUN") != NULL;
    if (getenv("SHARD_INDEX")) what.shard_index = (uint32_t)atoi(getenv("SHARD_INDEX"));
    if (getenv("SHARD_COUNT")) what.shard_count = (uint32_t)atoi(getenv("SHARD_COUNT"));
    if (getenv("CONNECTIONS")) what.connections = (uint32_t)atoi(getenv("CONNECTIONS"));
    if (oss_client_new(&where, &client, &error) != OSS_OK || oss_batch_start(client, &what, &batch, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (copies != NULL && add_copies(batch, argv[3], atol(copies), &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        oss_batch_cancel(batch);
    }
    status = oss_batch_wait(batch, UINT32_MAX, NULL, &result, &error);
    printf("stored %" PRIu64 " unchanged %" PRIu64 " failed %" PRIu64 " requests %" PRIu64 " ms %" PRIu64 "\n",
           result.files_stored, result.files_unchanged, result.files_failed, result.requests, result.elapsed_ms);
    if (status != OSS_OK) fprintf(stderr, "%s\n", error.message);
    oss_batch_free(batch);
    oss_client_free(client);
    return status != OSS_OK;
}
