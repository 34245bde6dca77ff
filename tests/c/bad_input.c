/*
 * Arguments and options that make no sense: each gets a status and a message that names it, and no request is sent.
 */
#include "fixture.h"

static char too_long[2000];

/** Every pointer that comes out is preset to this, to see that it is overwritten. */
static char garbage;

static void client_fails(const oss_client_options *options, oss_status wanted, const char *words)
{
    oss_client *client = (oss_client *)(void *)&garbage;
    oss_error error;
    scribble(&error, sizeof(error));
    EXPECT(oss_client_new(options, &client, &error), &error, wanted, words);
    CHECK(client == NULL);
    client = (oss_client *)(void *)&garbage;
    CHECK_NUMBER(oss_client_new(options, &client, NULL), wanted);
    CHECK(client == NULL);
}

static void upload_fails(oss_client *client, const oss_upload_options *options, oss_status wanted, const char *words)
{
    oss_upload *upload = (oss_upload *)(void *)&garbage;
    oss_result result;
    oss_error error;
    scribble(&error, sizeof(error));
    scribble(&result, sizeof(result));
    EXPECT(oss_upload_file(client, options, &result, &error, NULL, NULL), &error, wanted, words);
    CHECK(result.size == 0 && result.attempts == 0 && result.etag[0] == '\0');
    scribble(&error, sizeof(error));
    EXPECT(oss_upload_start(client, options, &upload, &error), &error, wanted, words);
    CHECK(upload == NULL);
    CHECK_NUMBER(oss_upload_file(client, options, NULL, NULL, NULL, NULL), wanted);
    CHECK_NUMBER(oss_upload_start(client, options, &upload, NULL), wanted);
}

