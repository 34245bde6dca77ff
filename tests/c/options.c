/*
 * Options of programs that are older or newer than the library, and when options are read.
 */
#include "fixture.h"

/** `size` bytes and no more, so that a look behind them is seen. */
static void *copy_of(const void *options, size_t known, size_t size)
{
    unsigned char *copy = (unsigned char *)calloc(1, size);
    REQUIRE(copy != NULL);
    memcpy(copy, options, known < size ? known : size);
    memcpy(copy, &size, sizeof(size));
    return copy;
}

static oss_status new_client_of(const void *options, oss_error *error)
{
    oss_client *client = NULL;
    oss_status status = oss_client_new((const oss_client_options *)options, &client, error);
    CHECK((status == OSS_OK) == (client != NULL));
    oss_client_free(client);
    return status;
}

static oss_status upload_with(oss_client *client, const void *options, oss_error *error)
{
    oss_result result;
    oss_status status =
        oss_upload_file(client, (const oss_upload_options *)options, &result, error, NULL, NULL);
    CHECK(status != OSS_OK || result.parts == 5);
    return status;
}

static oss_status start_batch_with(oss_client *client, const void *options, oss_error *error)
{
    oss_batch *batch = NULL;
    oss_status status = oss_batch_start(client, (const oss_batch_options *)options, &batch, error);
    CHECK((status == OSS_OK) == (batch != NULL));
    oss_batch_free(batch);
    return status;
}

static void defaults_are_zero(void)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_batch_options which = oss_batch_options_default();
    const unsigned char *byte;
    size_t i;
    CHECK_NUMBER(where.struct_size, sizeof(where));
    CHECK_NUMBER(what.struct_size, sizeof(what));
    CHECK_NUMBER(which.struct_size, sizeof(which));
    byte = (const unsigned char *)&where;
    for (i = sizeof(where.struct_size); i < sizeof(where); i++) CHECK_NUMBER(byte[i], 0);
    byte = (const unsigned char *)&what;
    for (i = sizeof(what.struct_size); i < sizeof(what); i++) CHECK_NUMBER(byte[i], 0);
    byte = (const unsigned char *)&which;
    for (i = sizeof(which.struct_size); i < sizeof(which); i++) CHECK_NUMBER(byte[i], 0);
    CHECK(oss_version_number() == OSS_VERSION_NUMBER && strcmp(oss_version(), OSS_VERSION) == 0);
}

/** A program of 0.0.1 knew the first fields only; the others are at their defaults. */
static void older_programs(oss_client *client)
{
    static const size_t CLIENT[] = {
        offsetof(oss_client_options, security_token), offsetof(oss_client_options, max_bytes_per_second),
        offsetof(oss_client_options, path_style), sizeof(oss_client_options) - sizeof(void *)};
    static const size_t UPLOAD[] = {
        offsetof(oss_upload_options, checkpoint_path), offsetof(oss_upload_options, part_size),
        offsetof(oss_upload_options, max_memory), sizeof(oss_upload_options) - sizeof(void *)};
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("older");
    oss_batch_options which = batch_options("older/");
    oss_error error;
    size_t i;
    check_case = "older";
    for (i = 0; i < sizeof(CLIENT) / sizeof(CLIENT[0]); i++) {
        void *copy = copy_of(&where, sizeof(where), CLIENT[i]);
        EXPECT(new_client_of(copy, &error), &error, OSS_OK, NULL);
        free(copy);
    }
    /* What lies behind the end is not read: it would be refused. */
    what.reserved = what.content_md5 = 99;
    for (i = 0; i < 2; i++) {
        void *copy = copy_of(&what, sizeof(what), UPLOAD[i]);
        EXPECT(upload_with(client, copy, &error), &error, OSS_OK, NULL);
        free(copy);
    }
    what.content_md5 = 1;
    what.reserved = 0;
    for (; i < sizeof(UPLOAD) / sizeof(UPLOAD[0]); i++) {
        void *copy = copy_of(&what, sizeof(what), UPLOAD[i]);
        EXPECT(upload_with(client, copy, &error), &error, OSS_OK, NULL);
        free(copy);
    }
    /* No program was compiled with such a size: it would end within a pointer. */
    {
        void *copy = copy_of(&what, sizeof(what), offsetof(oss_upload_options, file_path) + 1);
        EXPECT(upload_with(client, copy, &error), &error, OSS_INVALID_ARGUMENT, "struct_size");
        free(copy);
    }
    /* So old that it does not know all that must be there. */
    {
        void *copy = copy_of(&what, sizeof(what), offsetof(oss_upload_options, file_path));
        EXPECT(upload_with(client, copy, &error), &error, OSS_INVALID_ARGUMENT, "file_path");
        free(copy);
    }
    /* An index beyond the count would be refused. */
    which.shard_index = 9;
    which.shard_count = 2;
    {
        void *copy = copy_of(&which, sizeof(which), offsetof(oss_batch_options, shard_index));
        EXPECT(start_batch_with(client, copy, &error), &error, OSS_OK, NULL);
        free(copy);
    }
    EXPECT(start_batch_with(client, &which, &error), &error, OSS_INVALID_ARGUMENT, "shard_index");
}

