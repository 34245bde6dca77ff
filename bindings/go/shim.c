#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *next(const char **texts)
{
    const char *text = *texts;
    *texts += strlen(text) + 1;
    return text;
}

static const char *next_or_null(const char **texts)
{
    const char *text = next(texts);
    return *text != '\0' ? text : NULL;
}

oss_status ossgo_client_new(const char *texts, const ossgo_client_numbers *numbers, oss_client **out, oss_error *error)
{
    oss_client_options options = oss_client_options_default();
    options.endpoint = next_or_null(&texts);
    options.region = next_or_null(&texts);
    options.access_key_id = next_or_null(&texts);
    options.access_key_secret = next_or_null(&texts);
    options.security_token = next_or_null(&texts);
    options.credentials = next_or_null(&texts);
    options.proxy = next_or_null(&texts);
    options.ca_file = next_or_null(&texts);
    options.user_agent = next_or_null(&texts);
    options.max_bytes_per_second = numbers->max_bytes_per_second;
    options.signature_version = numbers->signature_version;
    options.cname = numbers->cname;
    options.path_style = numbers->path_style;
    options.connect_timeout_ms = numbers->connect_timeout_ms;
    options.stall_timeout_ms = numbers->stall_timeout_ms;
    options.max_attempts = numbers->max_attempts;
    options.insecure_skip_verify = numbers->insecure_skip_verify;
    options.credentials_wait_ms = numbers->credentials_wait_ms;
    return oss_client_new(&options, out, error);
}

oss_status ossgo_client_set_credentials(oss_client *client, const char *texts, oss_error *error)
{
    const char *id = next(&texts);
    const char *secret = next(&texts);
    const char *token = next_or_null(&texts);
    return oss_client_set_credentials(client, id, secret, token, error);
}

oss_status ossgo_upload_start(oss_client *client, const char *texts, const ossgo_upload_numbers *numbers,
                              oss_upload **out, oss_error *error)
{
    oss_upload_options options = oss_upload_options_default();
    oss_header *headers = NULL;
    oss_status status;
    size_t i;

    options.bucket = next_or_null(&texts);
    options.object_key = next_or_null(&texts);
    options.file_path = next_or_null(&texts);
    options.checkpoint_path = next_or_null(&texts);
    options.checkpoint_dir = next_or_null(&texts);
    options.part_size = numbers->part_size;
    options.routines = numbers->routines;
    options.checkpoint = numbers->checkpoint;
    options.on_file_change = numbers->on_file_change;
    options.verify_resume = numbers->verify_resume;
    options.content_md5 = numbers->content_md5;

    if (numbers->header_count > 0) {
        headers = calloc(numbers->header_count, sizeof(*headers));
        if (headers == NULL) {
            memset(error, 0, sizeof(*error));
            error->status = OSS_INTERNAL;
            snprintf(error->message, sizeof(error->message), "no memory for %zu headers", numbers->header_count);
            return OSS_INTERNAL;
        }
        for (i = 0; i < numbers->header_count; i++) {
            headers[i].name = next(&texts);
            headers[i].value = next(&texts);
        }
        options.headers = headers;
        options.header_count = numbers->header_count;
    }
    status = oss_upload_start(client, &options, out, error);
    free(headers);
    return status;
}
