/*
 * Local files that cannot be uploaded, and checkpoints that cannot be written: told before anything is sent, and nothing
 * is left beside them.
 */
#include <sys/stat.h>
#include <unistd.h>

#include <errno.h>

#include "fixture.h"

static void fails(oss_client *client, const oss_upload_options *what, oss_status wanted, int os_errno,
                  const char *words)
{
    oss_upload *upload = NULL;
    oss_result result;
    oss_progress progress;
    oss_error error;
    EXPECT(oss_upload_file(client, what, &result, &error, NULL, NULL), &error, wanted, words);
    CHECK_NUMBER(error.os_errno, os_errno);
    CHECK_NUMBER(error.http_status, 0);
    CHECK_NUMBER(result.attempts, 0);
    CHECK_NUMBER(result.bytes_sent, 0);
    /* The options are right: it is the upload that finds out. */
    EXPECT(oss_upload_start(client, what, &upload, &error), &error, OSS_OK, NULL);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, &progress, &result, &error), &error, wanted, words);
    CHECK_NUMBER(error.os_errno, os_errno);
    CHECK_NUMBER(progress.phase, OSS_PHASE_ENDED);
    oss_upload_free(upload);
}

static void file_fails(oss_client *client, const char *path, int os_errno, const char *words)
{
    oss_upload_options what = upload_options("file");
    check_case = path;
    what.file_path = path;
    fails(client, &what, OSS_IO, os_errno, words);
    what.checkpoint = 1;
    fails(client, &what, OSS_IO, os_errno, words);
}

static void checkpoint_fails(oss_client *client, const char *path, const char *dir, int os_errno, const char *words)
{
    oss_upload_options what = upload_options("checkpoint");
    check_case = path ? path : dir;
    what.checkpoint_path = path;
    what.checkpoint_dir = dir;
    fails(client, &what, OSS_CHECKPOINT, os_errno, words);
}

/** Root may read everything: be somebody else meanwhile. */
static void without_permission(oss_client *client, const char *closed)
{
    int root = geteuid() == 0;
    REQUIRE(chmod(closed, 0) == 0);
    REQUIRE(chmod(setting("DIR"), 0555) == 0);
    if (root) REQUIRE(seteuid(65534) == 0);
    file_fails(client, closed, EACCES, "unreadable");
    checkpoint_fails(client, scratch("new.cp"), NULL, EACCES, "new.cp");
    checkpoint_fails(client, NULL, setting("DIR"), EACCES, setting("DIR"));
    if (root) REQUIRE(seteuid(0) == 0);
    REQUIRE(chmod(setting("DIR"), 0755) == 0);
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL);
    REQUIRE(fputs("unreadable", file) >= 0);
    REQUIRE(fclose(file) == 0);
}

int main(void)
{
    static char long_name[400];
    oss_client_options where = client_options();
    oss_client *client;
    const char *closed = scratch("unreadable"), *fifo = scratch("fifo"), *empty = scratch("empty");
    int before;
    fixture_begin();
    client = new_client(&where);
    make_file(closed);
    REQUIRE(mkdir(empty, 0755) == 0);
    REQUIRE(mkfifo(fifo, 0644) == 0);
    before = entries_of(setting("DIR"));

    memset(long_name, 'n', sizeof(long_name) - 1);
    file_fails(client, scratch("missing"), ENOENT, "missing");
    file_fails(client, setting("DIR"), 0, "directory");
    file_fails(client, fifo, 0, "regular");
    file_fails(client, "/dev/null", 0, "regular");
    file_fails(client, scratch("missing/file"), ENOENT, "missing/file");
    file_fails(client, scratch(long_name), ENAMETOOLONG, "nnn");
    checkpoint_fails(client, scratch("missing/a.cp"), NULL, ENOENT, "missing");
    checkpoint_fails(client, NULL, scratch("missing"), ENOENT, "missing");
    checkpoint_fails(client, empty, NULL, EISDIR, "directory");
    checkpoint_fails(client, NULL, setting("FILE"), ENOTDIR, "file");
    without_permission(client, closed);

    oss_client_free(client);
    CHECK_NUMBER(entries_of(setting("DIR")), before);
    CHECK_NUMBER(entries_of(empty), 2);
    return fixture_end();
}
