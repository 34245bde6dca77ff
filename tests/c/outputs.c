/*
 * Outputs: every byte is written by every call that takes them, texts end whole, and no secret is in any of them.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

struct outputs {
    oss_progress progress;
    oss_result result;
    oss_error error;
};

/** Makes calls that fill `outputs`, and gives the status of the last. */
typedef oss_status (*calls)(oss_client *client, struct outputs *outputs);

/** Bytes of no text, and of few numbers. */
enum { ONCE = 0xA5, AGAIN = 0xDB };

/** A byte that keeps both fillings was not written. */
static int is_whole(const void *first, const void *second, size_t size)
{
    const unsigned char *a = (const unsigned char *)first, *b = (const unsigned char *)second;
    size_t i;
    for (i = 0; i < size; i++) {
        if (a[i] == ONCE && b[i] == AGAIN) {
            fprintf(stderr, "    byte %lu is not written\n", (unsigned long)i);
            return 0;
        }
    }
    return 1;
}

static int is_zero(const void *memory, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)memory;
    while (size && !bytes[size - 1]) size--;
    return size == 0;
}

static void check_texts(const oss_result *result)
{
    CHECK(is_text(result->etag, sizeof(result->etag)));
    CHECK(is_text(result->version_id, sizeof(result->version_id)));
    CHECK(is_text(result->request_id, sizeof(result->request_id)));
    CHECK(is_text(result->upload_id, sizeof(result->upload_id)));
    CHECK(is_text(result->restart_reason, sizeof(result->restart_reason)));
    CHECK(is_zero(result->reserved, sizeof(result->reserved)));
}

static void fills(const char *name, oss_client *client, calls call, oss_status wanted, int takes_progress)
{
    struct outputs first, second;
    check_case = name;
    memset(&first, ONCE, sizeof(first));
    memset(&second, AGAIN, sizeof(second));
    EXPECT(call(client, &first), &first.error, wanted, NULL);
    EXPECT(call(client, &second), &second.error, wanted, NULL);
    CHECK(is_whole(&first.error, &second.error, sizeof(first.error)));
    CHECK(is_whole(&first.result, &second.result, sizeof(first.result)));
    check_texts(&first.result);
    if (!takes_progress) return;
    CHECK(is_whole(&first.progress, &second.progress, sizeof(first.progress)));
    CHECK(is_zero(first.progress.reserved, sizeof(first.progress.reserved)));
}

static oss_status succeeds(oss_client *client, struct outputs *outputs)
{
    oss_upload_options what = upload_options("whole");
    return oss_upload_file(client, &what, &outputs->result, &outputs->error, NULL, NULL);
}

static oss_status has_bad_options(oss_client *client, struct outputs *outputs)
{
    oss_upload_options what = upload_options("");
    return oss_upload_file(client, &what, &outputs->result, &outputs->error, NULL, NULL);
}

static oss_status is_refused(oss_client *client, struct outputs *outputs)
{
    oss_upload_options what = upload_options("refused");
    what.bucket = "no-such-bucket";
    return oss_upload_file(client, &what, &outputs->result, &outputs->error, NULL, NULL);
}

static oss_status wait_for_nothing(oss_client *client, struct outputs *outputs)
{
    (void)client;
    return oss_upload_wait(NULL, 0, &outputs->progress, &outputs->result, &outputs->error);
}

static oss_status wait_to_the_end(oss_client *client, struct outputs *outputs)
{
    oss_upload_options what = upload_options("waited");
    oss_upload *upload = NULL;
    oss_status status;
    REQUIRE(oss_upload_start(client, &what, &upload, &outputs->error) == OSS_OK);
    status = oss_upload_wait(upload, UINT32_MAX, &outputs->progress, &outputs->result, &outputs->error);
    oss_upload_free(upload);
    return status;
}

/** The driver's server does not answer this key's first request until the client leaves. */
static oss_status look_at_a_running_one(oss_client *client, struct outputs *outputs)
{
    oss_upload_options what = upload_options("silent");
    oss_upload *upload = NULL;
    oss_status status;
    REQUIRE(oss_upload_start(client, &what, &upload, &outputs->error) == OSS_OK);
    status = oss_upload_wait(upload, 0, &outputs->progress, &outputs->result, &outputs->error);
    oss_upload_free(upload);
    return status;
}