static void null_pointers(oss_client *client)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("null");
    oss_error error;
    oss_header header = {"Content-Type", "text/plain"};
    check_case = "NULL";
    client_fails(NULL, OSS_INVALID_ARGUMENT, "options is NULL");
    EXPECT(oss_client_new(&where, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out is NULL");
    CHECK_NUMBER(oss_client_new(&where, NULL, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_client_new(NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    EXPECT(oss_client_set_credentials(NULL, "i", "s", NULL, &error), &error, OSS_INVALID_ARGUMENT, "client is NULL");
    EXPECT(oss_client_set_credentials(client, NULL, "s", NULL, &error), &error, OSS_INVALID_ARGUMENT, "access_key_id");
    EXPECT(oss_client_set_credentials(client, "i", NULL, NULL, &error), &error, OSS_INVALID_ARGUMENT,
           "access_key_secret");
    CHECK_NUMBER(oss_client_set_credentials(NULL, NULL, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);

    upload_fails(NULL, &what, OSS_INVALID_ARGUMENT, "client is NULL");
    upload_fails(client, NULL, OSS_INVALID_ARGUMENT, "options is NULL");
    upload_fails(NULL, NULL, OSS_INVALID_ARGUMENT, "NULL");
    EXPECT(oss_upload_start(client, &what, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out is NULL");
    CHECK_NUMBER(oss_upload_start(NULL, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    EXPECT(oss_upload_wait(NULL, 0, NULL, NULL, &error), &error, OSS_INVALID_ARGUMENT, "upload is NULL");
    CHECK_NUMBER(oss_upload_wait(NULL, UINT32_MAX, NULL, NULL, NULL), OSS_INVALID_ARGUMENT);
    oss_upload_pause(NULL);
    oss_upload_cancel(NULL);
    oss_upload_free(NULL);
    oss_client_free(NULL);

    what = upload_options(NULL);
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "object_key is NULL");
    what = upload_options("null");
    what.bucket = NULL;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "bucket is NULL");
    what = upload_options("null");
    what.file_path = NULL;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "file_path is NULL");
    what = upload_options("null");
    what.header_count = 1;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "headers is NULL");
    what.headers = &header;
    header.name = NULL;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "headers[0].name is NULL");
    header.name = "Content-Type";
    header.value = NULL;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "headers[0].value is NULL");
}

static void invalid_utf8(oss_client *client)
{
    static const struct {
        const char *name;
        size_t at;
    } CLIENT[] = {{"endpoint", offsetof(oss_client_options, endpoint)},
                  {"region", offsetof(oss_client_options, region)},
                  {"access_key_id", offsetof(oss_client_options, access_key_id)},
                  {"access_key_secret", offsetof(oss_client_options, access_key_secret)},
                  {"security_token", offsetof(oss_client_options, security_token)},
                  {"credentials", offsetof(oss_client_options, credentials)},
                  {"proxy", offsetof(oss_client_options, proxy)},
                  {"user_agent", offsetof(oss_client_options, user_agent)}},
      UPLOAD[] = {{"bucket", offsetof(oss_upload_options, bucket)},
                  {"object_key", offsetof(oss_upload_options, object_key)}};
    const char *bad = INVALID_UTF8;
    oss_header header = {"x-oss-meta-a", INVALID_UTF8};
    oss_upload_options what;
    oss_error error;
    size_t i;
    char words[64];
    for (i = 0; i < sizeof(CLIENT) / sizeof(CLIENT[0]); i++) {
        oss_client_options where = client_options();
        check_case = CLIENT[i].name;
        memcpy((char *)&where + CLIENT[i].at, &bad, sizeof(bad));
        snprintf(words, sizeof(words), "%s is not UTF-8", CLIENT[i].name);
        client_fails(&where, OSS_INVALID_ARGUMENT, words);
    }
    for (i = 0; i < sizeof(UPLOAD) / sizeof(UPLOAD[0]); i++) {
        what = upload_options("utf-8");
        check_case = UPLOAD[i].name;
        memcpy((char *)&what + UPLOAD[i].at, &bad, sizeof(bad));
        snprintf(words, sizeof(words), "%s is not UTF-8", UPLOAD[i].name);
        upload_fails(client, &what, OSS_INVALID_ARGUMENT, words);
    }
    check_case = "headers";
    what = upload_options("utf-8");
    what.headers = &header;
    what.header_count = 1;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "headers[0].value is not UTF-8");
    header.name = INVALID_UTF8;
    header.value = "a";
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "headers[0].name is not UTF-8");
    check_case = "set_credentials";
    EXPECT(oss_client_set_credentials(client, bad, "s", NULL, &error), &error, OSS_INVALID_ARGUMENT, "access_key_id");
    EXPECT(oss_client_set_credentials(client, "i", bad, NULL, &error), &error, OSS_INVALID_ARGUMENT,
           "access_key_secret");
    EXPECT(oss_client_set_credentials(client, "i", "s", bad, &error), &error, OSS_INVALID_ARGUMENT, "security_token");
}

static void struct_sizes(oss_client *client)
{
    static const size_t WRONG[] = {0, 1, sizeof(size_t), 1000000, SIZE_MAX};
    size_t i;
    for (i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        oss_client_options where = client_options();
        oss_upload_options what = upload_options("size");
        check_case = "struct_size";
        where.struct_size = what.struct_size = WRONG[i];
        client_fails(&where, OSS_INVALID_ARGUMENT, "struct_size");
        upload_fails(client, &what, OSS_INVALID_ARGUMENT, "struct_size");
    }
}

static void endpoints(void)
{
    static const char *const BAD[] = {"http://127.0.0.1/path", "http://127.0.0.1/?query", "http://127.0.0.1#fragment",
                                      "127.0.0.1/bucket",      "http://user@127.0.0.1",   "ftp://127.0.0.1",
                                      "http://",               "http://127.0.0.1:0",      "http://127.0.0.1:65536",
                                      "http://127.0.0.1:x",    "http://[::1",             "http://a b",
                                      "http://a\r\nHost: b",   "http://256.1.1.1",        "http://.",
                                      "http://a..b"};
    oss_client_options where;
    size_t i;
    for (i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        check_case = BAD[i];
        where = client_options();
        where.endpoint = BAD[i];
        client_fails(&where, OSS_INVALID_ARGUMENT, "endpoint");
    }
    check_case = "no endpoint";
    where = client_options();
    where.endpoint = where.region = NULL;
    client_fails(&where, OSS_INVALID_ARGUMENT, "endpoint");
    where.endpoint = "";
    client_fails(&where, OSS_INVALID_ARGUMENT, "endpoint");
}

static void client_values(void)
{
    oss_client_options where;
#define CLIENT_FAILS(field, value, wanted, words) \
    check_case = #field " = " #value;             \
    where = client_options();                     \
    where.field = value;                          \
    client_fails(&where, wanted, words)

    CLIENT_FAILS(region, "cn hangzhou", OSS_INVALID_ARGUMENT, "region");
    CLIENT_FAILS(region, "a\r\nb", OSS_INVALID_ARGUMENT, "region");
    CLIENT_FAILS(proxy, "no proxy", OSS_INVALID_ARGUMENT, "proxy");
    CLIENT_FAILS(proxy, "http://127.0.0.1:1\r\nX: y", OSS_INVALID_ARGUMENT, "proxy");
    CLIENT_FAILS(user_agent, "a\r\nX: y", OSS_INVALID_ARGUMENT, "user_agent");
    CLIENT_FAILS(access_key_id, "a\r\nX: y", OSS_INVALID_ARGUMENT, "access_key_id");
    CLIENT_FAILS(access_key_secret, "a\r\nX: y", OSS_INVALID_ARGUMENT, "access_key_secret");
    CLIENT_FAILS(security_token, "a\r\nX: y", OSS_INVALID_ARGUMENT, "security_token");
    CLIENT_FAILS(access_key_id, "", OSS_CREDENTIALS, "access_key_id");
    CLIENT_FAILS(access_key_secret, "", OSS_CREDENTIALS, "access_key_secret");
    CLIENT_FAILS(access_key_id, NULL, OSS_INVALID_ARGUMENT, "access_key_id");
    CLIENT_FAILS(access_key_secret, NULL, OSS_INVALID_ARGUMENT, "access_key_secret");
    CLIENT_FAILS(credentials, "env", OSS_INVALID_ARGUMENT, "credentials");
    CLIENT_FAILS(ca_file, scratch("no-such-file"), OSS_IO, "no-such-file");
    CLIENT_FAILS(ca_file, setting("FILE"), OSS_INVALID_ARGUMENT, "CA file");
    CLIENT_FAILS(ca_file, setting("DIR"), OSS_IO, setting("DIR"));
    CLIENT_FAILS(max_bytes_per_second, 1023, OSS_INVALID_ARGUMENT, "max_bytes_per_second");
    CLIENT_FAILS(signature_version, 2, OSS_INVALID_ARGUMENT, "signature_version");
    CLIENT_FAILS(cname, 2, OSS_INVALID_ARGUMENT, "cname");
    CLIENT_FAILS(path_style, 2, OSS_INVALID_ARGUMENT, "path_style");
    CLIENT_FAILS(insecure_skip_verify, 2, OSS_INVALID_ARGUMENT, "insecure_skip_verify");
    CLIENT_FAILS(max_attempts, 1001, OSS_INVALID_ARGUMENT, "max_attempts");

    check_case = "V4 without a region";
    where = client_options();
    where.region = NULL;
    where.signature_version = 4;
    client_fails(&where, OSS_INVALID_ARGUMENT, "region");
    check_case = "no credentials";
    where = client_options();
    where.access_key_id = where.access_key_secret = NULL;
    where.credentials = "env";
    client_fails(&where, OSS_CREDENTIALS, "OSS_ACCESS_KEY_ID");
    where.credentials = "profile:none";
    client_fails(&where, OSS_CREDENTIALS, "profile");
    where.credentials = "oidc";
    client_fails(&where, OSS_CREDENTIALS, "ALIBABA_CLOUD_ROLE_ARN");
    where.credentials = "nobody";
    client_fails(&where, OSS_INVALID_ARGUMENT, "nobody");
    where.credentials = "process:";
    client_fails(&where, OSS_INVALID_ARGUMENT, "process:COMMAND");
    where.credentials = NULL;
    where.security_token = "token";
    client_fails(&where, OSS_INVALID_ARGUMENT, "security_token");
}

static void upload_values(oss_client *client)
{
    static const char *const BUCKETS[] = {"",       "ab",    "Upper", "a_b",     "a.b",     "-ab",
                                          "ab-",    "a/b",   "a b",   "a\r\nX:", "../etc",  "\xe7\x9b\xae\xe5\xbd\x95"};
    static const char *const KEYS[] = {"", "/leading", "\\leading"};
    oss_upload_options what;
    size_t i;
    for (i = 0; i < sizeof(BUCKETS) / sizeof(BUCKETS[0]); i++) {
        check_case = BUCKETS[i];
        what = upload_options("bucket");
        what.bucket = BUCKETS[i];
        upload_fails(client, &what, OSS_INVALID_ARGUMENT, "bucket");
    }
    for (i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        check_case = KEYS[i];
        what = upload_options(KEYS[i]);
        upload_fails(client, &what, OSS_INVALID_ARGUMENT, "object key");
    }
    check_case = "too long";
    what = upload_options("bucket");
    memset(too_long, 'a', sizeof(too_long) - 1);
    what.bucket = too_long + sizeof(too_long) - 1 - 64;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "bucket");
    what = upload_options(too_long + sizeof(too_long) - 1 - 1024);
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "object key");

