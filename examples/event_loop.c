/*
 * Uploads several files at the same time from a program with an event loop of its own (Linux: epoll): nothing here waits
 * for an upload, a timer looks after them all. It prints what happens to them. Ctrl-C pauses them all; the same command
 * again goes on from there.
 *
 *     cc -Iinclude examples/event_loop.c -Ltarget/release -loss_upload -o event_loop
 *     export OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
 *     ./event_loop oss-cn-hangzhou.aliyuncs.com my-bucket a.mp4 b.mp4 c.mp4
 *
 * Each file is stored under its own name. Optional, from the environment: OSS_REGION, OSS_CA_FILE, PART_SIZE, ROUTINES
 * and MAX_BYTES_PER_SECOND, as in upload.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <oss_upload.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/** One file on its way. */
struct task {
    const char *file;
    oss_upload *upload; /* NULL when it has ended. */
};

static int failures, paused;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t number_or(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void start(oss_client *client, const char *bucket, struct task *task)
{
    oss_upload_options what = oss_upload_options_default();
    const char *slash = strrchr(task->file, '/');
    oss_error error;

    what.bucket = bucket;
    what.object_key = slash ? slash + 1 : task->file;
    what.file_path = task->file;
    what.part_size = number_or("PART_SIZE", OSS_PART_SIZE_AUTO);
    what.routines = (uint32_t)number_or("ROUTINES", OSS_ROUTINES_AUTO);
    what.checkpoint = 1;
    if (oss_upload_start(client, &what, &task->upload, &error) != OSS_OK) {
        fprintf(stderr, "%s: %s\n", task->file, error.message);
        failures++;
    }
}

/** Looks at one upload, without waiting. Whether it is still running. */
static int look(struct task *task)
{
    oss_progress progress;
    oss_result result;
    oss_error error;
    oss_status status;

    if (!task->upload) return 0;
    status = oss_upload_wait(task->upload, 0, &progress, &result, &error);
    if (status == OSS_PENDING) {
        fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " bytes\n", task->file, progress.done_bytes, progress.total_bytes);
        return 1;
    }
    if (status == OSS_OK) {
        printf("%s: stored, %" PRIu32 " of %" PRIu32 " parts resumed\n", task->file, result.parts_resumed, result.parts);
    } else if (status == OSS_PAUSED) {
        printf("%s: paused\n", task->file);
        paused++;
    } else {
        fprintf(stderr, "%s: %s\n", task->file, error.message);
        failures++;
    }
    oss_upload_free(task->upload);
    task->upload = NULL;
    return 0;
}

static void print_events(oss_client *client)
{
    oss_event event;
    while (oss_client_next_event(client, &event) == OSS_OK) {
        switch (event.kind) {
        case OSS_EVENT_PART_DONE:
            printf("%s: part %" PRIu32 " is there\n", event.object_key, event.part_number);
            break;
        case OSS_EVENT_RETRY:
            printf("%s: %s again in %" PRIu64 " ms: %s\n", event.object_key, event.operation, event.elapsed_ms, event.message);
            break;
        case OSS_EVENT_RESTARTED:
            printf("%s: from the beginning: %s\n", event.object_key, event.message);
            break;
        default: break;
        }
    }
}

static void watch(int loop, int descriptor)
{
    struct epoll_event wanted;
    memset(&wanted, 0, sizeof(wanted));
    wanted.events = EPOLLIN;
    wanted.data.fd = descriptor;
    if (descriptor < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &wanted) != 0) die("epoll");
}

int main(int argc, char **argv)
{
    const struct itimerspec tick = {{0, 100000000}, {0, 1}};
    oss_client_options where = oss_client_options_default();
    oss_client *client = NULL;
    oss_event event;
    oss_error error;
    struct task *tasks;
    sigset_t signals;
    int loop, timer, interrupts, count = argc - 3, i, running;

    if (count < 1) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET FILE...\n", argv[0]);
        return 2;
    }
    /* Blocked before the first thread of the library is made, which then has them blocked, too. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0) die("epoll");
    watch(loop, interrupts = signalfd(-1, &signals, SFD_CLOEXEC));
    watch(loop, timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (timerfd_settime(timer, 0, &tick, NULL) != 0) die("timer");

    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    where.ca_file = getenv("OSS_CA_FILE");
    where.max_bytes_per_second = number_or("MAX_BYTES_PER_SECOND", 0);
    tasks = calloc((size_t)count, sizeof(*tasks));
    if (!tasks) die("calloc");
    if (oss_client_new(&where, &client, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    /* The first call opens the queue of events. */
    (void)oss_client_next_event(client, &event);
    for (i = 0; i < count; i++) {
        tasks[i].file = argv[3 + i];
        start(client, argv[2], &tasks[i]);
    }

    for (running = 1; running;) {
        struct epoll_event ready;
        struct signalfd_siginfo signal_info;
        uint64_t ticks;
        if (epoll_wait(loop, &ready, 1, -1) != 1) continue;
        if (ready.data.fd == interrupts) {
            if (read(interrupts, &signal_info, sizeof(signal_info)) < 0) die("signal");
            for (i = 0; i < count; i++) oss_upload_pause(tasks[i].upload);
            continue;
        }
        if (read(timer, &ticks, sizeof(ticks)) < 0) die("timer");
        for (running = 0, i = 0; i < count; i++) running += look(&tasks[i]);
        print_events(client);
        fflush(stdout);
    }

    oss_client_free(client);
    free(tasks);
    close(interrupts);
    close(timer);
    close(loop);
    if (paused) fputs("Run the same command again to resume.\n", stderr);
    return failures ? 1 : paused ? 130 : 0;
}
