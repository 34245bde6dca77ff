/*
 * A caller of the SDK's oss_upload_file() that can tell which function it got. This library's must refuse the call, and
 * leave alone what it is given: all of it is smaller than its outputs.
 */
#ifndef VENDOR_CALLER_H
#define VENDOR_CALLER_H

#include <string.h>

#include "vendor_sdk.h"

typedef vendor_status *vendor_upload(vendor_options *options, vendor_string *bucket, vendor_string *object,
                                     vendor_string *upload_id, vendor_string *path, int64_t part_size, void *headers);

/** 'v' for the SDK's function, 'o' for ours that refused, '?' for anything else. */
static inline char who_responses(vendor_upload *upload)
{
    static char bucket_name[] = "my-bucket", object_name[] = "object", path_name[] = "/data/a.mp4";
    vendor_options options;
    vendor_string strings[4], before[4];
    vendor_status *status;
    memset(&options, 0, sizeof(options));
    options.config = options.ctl = options.pool = &options;
    memset(strings, 0, sizeof(strings));
    strings[0].len = 9, strings[0].data = bucket_name;
    strings[1].len = 6, strings[1].data = object_name;
    strings[3].len = 11, strings[3].data = path_name;
    memcpy(before, strings, sizeof(before));
    status = upload(&options, &strings[0], &strings[1], &strings[2], &strings[3], VENDOR_PART_SIZE, NULL);
    if (memcmp(before, strings, sizeof(before)) != 0) return '?';
    /* OSS_INVALID_ARGUMENT in the low half of the register that a pointer is returned in. */
    if ((uint32_t)(uintptr_t)status == (uint32_t)-1) return 'o';
    return status->code == 200 ? 'v' : '?';
}

#endif
