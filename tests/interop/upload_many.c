/*
 * Uploads files through the C API as its arguments say, for the SDKs to read back.
 *
 *     upload_many [NAME=VALUE]... [header=NAME:VALUE]... -- KEY FILE [KEY FILE]...
 *
 * NAME is an option of the client or of the upload, by its name in oss_upload.h. Prints one line for each file: size,
 * CRC-64, parts, ETag. Stops at the first failure with its status, service code and message on standard error.
 */
#include <oss_upload.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADERS = 32 };

static oss_client_options where;
static oss_upload_options what;
static oss_header headers[MAX_HEADERS];

static int take_text(const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **field;
    } texts[] = {
        {"endpoint", &where.endpoint},
        {"region", &where.region},
        {"access_key_id", &where.access_key_id},
        {"access_key_secret", &where.access_key_secret},
        {"security_token", &where.security_token},
        {"proxy", &where.proxy},
        {"ca_file", &where.ca_file},
        {"bucket", &what.bucket},
        {"checkpoint_dir", &what.checkpoint_dir},
    };
    size_t i;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].field = value;
            return 1;
        }
    }
    return 0;
}

static int take_number(const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *field;
    } numbers[] = {
        {"signature_version", &where.signature_version},
        {"cname", &where.cname},
        {"path_style", &where.path_style},
        {"max_attempts", &where.max_attempts},
        {"routines", &what.routines},
        {"content_md5", &what.content_md5},
    };
    size_t i;
    if (strcmp(name, "part_size") == 0) {
        what.part_size = strtoull(value, NULL, 10);
        return 1;
    }
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].field = (uint32_t)strtoul(value, NULL, 10);
            return 1;
        }
    }
    return 0;
}

static int take_header(char *header)
{
    char *colon = strchr(header, ':');
    if (colon == NULL || what.header_count == MAX_HEADERS) return 0;
    *colon = '\0';
    headers[what.header_count].name = header;
    headers[what.header_count].value = colon + 1;
    what.header_count++;
    what.headers = headers;
    return 1;
}

static int take(char *argument)
{
    char *equals = strchr(argument, '=');
    if (equals == NULL) return 0;
    *equals = '\0';
    if (strcmp(argument, "header") == 0) return take_header(equals + 1);
    return take_text(argument, equals + 1) || take_number(argument, equals + 1);
}

static int fail(oss_status status, const oss_error *error)
{
    fprintf(stderr, "%s %s: %s\n", oss_status_name(status), error->service_code, error->message);
    return 1;
}

int main(int argc, char **argv)
{
    oss_client *client = NULL;
    oss_result result;
    oss_error error;
    oss_status status;
    int i;

    where = oss_client_options_default();
    what = oss_upload_options_default();
    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!take(argv[i])) {
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
            return 2;
        }
    }
    status = oss_client_new(&where, &client, &error);
    if (status != OSS_OK) return fail(status, &error);
    for (i++; i + 1 < argc; i += 2) {
        what.object_key = argv[i];
        what.file_path = argv[i + 1];
        status = oss_upload_file(client, &what, &result, &error, NULL, NULL);
        if (status != OSS_OK) break;
        printf("%" PRIu64 " %" PRIu64 " %" PRIu32 " %s\n", result.size, result.crc64, result.parts, result.etag);
    }
    oss_client_free(client);
    return status == OSS_OK ? 0 : fail(status, &error);
}
