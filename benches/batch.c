/*
 * Uploads all files of a folder as one batch.
 *
 *     batch ENDPOINT BUCKET FOLDER [MODE]
 *
 * MODE is one of the numbers OSS_BATCH_*. OSS_REGION, keys, MANIFEST, CONNECTIONS and OUTCOMES are in the environment.
 */
#define _DEFAULT_SOURCE
#include <oss_upload.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_batch_options what = oss_batch_options_default();
    oss_batch_result result;
    oss_client *client;
    oss_batch *batch;
    oss_error error;
    oss_status status;

    if (argc < 4) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET FOLDER [MODE]\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    what.bucket = argv[2];
    what.directory = argv[3];
    what.mode = argc > 4 ? (uint32_t)atoi(argv[4]) : OSS_BATCH_ALL;
    what.manifest_path = getenv("MANIFEST");
    what.compare_remote = getenv("COMPARE_REMOTE") != NULL;
    if (getenv("CONNECTIONS")) what.connections = (uint32_t)atoi(getenv("CONNECTIONS"));
    if (oss_client_new(&where, &client, &error) != OSS_OK || oss_batch_start(client, &what, &batch, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    status = oss_batch_wait(batch, UINT32_MAX, NULL, &result, &error);
    printf("stored %" PRIu64 " unchanged %" PRIu64 " failed %" PRIu64 " requests %" PRIu64 " ms %" PRIu64 "\n",
           result.files_stored, result.files_unchanged, result.files_failed, result.requests, result.elapsed_ms);
    if (status != OSS_OK) fprintf(stderr, "%s\n", error.message);
    oss_batch_free(batch);
    oss_client_free(client);
    return status != OSS_OK;
}
