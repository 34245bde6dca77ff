/*
 * Without a progress callback a small file is sent by the thread that asks for it: one with a small stack, and with
 * signals that interrupt every wait.
 */
#include <pthread.h>

#include "fixture.h"

/* What the header asks for. */
enum { SMALL_STACK = 256 * 1024 };

static volatile sig_atomic_t signals, ended;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void upload(oss_client *client, const char *key, const char *file, uint32_t attempts)
{
    oss_upload_options what = upload_options(key);
    oss_result result;
    oss_error error;
    check_case = key;
    what.file_path = file;
    what.part_size = PART;
    what.routines = 3;
    what.checkpoint = 1;
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    /* An interrupted wait is no failed request. */
    CHECK_NUMBER(result.attempts, attempts);
}

static void *work(void *client)
{
    upload((oss_client *)client, "whole", setting("SMALL_FILE"), 1);
    upload((oss_client *)client, "parts", setting("FILE"), 5 + 2);
    ended = 1;
    return NULL;
}

int main(void)
{
    const struct timespec pause = {0, 500 * 1000};
    oss_client_options where = client_options();
    oss_client *client = new_client(&where);
    struct sigaction action;
    pthread_attr_t attributes;
    pthread_t thread;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    fixture_begin();
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, SMALL_STACK) == 0);
    REQUIRE(pthread_create(&thread, &attributes, work, client) == 0);
    while (!ended) {
        pthread_kill(thread, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK(signals > 10);
    action.sa_handler = SIG_DFL;
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    pthread_attr_destroy(&attributes);
    oss_client_free(client);
    return fixture_end();
}
