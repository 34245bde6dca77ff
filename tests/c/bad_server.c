/*
 * Servers that refuse, are not there, or are something else. Small files go in one request, larger ones in parts: both
 * fail clearly and leave nothing behind.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <errno.h>

#include "fixture.h"

struct wanted {
    oss_status status;
    uint32_t http_status;
    const char *code;
    int retryable;
    const char *words;
    /* The server may have opened an upload without telling: the checkpoint is kept, so that a later call can look. */
    int unheard;
};

static void fails(const oss_client_options *where, const char *bucket, const char *key, struct wanted wanted)
{
    static const char *const FILES[] = {"FILE", "SMALL_FILE"};
    oss_client *client = new_client(where);
    oss_error error;
    oss_result result;
    char checkpoint[4096];
    int i;
    check_case = key;
    for (i = 0; i < 4; i++) {
        oss_upload_options what = upload_options(key);
        what.bucket = bucket;
        what.file_path = setting(FILES[i % 2]);
        what.checkpoint = i / 2 != 0;
        EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, wanted.status, wanted.words);
        CHECK_NUMBER(error.http_status, wanted.http_status);
        if (strcmp(error.service_code, wanted.code) != 0) CHECK_CONTAINS(error.service_code, wanted.code);
        CHECK_NUMBER(error.retryable, wanted.retryable);
        CHECK(result.attempts > 0);
        CHECK(result.etag[0] == '\0');
        CHECK(!has_secret(&result, sizeof(result)));
        snprintf(checkpoint, sizeof(checkpoint), "%s.cp", what.file_path);
        if (wanted.unheard) remove(checkpoint);
        else CHECK(!exists(checkpoint));
    }
    oss_client_free(client);
}

/** A port of this machine that nobody else gets; one that `listens` takes connections, but never answers. */
static int own_port(int listens, char *endpoint, size_t size)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(server >= 0);
    REQUIRE(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0);
    REQUIRE(!listens || listen(server, 100) == 0);
    REQUIRE(getsockname(server, (struct sockaddr *)&address, &length) == 0);
    snprintf(endpoint, size, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return server;
}

static void refused(void)
{
    oss_client_options where = client_options();
    struct wanted no_bucket = {OSS_SERVICE, 404, "NoSuchBucket", 0, "bucket", 0};
    struct wanted wrong_secret = {OSS_SERVICE, 403, "SignatureDoesNotMatch", 0, "secret", 0};
    struct wanted unknown_key = {OSS_SERVICE, 403, "InvalidAccessKeyId", 0, "key", 0};
    struct wanted unsigned_request = {OSS_SERVICE, 403, "AccessDenied", 0, "", 0};
    char wrong[256];
    fails(&where, "no-such-bucket", "no-such-bucket", no_bucket);
    snprintf(wrong, sizeof(wrong), "%s-but-wrong", setting("SECRET"));
    where.access_key_secret = wrong;
    fails(&where, setting("BUCKET"), "wrong-secret", wrong_secret);
    where.signature_version = 1;
    fails(&where, setting("BUCKET"), "wrong-secret", wrong_secret);
    where = client_options();
    where.access_key_id = "unknown-id";
    fails(&where, setting("BUCKET"), "wrong-id", unknown_key);
    where.access_key_id = where.access_key_secret = NULL;
    where.credentials = "anonymous";
    fails(&where, setting("BUCKET"), "anonymous", unsigned_request);
}

static void unreachable(void)
{
    struct wanted down = {OSS_NETWORK, 0, "", 1, "127.0.0.1", 0};
    struct wanted silent = {OSS_TIMEOUT, 0, "", 1, "127.0.0.1", 1};
    oss_client_options where = client_options();
    oss_client *client;
    oss_upload_options what = upload_options("down");
    oss_error error;
    char endpoint[64];
    int server = own_port(0, endpoint, sizeof(endpoint));
    where.endpoint = endpoint;
    fails(&where, setting("BUCKET"), "down", down);
    client = new_client(&where);
    CHECK_NUMBER(oss_upload_file(client, &what, NULL, &error, NULL, NULL), OSS_NETWORK);
    CHECK_NUMBER(error.os_errno, ECONNREFUSED);
    oss_client_free(client);
    close(server);

    server = own_port(1, endpoint, sizeof(endpoint));
    where.endpoint = endpoint;
    where.stall_timeout_ms = 200;
    where.max_attempts = 1;
    fails(&where, setting("BUCKET"), "silent", silent);
    close(server);
}

/** The driver's server answers these keys as a proxy, a login page, or not in HTTP's ways. */
static void something_else(void)
{
    struct wanted proxy = {OSS_SERVICE, 502, "", 1, "502", 0};
    struct wanted portal = {OSS_SERVICE, 200, "", 1, "", 0};
    struct wanted hangs_up = {OSS_NETWORK, 0, "", 1, "127.0.0.1", 1};
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("resets");
    oss_client *client = new_client(&where);
    oss_error error;
    fails(&where, setting("BUCKET"), "html-502", proxy);
    fails(&where, setting("BUCKET"), "html-200", portal);
    fails(&where, setting("BUCKET"), "hangs-up", hangs_up);
    /* In the middle of one large body. */
    check_case = what.object_key;
    what.part_size = OSS_PART_SIZE_AUTO;
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_NETWORK, NULL);
    oss_client_free(client);
    where.endpoint = setting("OTHER_ENDPOINT");
    fails(&where, setting("BUCKET"), "not-http", hangs_up);
}

int main(void)
{
    fixture_begin();
    refused();
    unreachable();
    something_else();
    return fixture_end();
}
