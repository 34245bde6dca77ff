/*
 * What an application server answers to x-oss-callback, read by the program that uploads.
 */
#include "fixture.h"

static const char RESPONSE[] = "{\"a\": 1 }";
static const size_t SIZE = sizeof(RESPONSE) - 1;

static oss_upload *ended(oss_client *client, const char *key, const char *callback, oss_status wanted, oss_result *result)
{
    oss_upload_options what = upload_options(key);
    oss_header header;
    oss_upload *upload = NULL;
    oss_error error;
    header.name = "x-oss-callback";
    header.value = callback;
    what.headers = &header;
    what.header_count = callback != NULL;
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, result, &error), &error, wanted, NULL);
    return upload;
}

static void a_response_is_read_in_any_size(oss_client *client, const char *key)
{
    oss_result result;
    oss_upload *upload = ended(client, key, setting("CALLBACK"), OSS_OK, &result);
    char buffer[64];
    size_t capacity;
    check_case = key;
    CHECK_NUMBER(result.callback_response_size, SIZE);
    CHECK_NUMBER(oss_upload_callback_response(upload, NULL, 0), SIZE);
    CHECK_NUMBER(oss_upload_callback_response(upload, NULL, 64), SIZE);
    for (capacity = 0; capacity < sizeof(buffer); capacity++) {
        size_t copied = !capacity ? 0 : capacity - 1 < SIZE ? capacity - 1 : SIZE;
        memset(buffer, '#', sizeof(buffer));
        CHECK_NUMBER(oss_upload_callback_response(upload, buffer, capacity), SIZE);
        CHECK(memcmp(buffer, RESPONSE, copied) == 0);
        CHECK(buffer[copied] == (capacity ? '\0' : '#'));
        CHECK(copied + 1 == sizeof(buffer) || buffer[copied + 1] == '#');
    }
    oss_upload_free(upload);
}

static void there_is_none(oss_client *client, const char *key, const char *callback, oss_status wanted)
{
    oss_result result;
    oss_upload *upload = ended(client, key, callback, wanted, &result);
    char buffer[4] = "###";
    check_case = key;
    CHECK_NUMBER(result.callback_response_size, 0);
    CHECK_NUMBER(oss_upload_callback_response(upload, buffer, sizeof(buffer)), 0);
    CHECK(buffer[0] == '\0');
    oss_upload_free(upload);
}

static void it_has_not_ended_yet(oss_client *client)
{
    oss_upload_options what = upload_options("silent");
    oss_upload *upload = NULL;
    char buffer[4] = "###";
    check_case = "silent";
    CHECK_NUMBER(oss_upload_start(client, &what, &upload, NULL), OSS_OK);
    CHECK_NUMBER(oss_upload_callback_response(upload, buffer, sizeof(buffer)), 0);
    oss_upload_cancel(upload);
    CHECK_NUMBER(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, NULL), OSS_CANCELLED);
    oss_upload_free(upload);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    char buffer[4] = "###";
    fixture_begin();
    client = new_client(&where);
    a_response_is_read_in_any_size(client, "parts");
    there_is_none(client, "none", NULL, OSS_OK);
    there_is_none(client, "failed", setting("FAILING_CALLBACK"), OSS_CALLBACK_FAILED);
    it_has_not_ended_yet(client);
    check_case = "NULL";
    CHECK_NUMBER(oss_upload_callback_response(NULL, buffer, sizeof(buffer)), 0);
    CHECK_NUMBER(oss_upload_callback_response(NULL, NULL, 0), 0);
    oss_client_free(client);
    return fixture_end();
}