/** A newer program may set what this library knows, and nothing else. */
static void newer_programs(oss_client *client)
{
    enum { MORE = 64 };
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("newer");
    oss_batch_options which = batch_options("newer/");
    unsigned char *copy;
    oss_error error;
    int i;
    check_case = "newer";
    copy = (unsigned char *)copy_of(&where, sizeof(where), sizeof(where) + MORE);
    EXPECT(new_client_of(copy, &error), &error, OSS_OK, NULL);
    for (i = 0; i < MORE; i += MORE - 1) {
        copy[sizeof(where) + i] = 1;
        EXPECT(new_client_of(copy, &error), &error, OSS_UNSUPPORTED, "oss_client_options");
        copy[sizeof(where) + i] = 0;
    }
    free(copy);
    copy = (unsigned char *)copy_of(&what, sizeof(what), sizeof(what) + MORE);
    EXPECT(upload_with(client, copy, &error), &error, OSS_OK, NULL);
    for (i = 0; i < MORE; i += MORE - 1) {
        copy[sizeof(what) + i] = 1;
        EXPECT(upload_with(client, copy, &error), &error, OSS_UNSUPPORTED, "oss_upload_options");
        copy[sizeof(what) + i] = 0;
    }
    free(copy);
    copy = (unsigned char *)copy_of(&which, sizeof(which), sizeof(which) + MORE);
    EXPECT(start_batch_with(client, copy, &error), &error, OSS_OK, NULL);
    for (i = 0; i < MORE; i += MORE - 1) {
        copy[sizeof(which) + i] = 1;
        EXPECT(start_batch_with(client, copy, &error), &error, OSS_UNSUPPORTED, "oss_batch_options");
        copy[sizeof(which) + i] = 0;
    }
    free(copy);
}

static char *on_the_heap(const char *text)
{
    char *copy = (char *)malloc(strlen(text) + 1);
    REQUIRE(copy != NULL);
    return strcpy(copy, text);
}

static void wipe(char *text)
{
    memset(text, '?', strlen(text));
    free(text);
}

/** All input is copied before the call returns. */
static void inputs_are_copied(void)
{
    oss_client_options *where = (oss_client_options *)malloc(sizeof(*where));
    oss_upload_options *what = (oss_upload_options *)malloc(sizeof(*what));
    oss_header *header = (oss_header *)malloc(sizeof(*header));
    char *texts[9];
    oss_client *client = NULL;
    oss_upload *upload = NULL;
    oss_result result;
    oss_error error;
    size_t i, used = 0;
    check_case = "copied";
    REQUIRE(where && what && header);
    *where = client_options();
    where->endpoint = texts[used++] = on_the_heap(where->endpoint);
    where->region = texts[used++] = on_the_heap(where->region);
    where->access_key_id = texts[used++] = on_the_heap(where->access_key_id);
    where->access_key_secret = texts[used++] = on_the_heap(where->access_key_secret);
    EXPECT(oss_client_new(where, &client, &error), &error, OSS_OK, NULL);
    *what = upload_options(NULL);
    what->bucket = texts[used++] = on_the_heap(what->bucket);
    what->object_key = texts[used++] = on_the_heap("copied");
    what->file_path = texts[used++] = on_the_heap(what->file_path);
    header->name = texts[used++] = on_the_heap("x-oss-meta-a");
    header->value = texts[used++] = on_the_heap("b");
    what->headers = header;
    what->header_count = 1;
    EXPECT(oss_upload_start(client, what, &upload, &error), &error, OSS_OK, NULL);
    for (i = 0; i < used; i++) wipe(texts[i]);
    memset(what, '?', sizeof(*what));
    memset(where, '?', sizeof(*where));
    memset(header, '?', sizeof(*header));
    free(what);
    free(where);
    free(header);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, &result, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts, 5);
    oss_upload_free(upload);
    oss_client_free(client);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    defaults_are_zero();
    older_programs(client);
    newer_programs(client);
    inputs_are_copied();
    oss_client_free(client);
    return fixture_end();
}
