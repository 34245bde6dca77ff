#include "vendor_sdk.h"

vendor_status *oss_upload_file(void *options, const char *bucket, const char *object, char *upload_id, char *path,
                               int64_t part_size, void *headers)
{
    static vendor_status status;
    (void)options, (void)bucket, (void)object, (void)upload_id, (void)path, (void)headers;
    status.code = part_size == INT64_C(0x123456789) ? 200 : 400;
    return &status;
}

int vendor_multipart(void)
{
    return 1;
}
