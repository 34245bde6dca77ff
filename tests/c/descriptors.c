/*
 * A program that has closed standard streams, and goes on to print: nothing of it gets into the library's files and
 * connections, and nothing of the library's log into the program's files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "fixture.h"

/* Linux has it, POSIX does not: the descriptor can be neither read nor written. */
#define PATH_ONLY 010000000

static int kept[3];
/* Which of 0, 1 and 2 are closed, as bits. */
static int closed;
static volatile int printing;
static int prints_that_went_somewhere;

static void close_standard(int which)
{
    int number;
    closed = which;
    for (number = 0; number < 3; number++) {
        if (!(which >> number & 1)) continue;
        kept[number] = fcntl(number, F_DUPFD, 50);
        REQUIRE(kept[number] >= 50);
        close(number);
    }
}

static void open_standard(void)
{
    int number;
    for (number = 0; number < 3; number++) {
        if (!(closed >> number & 1)) continue;
        REQUIRE(dup2(kept[number], number) == number);
        close(kept[number]);
    }
    closed = 0;
}

/* Prints all the time to what is closed, as a program does that does not know it. */
static void *print(void *nothing)
{
    while (printing) {
        int number;
        for (number = 0; number < 3; number++) {
            if (closed >> number & 1 && (write(number, "printed", 7) >= 0 || errno != EBADF))
                prints_that_went_somewhere++;
        }
    }
    return nothing;
}

/* Nothing of ours has a standard number, but for the moment in which something is opened. */
static void check_numbers(void)
{
    int number, tries;
    for (number = 0; number < 3; number++) {
        if (!(closed >> number & 1)) continue;
        for (tries = 0; fcntl(number, F_GETFL) != -1 && tries < 5000; tries++) {
            CHECK(fcntl(number, F_GETFL) == -1 || fcntl(number, F_GETFL) & PATH_ONLY);
            pause_a_millisecond();
        }
        CHECK(tries < 5000);
    }
}

/* The third part stalls once: it is stopped there, and goes on from a checkpoint that must be right. */
static void upload_in_two_calls(int which)
{
    oss_client_options where = client_options();
    oss_upload_options what;
    oss_client *client;
    oss_upload *upload;
    oss_result result;
    oss_error error;
    pthread_t thread;
    char key[16];

    snprintf(key, sizeof(key), "closed-%d", which);
    what = upload_options(key);
    check_case = key;
    what.part_size = PART;
    what.routines = 2;
    what.checkpoint_path = scratch("checkpoint");
    where.access_key_id = where.access_key_secret = NULL;
    where.credentials = setting("CREDENTIALS");

    close_standard(which);
    printing = 1;
    prints_that_went_somewhere = 0;
    REQUIRE(pthread_create(&thread, NULL, print, NULL) == 0);
    REQUIRE(oss_client_new(&where, &client, &error) == OSS_OK);
    REQUIRE(oss_upload_start(client, &what, &upload, &error) == OSS_OK);
    wait_until_sent(upload, 3 * PART);
    check_numbers();
    oss_upload_pause(upload);
    CHECK(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error) == OSS_PAUSED);
    oss_upload_free(upload);
    CHECK(oss_upload_file(client, &what, &result, &error, NULL, NULL) == OSS_OK);
    oss_client_free(client);
    printing = 0;
    REQUIRE(pthread_join(thread, NULL) == 0);
    check_numbers();
    open_standard();
    /* Only now it can be said. */
    CHECK_NUMBER(prints_that_went_somewhere, 0);
    EXPECT((oss_status)error.status, &error, OSS_OK, NULL);
    CHECK(result.parts_resumed > 0);
    CHECK_NUMBER(strlen(result.restart_reason), 0);
}

static long size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (long)found.st_size : -1;
}

/* Gives the number 2 to a file. */
static void error_to(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
    REQUIRE(file >= 0 && dup2(file, 2) == 2);
    if (file != 2) close(file);
}

static void upload_small(oss_client *client, const char *key)
{
    oss_upload_options what = upload_options(key);
    oss_error error;
    check_case = key;
    what.file_path = setting("SMALL_FILE");
    CHECK(oss_upload_file(client, &what, NULL, &error, NULL, NULL) == OSS_OK);
}

static oss_client *logging_client(const char *level)
{
    oss_client_options where = client_options();
    REQUIRE(setenv("OSS_UPLOAD_LOG", level, 1) == 0);
    return new_client(&where);
}

/* The log is written to the standard error that was there when the client was made, and to nothing else. */
static void only_to_standard_error(void)
{
    oss_client *client;
    long length;
    int real = fcntl(2, F_DUPFD, 50);
    REQUIRE(real >= 0);

    error_to(scratch("log"));
    client = logging_client(" INFO");
    upload_small(client, "logged");
    length = size_of(scratch("log"));
    CHECK(length > 0);
    error_to(scratch("database"));
    upload_small(client, "replaced");
    close(2);
    upload_small(client, "closed");
    CHECK_NUMBER(size_of(scratch("database")), 0);
    CHECK_NUMBER(size_of(scratch("log")), length);
    error_to(scratch("log"));
    upload_small(client, "back");
    CHECK(size_of(scratch("log")) > length);
    oss_client_free(client);

    close(2);
    client = logging_client("debug");
    error_to(scratch("database"));
    upload_small(client, "late");
    CHECK_NUMBER(size_of(scratch("database")), 0);
    oss_client_free(client);

    /* A level that nobody knows is told of, once. */
    client = logging_client("verbos");
    upload_small(client, "unknown");
    length = size_of(scratch("database"));
    CHECK(length > 40 && length < 200);
    oss_client_free(client);
    REQUIRE(dup2(real, 2) == 2);
    close(real);
    REQUIRE(unsetenv("OSS_UPLOAD_LOG") == 0);
}

int main(void)
{
    int which;
    check_other_output = fdopen(fcntl(2, F_DUPFD, 50), "w");
    REQUIRE(check_other_output != NULL && setvbuf(check_other_output, NULL, _IONBF, 0) == 0);
    fixture_begin();
    only_to_standard_error();
    REQUIRE(setenv("OSS_UPLOAD_LOG", "debug", 1) == 0);
    for (which = 1; which < 8; which++) {
        int real = fcntl(2, F_DUPFD, 50);
        REQUIRE(real >= 0);
        error_to(scratch("log"));
        upload_in_two_calls(which);
        REQUIRE(dup2(real, 2) == 2);
        close(real);
    }
    return fixture_end();
}