#define UPLOAD_FAILS(field, value, wanted, words) \
    check_case = #field " = " #value;             \
    what = upload_options("value");               \
    what.field = value;                           \
    upload_fails(client, &what, wanted, words)

    UPLOAD_FAILS(file_path, "", OSS_INVALID_ARGUMENT, "file_path");
    UPLOAD_FAILS(part_size, 1, OSS_INVALID_ARGUMENT, "part_size");
    UPLOAD_FAILS(part_size, 102399, OSS_INVALID_ARGUMENT, "part_size is 102399");
    UPLOAD_FAILS(part_size, UINT64_C(5368709121), OSS_INVALID_ARGUMENT, "part_size is 5368709121");
    UPLOAD_FAILS(part_size, UINT64_MAX - 1, OSS_INVALID_ARGUMENT, "part_size");
    UPLOAD_FAILS(routines, 101, OSS_INVALID_ARGUMENT, "routines is 101");
    UPLOAD_FAILS(routines, UINT32_MAX - 1, OSS_INVALID_ARGUMENT, "routines");
    UPLOAD_FAILS(checkpoint, 2, OSS_INVALID_ARGUMENT, "checkpoint");
    UPLOAD_FAILS(on_file_change, 2, OSS_INVALID_ARGUMENT, "on_file_change");
    UPLOAD_FAILS(verify_resume, 3, OSS_INVALID_ARGUMENT, "verify_resume");
    UPLOAD_FAILS(content_md5, 2, OSS_INVALID_ARGUMENT, "content_md5");
    UPLOAD_FAILS(reserved, 1, OSS_UNSUPPORTED, "reserved");
    check_case = "two checkpoints";
    what = upload_options("value");
    what.checkpoint_path = scratch("a.cp");
    what.checkpoint_dir = setting("DIR");
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "checkpoint_dir");
}

