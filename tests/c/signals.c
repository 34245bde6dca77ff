/*
 * Signals belong to the program: no thread of the library takes one, whether the program waits for it or handles it.
 */
#include <pthread.h>
#include <sched.h>

#include "fixture.h"

/* What a thread that does something wrong raises in itself. */
static const int of_the_thread_itself[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
/* Some end the program when nobody handles them. */
static const int sent[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGPROF, SIGVTALRM,
                           SIGXCPU, SIGIO, SIGURG, SIGWINCH, SIGTSTP};
enum { SENT = sizeof(sent) / sizeof(sent[0]) };

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled++;
}

static int is_of_the_thread_itself(int number)
{
    size_t i;
    for (i = 0; i < sizeof(of_the_thread_itself) / sizeof(of_the_thread_itself[0]); i++)
        if (of_the_thread_itself[i] == number) return 1;
    return 0;
}

/* The mask that the kernel tells of a thread of this process; 0 for one that has just ended. */
static unsigned long long blocked_by(const char *thread)
{
    char path[300], line[256];
    unsigned long long mask = 0;
    FILE *file;
    snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) sscanf(line, "SigBlk: %llx", &mask);
    if (file) fclose(file);
    return mask;
}

static int is_thread(const char *name)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/self/task/%s", name);
    return access(path, F_OK) == 0;
}

/* The same, when the thread has begun: the C library blocks all signals in a thread that is just being made. */
static unsigned long long blocked_in(const char *thread)
{
    const unsigned long long of_the_thread = 1ULL << (SIGSEGV - 1);
    unsigned long long mask = blocked_by(thread);
    int look;
    for (look = 0; (mask & of_the_thread) && look < 10000; look++) {
        sched_yield();
        mask = blocked_by(thread);
    }
    return mask;
}

/* Every thread but this one; how many there are. */
static int check_masks(void)
{
    DIR *threads = opendir("/proc/self/task");
    struct dirent *thread;
    int number, count = 0;
    REQUIRE(threads != NULL);
    while ((thread = readdir(threads)) != NULL) {
        unsigned long long mask;
        if (thread->d_name[0] == '.' || atoi(thread->d_name) == (int)getpid()) continue;
        mask = blocked_in(thread->d_name);
        /* It has just ended. */
        if (!mask && !is_thread(thread->d_name)) continue;
        count++;
        for (number = 1; number <= SIGRTMAX; number++) {
            int is_blocked = (int)(mask >> (number - 1) & 1);
            /* These two cannot be blocked, and the ones between 31 and SIGRTMIN are the C library's. */
            if (number == SIGKILL || number == SIGSTOP || (number > 31 && number < SIGRTMIN)) continue;
            if (!CHECK_NUMBER(is_blocked, !is_of_the_thread_itself(number))) {
                fprintf(stderr, "    signal %d in thread %s\n", number, thread->d_name);
            }
        }
    }
    closedir(threads);
    return count;
}

/* Sends each signal to the process, and waits for it: nobody else has taken it. */
static void send_and_wait(void)
{
    const struct timespec limit = {20, 0};
    sigset_t one;
    int i;
    for (i = 0; i < SENT; i++) {
        sigemptyset(&one);
        sigaddset(&one, sent[i]);
        REQUIRE(kill(getpid(), sent[i]) == 0);
        CHECK_NUMBER(sigtimedwait(&one, NULL, &limit), sent[i]);
    }
    CHECK_NUMBER(handled, 0);
}

static oss_upload *start_and_stall(oss_client *client, const char *key)
{
    oss_upload_options what = upload_options(key);
    oss_upload *upload = NULL;
    oss_error error;
    check_case = key;
    what.part_size = PART;
    what.routines = 3;
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    REQUIRE(upload != NULL);
    wait_until_sent(upload, 3 * PART);
    return upload;
}

static void end(oss_upload *upload)
{
    oss_error error;
    oss_upload_cancel(upload);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error), &error, OSS_CANCELLED, NULL);
    oss_upload_free(upload);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    oss_upload *upload;
    struct sigaction action, before[SENT];
    sigset_t signals, mask, now;
    int i;

    fixture_begin();
    REQUIRE(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    client = new_client(&where);

    /* Blocked only now: the library's threads have not inherited it. */
    upload = start_and_stall(client, "stalls-waited-for");
    CHECK(check_masks() >= 2);
    REQUIRE(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    for (i = 1; i <= SIGRTMAX; i++) CHECK(sigismember(&now, i) == sigismember(&mask, i));
    sigemptyset(&signals);
    for (i = 0; i < SENT; i++) sigaddset(&signals, sent[i]);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    send_and_wait();
    end(upload);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);

    upload = start_and_stall(client, "stalls-handled");
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    for (i = 0; i < SENT; i++) REQUIRE(sigaction(sent[i], &action, &before[i]) == 0);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    send_and_wait();
    end(upload);
    oss_client_free(client);
    wait_until_alone();
    for (i = 0; i < SENT; i++) REQUIRE(sigaction(sent[i], &before[i], NULL) == 0);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
    return fixture_end();
}
