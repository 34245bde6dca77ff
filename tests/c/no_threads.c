/*
 * The system refuses threads: some of them, or all. This program's pthread_create() is the one that the library gets.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "fixture.h"

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int granted, given, refused_once;

/** Refuses threads when `granted` are given; with `refused_once` only that one time. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
    static create_fn *real;
    int may;
    pthread_mutex_lock(&lock);
    if (!real) *(void **)(&real) = dlsym(RTLD_NEXT, "pthread_create");
    may = given < granted;
    if (may) given++;
    else if (refused_once) granted = 1000;
    pthread_mutex_unlock(&lock);
    return may ? real(thread, attributes, work, argument) : EAGAIN;
}

static void grant(int count, int once)
{
    pthread_mutex_lock(&lock);
    granted = count;
    given = 0;
    refused_once = once;
    pthread_mutex_unlock(&lock);
}

static oss_client_options where;

/** What an upload comes to with a new client, which has no threads yet. */
static oss_status upload(const char *key, const char *file, oss_error *error)
{
    oss_client *client = new_client(&where);
    oss_upload_options what = upload_options(key);
    oss_result result;
    oss_status status;
    check_case = key;
    what.file_path = file;
    what.part_size = PART;
    what.routines = 4;
    what.checkpoint = 1;
    status = oss_upload_file(client, &what, &result, error, NULL, NULL);
    oss_client_free(client);
    return status;
}

static void refused(const char *key, const char *file)
{
    oss_error error;
    EXPECT(upload(key, file, &error), &error, OSS_RESOURCES, "thread");
    CHECK(error.retryable);
    CHECK_NUMBER(error.os_errno, EAGAIN);
}

static void stored(const char *key, const char *file)
{
    oss_error error;
    EXPECT(upload(key, file, &error), &error, OSS_OK, NULL);
}

int main(void)
{
    where = client_options();
    fixture_begin();

    grant(0, 0);
    refused("none", setting("FILE"));
    refused("none-small", setting("SMALL_FILE"));
    /* The upload's own thread, and none that sends parts: it goes on when there are some. */
    grant(1, 0);
    refused("resumed", setting("FILE"));
    grant(1000, 0);
    stored("resumed", setting("FILE"));

    /* It goes on with those that there are ... */
    grant(2, 0);
    stored("one-worker", setting("FILE"));
    CHECK_NUMBER(given, 2);
    /* ... and gets the others as soon as it can. */
    grant(2, 1);
    stored("more-later", setting("FILE"));
    CHECK(given > 2);

    /* A name is looked up, and a source of credentials is asked, on a thread, too. */
    where.endpoint = setting("NAMED_ENDPOINT");
    where.path_style = 1;
    grant(1, 0);
    refused("no-look-up", setting("SMALL_FILE"));
    where.endpoint = setting("ENDPOINT");
    where.access_key_id = where.access_key_secret = NULL;
    where.credentials = "process:/bin/false";
    refused("no-credentials", setting("SMALL_FILE"));
    return fixture_end();
}
