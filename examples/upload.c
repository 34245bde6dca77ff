/*
 * Uploads a file to OSS with a progress bar. Stopped or killed at any moment, it resumes when it is started again. Ctrl-C pauses: exit status 130.
 *
 *     cc -Iinclude examples/upload.c -Ltarget/release -loss_upload -o upload
 *     export OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
 *     ./upload oss-cn-hangzhou.aliyuncs.com my-bucket videos/a.mp4 /data/a.mp4
 *
 * Optional, from the environment: OSS_REGION (when the endpoint does not name it), OSS_CA_FILE, PART_SIZE (bytes) and
 * ROUTINES (parts at a time), both chosen by the library when they are not set, and MAX_BYTES_PER_SECOND.
 */
#include <oss_upload.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    interrupted = 1;
    /* A second Ctrl-C ends the program at once: the checkpoint survives that, too. */
    signal(signal_number, SIG_DFL);
}

static const char *phase_name(uint32_t phase)
{
    switch (phase) {
    case OSS_PHASE_PREPARING: return "preparing";
    case OSS_PHASE_UPLOADING: return "uploading";
    case OSS_PHASE_VERIFYING: return "verifying";
    case OSS_PHASE_COMPLETING: return "completing";
    case OSS_PHASE_WAITING: return "waiting for credentials";
    case OSS_PHASE_HASHING: return "hashing";
    default: return "done";
    }
}

static int32_t draw(const oss_progress *progress, void *user_data)
{
    enum { WIDTH = 40 };
    char bar[WIDTH + 1];
    double done = progress->total_bytes ? (double)progress->done_bytes / (double)progress->total_bytes : 0.0;
    double resumed = progress->total_bytes ? (double)progress->resumed_bytes / (double)progress->total_bytes : 0.0;
    int i;
    (void)user_data;
    for (i = 0; i < WIDTH; i++) {
        double here = (double)i / WIDTH;
        bar[i] = here < resumed ? '=' : here < done ? '#' : '.';
    }
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %5.1f %%  %7.1f MiB/s  %-10s", bar, done * 100.0,
            (double)progress->bytes_per_second / 1048576.0, phase_name(progress->phase));
    return interrupted ? OSS_PAUSE : OSS_CONTINUE;
}

static uint64_t number_or(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_client *client = NULL;
    oss_result result;
    oss_error error;
    oss_status status;

    if (argc != 5) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET KEY FILE\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    where.ca_file = getenv("OSS_CA_FILE");
    where.max_bytes_per_second = number_or("MAX_BYTES_PER_SECOND", 0);
    what.bucket = argv[2];
    what.object_key = argv[3];
    what.file_path = argv[4];
    what.part_size = number_or("PART_SIZE", OSS_PART_SIZE_AUTO);
    what.routines = (uint32_t)number_or("ROUTINES", OSS_ROUTINES_AUTO);
    what.checkpoint = 1;
    signal(SIGINT, on_interrupt);

    status = oss_client_new(&where, &client, &error);
    if (status == OSS_OK) status = oss_upload_file(client, &what, &result, &error, draw, NULL);
    oss_client_free(client);
    fputc('\n', stderr);
    if (status != OSS_OK) {
        fprintf(stderr, "%s: %s\n", oss_status_name(status), error.message);
        if (error.request_id[0]) fprintf(stderr, "request id %s\n", error.request_id);
        if (status == OSS_PAUSED) fputs("Run the same command again to resume.\n", stderr);
        return status == OSS_PAUSED ? 130 : 1;
    }
    printf("stored %" PRIu64 " bytes, CRC-64 %" PRIu64 ", ETag %s\n", result.size, result.crc64, result.etag);
    printf("%" PRIu32 " parts of %" PRIu64 " bytes: %" PRIu32 " resumed, %" PRIu64 " bytes sent in %" PRIu64 " ms\n",
           result.parts, result.part_size, result.parts_resumed, result.bytes_sent, result.elapsed_ms);
    if (result.restart_reason[0]) printf("all parts were sent again: %s\n", result.restart_reason);
    return 0;
}
