/*
 * Types of the shape that they have in Alibaba Cloud's C SDK.
 */
#ifndef VENDOR_TYPES_H
#define VENDOR_TYPES_H

/** As oss_request_options_t. */
typedef struct { void *config, *ctl, *pool; } vendor_options;
/** As aos_string_t. */
typedef struct { int len; char *data; } vendor_string;
/** As aos_status_t. */
typedef struct { int code; char *error_code; } vendor_status;

#endif
