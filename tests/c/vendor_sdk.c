#define VENDOR_MULTIPART
#include "vendor_sdk.h"

vendor_status *oss_upload_file(vendor_options *options, vendor_string *bucket, vendor_string *object,
                               vendor_string *upload_id, vendor_string *path, int64_t part_size, void *headers)
{
    static vendor_status status;
    (void)options, (void)bucket, (void)object, (void)upload_id, (void)path, (void)headers;
    status.code = part_size == VENDOR_PART_SIZE ? 200 : 400;
    return &status;
}

int vendor_multipart(void)
{
    return 1;
}
