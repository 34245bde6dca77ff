/*
 * A program that uploads with Alibaba Cloud's C SDK and with this library, in the way that docs/abi.md shows. It tells its
 * driver which oss_upload_file() it got. With VENDOR_UNAWARE, a part of it knows this library only, and calls
 * oss_upload_file() of that.
 */
#include "vendor_caller.h"
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
    printf("the SDK's caller: %c\n", who_responses(oss_upload_file));
#ifdef VENDOR_MULTIPART
    CHECK_NUMBER(vendor_multipart(), 1);
#endif
#ifdef VENDOR_UNAWARE
    what.object_key = "unaware";
    memset(&error, 0x5A, sizeof(error));
    /* The SDK's function returns a pointer, and does not know of errors. */
    if (upload_unaware(client, &what, &error) == OSS_OK && error.status == OSS_OK)
        printf("our caller: o\n");
    else
        printf("our caller: %c\n", error.status == 0x5A5A5A5A ? 'v' : '?');
#endif
    oss_client_free(client);
    return check_end();
}
