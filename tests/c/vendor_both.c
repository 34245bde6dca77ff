/*
 * A program that uploads with the vendor's C SDK and with this library. vendor_unaware.c is a part of it that knows this
 * library only.
 */
#include "vendor_sdk.h"
#define OSS_UPLOAD_NO_UPLOAD_FILE
#include "fixture.h"

oss_status upload_unaware(oss_client *client, const oss_upload_options *what, oss_error *error);

int main(void)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("both");
    oss_client *client;
    oss_result result;
    oss_error error;
    REQUIRE(oss_client_new(&where, &client, &error) == OSS_OK);
    EXPECT(oss_client_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    CHECK(result.size > 0);
    what.object_key = "unaware";
    EXPECT(upload_unaware(client, &what, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(oss_upload_file(NULL, "bucket", "object", NULL, NULL, INT64_C(0x123456789), NULL)->code, 200);
    CHECK_NUMBER(vendor_multipart(), 1);
    oss_client_free(client);
    return check_end();
}