static oss_status make_no_client(oss_client *client, struct outputs *outputs)
{
    oss_client_options where = client_options();
    (void)client;
    memset(&outputs->result, 0, sizeof(outputs->result));
    where.signature_version = 9;
    return oss_client_new(&where, &client, &outputs->error);
}

static oss_status set_bad_credentials(oss_client *client, struct outputs *outputs)
{
    memset(&outputs->result, 0, sizeof(outputs->result));
    return oss_client_set_credentials(client, "i", "", NULL, &outputs->error);
}

static oss_status set_good_credentials(oss_client *client, struct outputs *outputs)
{
    memset(&outputs->result, 0, sizeof(outputs->result));
    return oss_client_set_credentials(client, setting("ID"), setting("SECRET"), NULL, &outputs->error);
}

/** What a batch gives, and what it says about a file. */
struct batch_outputs {
    oss_batch_progress progress;
    oss_batch_result result;
    oss_error error;
    oss_outcome outcome;
};

static void run_batch(oss_client *client, struct batch_outputs *outputs)
{
    oss_batch_options which = batch_options("whole/");
    oss_batch *batch = NULL;
    REQUIRE(oss_batch_start(client, &which, &batch, &outputs->error) == OSS_OK);
    EXPECT(oss_batch_add(batch, scratch("missing"), NULL, &outputs->error), &outputs->error, OSS_OK, NULL);
    CHECK_NUMBER(oss_batch_seal(batch, NULL), OSS_OK);
    CHECK_NUMBER(oss_batch_next_outcome(batch, UINT32_MAX, &outputs->outcome), OSS_OK);
    EXPECT(oss_batch_wait(batch, UINT32_MAX, &outputs->progress, &outputs->result, &outputs->error), &outputs->error,
           OSS_FILES_FAILED, NULL);
    oss_batch_free(batch);
}

static void batches(oss_client *client)
{
    static struct batch_outputs first, second;
    check_case = "batches";
    memset(&first, ONCE, sizeof(first));
    memset(&second, AGAIN, sizeof(second));
    run_batch(client, &first);
    run_batch(client, &second);
    CHECK(is_whole(&first.progress, &second.progress, sizeof(first.progress)));
    CHECK(is_whole(&first.result, &second.result, sizeof(first.result)));
    CHECK(is_whole(&first.error, &second.error, sizeof(first.error)));
    CHECK(is_whole(&first.outcome, &second.outcome, sizeof(first.outcome)));
    CHECK(is_text(first.progress.current_path, sizeof(first.progress.current_path)));
    CHECK(is_text(first.outcome.path, sizeof(first.outcome.path)));
    CHECK(is_text(first.outcome.key, sizeof(first.outcome.key)));
    CHECK(is_text(first.outcome.etag, sizeof(first.outcome.etag)));
    CHECK(is_text(first.outcome.version_id, sizeof(first.outcome.version_id)));
    CHECK(is_text(first.outcome.request_id, sizeof(first.outcome.request_id)));
    CHECK(is_text(first.outcome.rule, sizeof(first.outcome.rule)));
    EXPECT(OSS_IO, &first.outcome.error, OSS_IO, "missing");
    CHECK(is_zero(first.progress.reserved, sizeof(first.progress.reserved)));
    CHECK(is_zero(first.result.reserved, sizeof(first.result.reserved)));
    CHECK(first.outcome.reserved == 0 && is_zero(first.outcome.reserved2, sizeof(first.outcome.reserved2)));
}

static int is_utf8(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    while (*byte) {
        int more = *byte < 0x80 ? 0 : *byte >> 5 == 6 ? 1 : *byte >> 4 == 14 ? 2 : *byte >> 3 == 30 ? 3 : -1;
        if (more < 0) return 0;
        for (byte++; more > 0; more--, byte++)
            if (*byte >> 6 != 2) return 0;
    }
    return 1;
}

/** Messages that are too long end at a character: each start of the path moves the cut by one byte. */
static void long_messages(oss_client *client)
{
    static char path[1200];
    size_t shift;
    check_case = "long";
    for (shift = 0; shift < 4; shift++) {
        oss_upload_options what = upload_options("long");
        oss_error error;
        size_t at = shift, length;
        memset(path, 'x', shift);
        /* Four bytes each. */
        for (; at + 4 < sizeof(path); at += 4) memcpy(path + at, "\xf0\x9f\x8f\xa0", 4);
        path[at] = '\0';
        what.file_path = path;
        EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_IO, NULL);
        length = strlen(error.message);
        CHECK(length >= sizeof(error.message) - 4 && length < sizeof(error.message));
        CHECK(is_utf8(error.message));
    }
}

