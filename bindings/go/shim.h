/*
 * Between Go and liboss_upload: options come as one block of strings and a struct of numbers, so that no memory of Go
 * that holds pointers crosses. Everything is used before the call returns.
 */

#ifndef OSSGO_SHIM_H
#define OSSGO_SHIM_H

#include <oss_upload.h>

typedef struct {
    uint64_t max_bytes_per_second;
    uint32_t signature_version;
    uint32_t cname;
    uint32_t path_style;
    uint32_t connect_timeout_ms;
    uint32_t stall_timeout_ms;
    uint32_t max_attempts;
    uint32_t insecure_skip_verify;
    uint32_t credentials_wait_ms;
} ossgo_client_numbers;

typedef struct {
    uint64_t part_size;
    size_t header_count;
    uint32_t routines;
    uint32_t checkpoint;
    uint32_t on_file_change;
    uint32_t verify_resume;
    uint32_t content_md5;
} ossgo_upload_numbers;

/*
 * oss_client_new(), oss_client_set_credentials() and oss_upload_start(). `texts` are strings one after the other, each
 * with its NUL, in the order that shim.c reads them. An empty one stands for NULL, unless it is in a header.
 */
oss_status ossgo_client_new(const char *texts, const ossgo_client_numbers *numbers, oss_client **out, oss_error *error);
oss_status ossgo_client_set_credentials(oss_client *client, const char *texts, oss_error *error);
oss_status ossgo_upload_start(oss_client *client, const char *texts, const ossgo_upload_numbers *numbers,
                              oss_upload **out, oss_error *error);

#endif
