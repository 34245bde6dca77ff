/*
 * Uploads what a command writes, while it writes it. The object is stored only if the command ends with status 0: half a
 * dump never becomes an object.
 *
 *     cc -Iinclude examples/upload_stream.c -Ltarget/release -loss_upload -o upload_stream
 *     export OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
 *     ./upload_stream oss-cn-hangzhou.aliyuncs.com my-bucket dumps/today.sql 'mysqldump --all-databases'
 *
 * Optional, from the environment: CHECKPOINT, a file with which the same command goes on after Ctrl-C or a crash: of the
 * same bytes, only what the server does not have is sent. OSS_REGION, OSS_CA_FILE, PART_SIZE, ROUTINES and
 * MAX_BYTES_PER_SECOND are as in upload.c.
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

/* The command gets Ctrl-C as well, and ends. */
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

/** Writes all that the command writes. */
static oss_status copy(FILE *output, oss_stream *stream, oss_error *error)
{
    static char buffer[65536];
    oss_status status = OSS_OK;
    size_t count = 0, written = 0, now;
    while (!interrupted && (status == OSS_OK || status == OSS_PENDING)) {
        if (written == count) {
            count = fread(buffer, 1, sizeof(buffer), output);
            written = 0;
            if (count == 0) return OSS_OK;
        }
        status = oss_stream_try_write(stream, buffer + written, count - written, WAIT_MS, &now, error);
        written += now;
    }
    return status;
}

/** Waits until the object is stored. */
static oss_status finish(oss_stream *stream, oss_result *result, oss_error *error)
{
    oss_status status;
    do status = oss_stream_try_finish(stream, WAIT_MS, result, error);
    while (status == OSS_PENDING && !interrupted);
    return status;
}

/** Stores nothing. With a checkpoint, what was sent stays for the next time; without one, it is removed. */
static void give_up(oss_stream *stream, const char *checkpoint)
{
    if (interrupted && checkpoint) {
        fprintf(stderr, "Run the same command again to resume.\n");
        return;
    }
    oss_stream_abort(stream);
    /* Returns when the server has been told. */
    oss_stream_finish(stream, NULL, NULL);
}

/** Runs the command and uploads its output; returns the exit status. */
static int upload(oss_client *client, const oss_upload_options *what, const char *command)
{
    oss_stream *stream = NULL;
    oss_result result;
    oss_error error;
    oss_status status = oss_stream_open(client, what, &stream, &error);
    FILE *output = status == OSS_OK ? popen(command, "r") : NULL;
    int command_failed = 0, stored = 0;
    if (output) {
        status = copy(output, stream, &error);
        command_failed = pclose(output) != 0;
    }
    if (output && status == OSS_OK && !command_failed && !interrupted) {
        status = finish(stream, &result, &error);
        stored = status == OSS_OK;
    }
    if (!stored) give_up(stream, what->checkpoint_path);
    oss_stream_free(stream);

    if (!stored && interrupted) return 130;
    if (status != OSS_OK) {
        fprintf(stderr, "%s: %s\n", oss_status_name(status), error.message);
        return 1;
    }
    if (command_failed || !output) {
        fprintf(stderr, "the command failed: no object is stored\n");
        return 1;
    }
    printf("stored %" PRIu64 " bytes, CRC-64 %" PRIu64 ", ETag %s\n", result.size, result.crc64, result.etag);
    printf("%" PRIu32 " parts: %" PRIu32 " resumed\n", result.parts, result.parts_resumed);
    return 0;
}

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    struct sigaction action = {0};
    oss_client *client = NULL;
    oss_error error;
    int exit_status;

    if (argc != 5) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET KEY COMMAND\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    where.ca_file = getenv("OSS_CA_FILE");
    where.max_bytes_per_second = number_or("MAX_BYTES_PER_SECOND", 0);
    what.bucket = argv[2];
    what.object_key = argv[3];
    what.part_size = number_or("PART_SIZE", OSS_PART_SIZE_AUTO);
    what.routines = (uint32_t)number_or("ROUTINES", OSS_ROUTINES_AUTO);
    what.checkpoint_path = getenv("CHECKPOINT");

    /* Reading ends at once, and a second Ctrl-C the program. */
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    if (oss_client_new(&where, &client, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    exit_status = upload(client, &what, argv[4]);
    oss_client_free(client);
    return exit_status;
}
