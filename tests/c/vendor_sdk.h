/*
 * Stands in for oss_api.h of the vendor's C SDK: a function whose name is known from elsewhere, with other arguments.
 */
#ifndef VENDOR_SDK_H
#define VENDOR_SDK_H

#include <stdint.h>

typedef struct { int code; } vendor_status;

vendor_status *oss_upload_file(void *options, const char *bucket, const char *object, char *upload_id, char *path,
                               int64_t part_size, void *headers);

/** Defined beside oss_upload_file(), as others are in the SDK: it brings that object in from a static archive. */
int vendor_multipart(void);

#endif
