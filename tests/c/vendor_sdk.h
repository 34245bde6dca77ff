/*
 * Stands in for oss_api.h of Alibaba Cloud's C SDK.
 */
#ifndef VENDOR_SDK_H
#define VENDOR_SDK_H

#include <stdint.h>

#include "vendor_types.h"

/** The part size of every call that was meant for this function. */
#define VENDOR_PART_SIZE INT64_C(0x123456789)

/** Its name is known from elsewhere, with other arguments. */
vendor_status *oss_upload_file(vendor_options *options, vendor_string *bucket, vendor_string *object,
                               vendor_string *upload_id, vendor_string *path, int64_t part_size, void *headers);

#ifdef VENDOR_MULTIPART
/** Defined beside oss_upload_file(), as others are in the SDK: it brings that object in from a static archive. */
int vendor_multipart(void);
#endif

#endif