static void headers(oss_client *client)
{
    static const oss_header BAD[] = {{"x-oss-meta-a", "b\r\nX: y"},
                                     {"x-oss-meta-a", "b\nc"},
                                     {"x-oss-meta-a", "b\rc"},
                                     {"x-oss-meta-a", "\xe7\x9b\xae"},
                                     {"Content-Type", "text/plain\r\n\r\nbody"},
                                     {"Content-Type", ""},
                                     {"x-oss-meta-a\r\nX", "y"},
                                     {"x-oss-meta-a:", "y"},
                                     {"x-oss-meta a", "y"},
                                     {"", "y"},
                                     {"Host", "example.com"},
                                     {"Content-Length", "5"},
                                     {"Transfer-Encoding", "chunked"},
                                     {"Connection", "close"},
                                     {"Authorization", "OSS a:b"},
                                     {"x-oss-security-token", "t"},
                                     {"Date", "now"},
                                     {"x-oss-object-acl", "everybody"},
                                     {"x-oss-unknown", "a"}};
    oss_upload_options what = upload_options("headers");
    oss_header twice[2] = {{"x-oss-meta-a", "1"}, {"X-OSS-Meta-A", "2"}};
    size_t i;
    for (i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        check_case = BAD[i].name;
        what.headers = &BAD[i];
        what.header_count = 1;
        upload_fails(client, &what, OSS_INVALID_ARGUMENT, "header");
    }
    check_case = "twice";
    what.headers = twice;
    what.header_count = 2;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "set twice");
    check_case = "too many";
    what.header_count = SIZE_MAX;
    upload_fails(client, &what, OSS_INVALID_ARGUMENT, "header_count");
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    null_pointers(client);
    invalid_utf8(client);
    struct_sizes(client);
    endpoints();
    client_values();
    upload_values(client);
    headers(client);
    oss_client_free(client);
    return fixture_end();
}
