/*
 * Blocks of memory that become objects, and when their bytes are no longer read.
 */
#include "fixture.h"

static oss_upload_options to(const char *key)
{
    oss_upload_options options = upload_options(key);
    options.file_path = NULL;
    options.part_size = PART;
    return options;
}

static void upload(oss_client *client, const char *key, const void *data, size_t size, uint32_t parts)
{
    oss_upload_options what = to(key);
    oss_result result;
    oss_error error;
    check_case = key;
    EXPECT(oss_upload_memory(client, &what, data, size, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.size, size);
    CHECK_NUMBER(result.parts, parts);
}

static void refused(oss_client *client, const oss_upload_options *what, const char *words)
{
    oss_upload *started = (oss_upload *)client;
    oss_result result;
    oss_error error;
    check_case = words;
    EXPECT(oss_upload_memory(client, what, "a", 1, &result, &error, NULL, NULL), &error, OSS_INVALID_ARGUMENT, words);
    CHECK_NUMBER(result.size, 0);
    EXPECT(oss_upload_memory_start(client, what, "a", 1, &started, &error), &error, OSS_INVALID_ARGUMENT, words);
    CHECK(started == NULL);
}

#define REFUSED(field, value)                          \
    {                                                  \
        oss_upload_options wrong = to("refused");      \
        wrong.field = value;                           \
        refused(client, &wrong, #field);               \
    }

static void options_of_files_and_streams(oss_client *client)
{
    oss_upload_options what = to("refused");
    oss_error error;
    REFUSED(file_path, setting("FILE"))
    REFUSED(checkpoint, 1)
    REFUSED(checkpoint_path, "a.cp")
    REFUSED(checkpoint_dir, setting("DIR"))
    REFUSED(on_file_change, 1)
    REFUSED(verify_resume, 1)
    REFUSED(max_memory, 1 << 20)
    REFUSED(spool_dir, setting("DIR"))
    REFUSED(spool_limit, 1)
    check_case = "NULL";
    EXPECT(oss_upload_memory(client, &what, NULL, 1, NULL, &error, NULL, NULL), &error, OSS_INVALID_ARGUMENT, "NULL");
    EXPECT(oss_upload_memory(client, NULL, "a", 1, NULL, &error, NULL, NULL), &error, OSS_INVALID_ARGUMENT, NULL);
    EXPECT(oss_upload_memory(NULL, &what, "a", 1, NULL, &error, NULL, NULL), &error, OSS_INVALID_ARGUMENT, "client");
    EXPECT(oss_upload_memory_start(client, &what, "a", 1, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out");
}

/** What is written over the bytes afterwards is nowhere in an object. */
static void bytes_are_free_with_the_upload(oss_client *client, char *bytes, size_t size)
{
    oss_upload_options what = to("stalls-freed");
    oss_upload *started = NULL;
    oss_error error;
    check_case = "freed";
    EXPECT(oss_upload_memory_start(client, &what, bytes, size, &started, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(wait_until_sent(started, 3 * PART), OSS_PENDING);
    oss_upload_free(started);
    scribble(bytes, size);
}

int main(void)
{
    oss_client_options where = client_options();
    size_t size = (size_t)(4 * PART + 40000);
    char *bytes = (char *)malloc(size);
    FILE *file = fopen(setting("FILE"), "rb");
    oss_client *client;
    REQUIRE(bytes && file && fread(bytes, 1, size, file) == size);
    fclose(file);
    fixture_begin();
    client = new_client(&where);
    upload(client, "nothing", NULL, 0, 1);
    upload(client, "small", "abc", 3, 1);
    upload(client, "parts", bytes, size, 5);
    options_of_files_and_streams(client);
    bytes_are_free_with_the_upload(client, bytes, size);
    free(bytes);
    oss_client_free(client);
    return fixture_end();
}