/** A control character of a file's name must not break the line; bytes that are no text must not break the text. */
static void odd_names_in_messages(oss_client *client)
{
    oss_upload_options what = upload_options("odd");
    oss_error error;
    check_case = "odd";
    what.file_path = "/missing/line\nbreak\x1b[31m/\xff\xfe";
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_IO, "/missing/line");
    CHECK(is_utf8(error.message));
}

static void closed_port(char *address, size_t size, int *holder)
{
    struct sockaddr_in at;
    socklen_t length = sizeof(at);
    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *holder = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(*holder >= 0 && bind(*holder, (struct sockaddr *)&at, sizeof(at)) == 0);
    REQUIRE(getsockname(*holder, (struct sockaddr *)&at, &length) == 0);
    snprintf(address, size, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
}

/** Keys, tokens and a proxy's password, in each kind of failure that saw them. EXPECT() looks for them. */
static void secrets(void)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("secrets");
    oss_client *client = NULL;
    oss_error error;
    char address[32], proxy[256], wrong[256];
    int holder;
    check_case = "secrets";
    closed_port(address, sizeof(address), &holder);

    snprintf(wrong, sizeof(wrong), "%s-", setting("SECRET"));
    where.access_key_secret = wrong;
    where.security_token = setting("TOKEN");
    client = new_client(&where);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_SERVICE, NULL);
    oss_client_free(client);

    snprintf(wrong, sizeof(wrong), "%s\xff", setting("SECRET"));
    EXPECT(oss_client_new(&where, &client, &error), &error, OSS_INVALID_ARGUMENT, "access_key_secret");
    snprintf(wrong, sizeof(wrong), "%s\n", setting("SECRET"));
    EXPECT(oss_client_new(&where, &client, &error), &error, OSS_INVALID_ARGUMENT, "access_key_secret");

    where = client_options();
    where.security_token = setting("TOKEN");
    where.proxy = proxy;
    snprintf(proxy, sizeof(proxy), "http://user:%s@%s", setting("SECRET"), address);
    client = new_client(&where);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_NETWORK, address);
    oss_client_free(client);
    snprintf(proxy, sizeof(proxy), "http://user:%s@:port:", setting("SECRET"));
    EXPECT(oss_client_new(&where, &client, &error), &error, OSS_INVALID_ARGUMENT, "proxy");
    close(holder);

    where = client_options();
    snprintf(proxy, sizeof(proxy), "http://%s:%s@127.0.0.1", setting("ID"), setting("SECRET"));
    where.endpoint = proxy;
    EXPECT(oss_client_new(&where, &client, &error), &error, OSS_INVALID_ARGUMENT, "endpoint");
}

static void status_names(void)
{
    check_case = "names";
    CHECK(strcmp(oss_status_name(OSS_OK), "OSS_OK") == 0);
    CHECK(strcmp(oss_status_name(OSS_INTERNAL), "OSS_INTERNAL") == 0);
    CHECK(strcmp(oss_status_name(INT32_MIN), "OSS_UNKNOWN") == 0);
    CHECK(strcmp(oss_status_name(INT32_MAX), "OSS_UNKNOWN") == 0);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    fills("succeeds", client, succeeds, OSS_OK, 0);
    fills("bad options", client, has_bad_options, OSS_INVALID_ARGUMENT, 0);
    fills("refused", client, is_refused, OSS_SERVICE, 0);
    fills("no client", client, make_no_client, OSS_INVALID_ARGUMENT, 0);
    fills("bad credentials", client, set_bad_credentials, OSS_CREDENTIALS, 0);
    fills("good credentials", client, set_good_credentials, OSS_OK, 0);
    fills("wait for nothing", client, wait_for_nothing, OSS_INVALID_ARGUMENT, 1);
    fills("running", client, look_at_a_running_one, OSS_PENDING, 1);
    fills("to the end", client, wait_to_the_end, OSS_OK, 1);
    batches(client);
    long_messages(client);
    odd_names_in_messages(client);
    secrets();
    status_names();
    oss_client_free(client);
    return fixture_end();
}
