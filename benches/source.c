/*
 * Uploads the content of a file from memory, or as many bytes as a stream.
 *
 *     source memory|stream ENDPOINT BUCKET FILE PART_SIZE ROUTINES
 *
 * OSS_REGION and keys are in the environment. The stream gets the same MiB of the file again and again, in pieces of
 * 64 KiB, so that producing it costs nothing.
 */
#define _DEFAULT_SOURCE
#include <oss_upload.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PIECE = 64 * 1024, REPEATED = 1024 * 1024 };

static oss_status stream(oss_client *client, oss_upload_options *what, const char *data, size_t size, oss_error *error)
{
    oss_stream *stream;
    oss_status status;
    size_t at, count;
    /* As much as the parts in flight need. */
    what->max_memory = (what->routines + 1) * what->part_size;
    status = oss_stream_open(client, what, &stream, error);
    for (at = 0; status == OSS_OK && at < size; at += count) {
        count = size - at < PIECE ? size - at : PIECE;
        status = oss_stream_write(stream, data + at % REPEATED, count, error);
    }
    if (status == OSS_OK) status = oss_stream_finish(stream, NULL, error);
    oss_stream_free(stream);
    return status;
}

int main(int count, char **arguments)
{
    oss_client_options client_options = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_client *client = NULL;
    oss_error error;
    oss_status status;
    struct stat about;
    const char *data;
    int file;
    if (count != 7) return 2;
    file = open(arguments[4], O_RDONLY);
    if (file < 0 || fstat(file, &about) != 0) return 2;
    data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) return 2;
    client_options.endpoint = arguments[2];
    what.bucket = arguments[3];
    what.object_key = "source";
    what.part_size = strtoull(arguments[5], NULL, 10);
    what.routines = (uint32_t)atoi(arguments[6]);
    status = oss_client_new(&client_options, &client, &error);
    if (status == OSS_OK && strcmp(arguments[1], "memory") == 0)
        status = oss_upload_memory(client, &what, data, (size_t)about.st_size, NULL, &error, NULL, NULL);
    else if (status == OSS_OK)
        status = stream(client, &what, data, (size_t)about.st_size, &error);
    if (status != OSS_OK) fprintf(stderr, "%s\n", error.message);
    oss_client_free(client);
    return status == OSS_OK ? 0 : 1;
}
