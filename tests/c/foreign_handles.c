/*
 * Pointers to what is no handle, and handles of the wrong kind: each call refuses them, and leaves them as they are.
 */
#include "handle_calls.h"
#include "vendor_types.h"

static void foreign(void *pointer, size_t size, const char *what)
{
    unsigned char before[256];
    check_case = what;
    REQUIRE(size <= sizeof(before));
    memcpy(before, pointer, size);
    no_client(pointer, "client is not an oss_client of this library");
    no_upload(pointer, "upload is not an oss_upload of this library");
    no_batch(pointer, "batch is not an oss_batch of this library");
    oss_client_free((oss_client *)pointer);
    oss_upload_free((oss_upload *)pointer);
    oss_batch_free((oss_batch *)pointer);
    CHECK(memcmp(before, pointer, size) == 0);
}

static void memory_of_others(void)
{
    static const uint64_t READ_ONLY[2] = {1, 2};
    vendor_options options;
    vendor_string string;
    uint64_t zeros[2] = {0, 0}, ones[2] = {UINT64_MAX, UINT64_MAX};
    void *allocated = calloc(1, 64);
    const void *read_only = READ_ONLY;
    void *pointer;
    REQUIRE(allocated != NULL);
    memset(&string, 0, sizeof(string));
    string.len = 9;
    options.config = options.ctl = options.pool = &options;
    foreign(&options, sizeof(options), "the first argument of the SDK's oss_upload_file()");
    foreign(&string, sizeof(string), "a string of the SDK");
    foreign(zeros, sizeof(zeros), "zeros");
    foreign(ones, sizeof(ones), "ones");
    foreign(allocated, 64, "allocated memory");
    foreign((char *)allocated + 1, 32, "an address that no handle has");
    memcpy(&pointer, &read_only, sizeof(pointer));
    foreign(pointer, sizeof(READ_ONLY), "memory that cannot be written");
    free(allocated);
}

/** The wrong kind is not even freed: it goes on as what it is. */
static void kinds_are_not_mixed_up(void)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("mixed-up");
    oss_client *client = new_client(&where);
    oss_batch_options which = batch_options("mixed-up/");
    oss_upload *upload = NULL;
    oss_batch *batch = NULL;
    oss_error error;
    check_case = "the wrong kind";
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    no_client(upload, "client is an oss_upload; it must be an oss_client");
    no_upload(client, "upload is an oss_client; it must be an oss_upload");
    oss_client_free((oss_client *)(void *)upload);
    oss_upload_free((oss_upload *)(void *)client);
    no_batch(client, "batch is an oss_client; it must be an oss_batch");
    oss_batch_free((oss_batch *)(void *)client);
    no_batch(upload, "batch is an oss_upload; it must be an oss_batch");
    oss_batch_free((oss_batch *)(void *)upload);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error), &error, OSS_OK, NULL);
    oss_upload_free(upload);
    EXPECT(oss_batch_start(client, &which, &batch, &error), &error, OSS_OK, NULL);
    no_client(batch, "client is an oss_batch; it must be an oss_client");
    no_upload(batch, "upload is an oss_batch; it must be an oss_upload");
    oss_client_free((oss_client *)(void *)batch);
    oss_upload_free((oss_upload *)(void *)batch);
    EXPECT(oss_batch_seal(batch, &error), &error, OSS_OK, NULL);
    EXPECT(oss_batch_wait(batch, UINT32_MAX, NULL, NULL, &error), &error, OSS_OK, NULL);
    oss_batch_free(batch);
    EXPECT(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), NULL, &error), &error, OSS_OK, NULL);
    oss_client_free(client);
}

int main(void)
{
    fixture_begin();
    memory_of_others();
    kinds_are_not_mixed_up();
    return fixture_end();
}
