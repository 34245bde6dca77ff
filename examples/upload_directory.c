/*
 * Uploads a folder with all that is in it. Run it again after a failure, Ctrl-C, a crash or a change: it sends what is
 * missing, and goes on in the middle of large files. A file that fails does not stop the others.
 *
 *     cc -Iinclude examples/upload_directory.c -Ltarget/release -loss_upload -o upload_directory
 *     export OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
 *     ./upload_directory oss-cn-hangzhou.aliyuncs.com my-bucket photos/ /data/photos /var/lib/photos.manifest
 *
 * The manifest remembers what is stored. Optional, from the environment: EXCLUDE, rules for files to leave out, one a line,
 * as in a .gitignore file. OSS_REGION, OSS_CA_FILE, PART_SIZE and MAX_BYTES_PER_SECOND are as in upload.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <oss_upload.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* How long a call waits before it is seen whether somebody has pressed Ctrl-C. */
enum { WAIT_MS = 100 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static uint64_t number_or(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void show_outcome(const oss_outcome *outcome)
{
    switch (outcome->status) {
    case OSS_OUTCOME_STORED: printf("%s: stored as %s\n", outcome->path, outcome->key); break;
    case OSS_OUTCOME_SKIPPED: printf("%s: left out (%s)\n", outcome->path, outcome->rule); break;
    case OSS_OUTCOME_FAILED: fprintf(stderr, "%s: %s\n", outcome->path, outcome->error.message); break;
    default: break; /* It has not changed. */
    }
}

static void show_progress(oss_batch *batch)
{
    oss_batch_progress now;
    oss_batch_wait(batch, 0, &now, NULL, NULL);
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 "%s files, %" PRIu64 " files/s, %" PRIu64 " KiB/s  ",
            now.files_stored + now.files_unchanged, now.files_found, now.totals_known ? "" : " or more",
            now.files_per_second, now.bytes_per_second / 1024);
}

/** Shows what becomes of each file, until the batch has ended. */
static void watch(oss_batch *batch)
{
    oss_outcome outcome;
    oss_status status;
    int told = 0;
    while ((status = oss_batch_next_outcome(batch, WAIT_MS, &outcome)) != OSS_END) {
        if (interrupted && !told) {
            oss_batch_pause(batch);
            told = 1;
        }
        if (status == OSS_OK) show_outcome(&outcome);
        if (status == OSS_PENDING) show_progress(batch);
    }
}

/** Runs the batch; returns the exit status. */
static int upload(oss_client *client, const oss_batch_options *which)
{
    oss_batch *batch = NULL;
    oss_batch_result result;
    oss_error error;
    oss_status status = oss_batch_start(client, which, &batch, &error);
    if (status != OSS_OK) {
        fprintf(stderr, "%s: %s\n", oss_status_name(status), error.message);
        return 1;
    }
    watch(batch);
    status = oss_batch_wait(batch, UINT32_MAX, NULL, &result, &error);
    oss_batch_free(batch);

    printf("%" PRIu64 " stored (%" PRIu64 " bytes sent), %" PRIu64 " unchanged, %" PRIu64 " left out, %" PRIu64 " failed\n",
           result.files_stored, result.bytes_sent, result.files_unchanged, result.files_skipped, result.files_failed);
    if (status == OSS_OK) return 0;
    fprintf(stderr, "%s: %s\n", oss_status_name(status), error.message);
    if (status != OSS_PAUSED) return 1;
    fprintf(stderr, "Run the same command again to resume.\n");
    return 130;
}

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_batch_options which = oss_batch_options_default();
    struct sigaction action = {0};
    oss_client *client = NULL;
    oss_error error;
    int exit_status;

    if (argc != 6) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET PREFIX FOLDER MANIFEST\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    where.ca_file = getenv("OSS_CA_FILE");
    where.max_bytes_per_second = number_or("MAX_BYTES_PER_SECOND", 0);
    which.bucket = argv[2];
    which.key_prefix = argv[3];
    which.directory = argv[4];
    which.manifest_path = argv[5];
    which.mode = OSS_BATCH_CHANGED;
    which.exclude = getenv("EXCLUDE");
    which.part_size = number_or("PART_SIZE", OSS_PART_SIZE_AUTO);
    which.outcomes = 1;

    /* A second Ctrl-C ends the program. */
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    if (oss_client_new(&where, &client, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    exit_status = upload(client, &which);
    oss_client_free(client);
    return exit_status;
}
