/*
 * Credentials that come from a source, fail to come, and are waited for.
 */
#include "fixture.h"

static oss_client_options options_for(const char *credentials)
{
    oss_client_options where = client_options();
    where.access_key_id = where.access_key_secret = NULL;
    where.credentials = credentials;
    return where;
}

static void a_process_has_a_key(void)
{
    char command[5000];
    oss_client_options where;
    oss_upload_options what = upload_options("process");
    oss_client *client;
    oss_error error;
    check_case = "a process";
    snprintf(command, sizeof(command), "process:cat '%s'", scratch("key.json"));
    where = options_for(command);
    client = new_client(&where);
    memset(command, 0, sizeof(command));
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_OK, NULL);
    oss_client_free(client);
}

static void a_source_that_fails_is_named(const char *credentials, const char *reason)
{
    oss_client_options where = options_for(credentials);
    oss_upload_options what = upload_options("none");
    oss_client *client;
    oss_error error;
    check_case = credentials;
    where.max_attempts = 1;
    client = new_client(&where);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_CREDENTIALS, reason);
    CHECK_NUMBER(error.http_status, 0);
    oss_client_free(client);
}

static void others_are_waited_for(void)
{
    oss_client_options where = client_options();
    oss_upload_options what = upload_options("waited");
    oss_upload *upload = NULL;
    oss_client *client;
    oss_progress progress;
    oss_error error;
    check_case = "waiting";
    where.access_key_id = "unknown-id";
    where.credentials_wait_ms = 600000;
    client = new_client(&where);
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    do {
        EXPECT(oss_upload_wait(upload, 10, &progress, NULL, &error), &error, OSS_PENDING, NULL);
    } while (progress.phase != OSS_PHASE_WAITING);
    EXPECT(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), NULL, &error), &error, OSS_OK, NULL);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, &progress, NULL, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(progress.phase, OSS_PHASE_ENDED);
    oss_upload_free(upload);

    check_case = "the wait ends";
    oss_client_free(client);
    where.credentials_wait_ms = 50;
    client = new_client(&where);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_SERVICE, "waited 50ms");
    CHECK(strcmp(error.service_code, "InvalidAccessKeyId") == 0);
    CHECK_NUMBER(error.retryable, 1);
    oss_client_free(client);
}

/** Nobody waits for a process that hangs, neither the upload nor the client. */
static void a_process_that_hangs_is_left(void)
{
    oss_client_options where = options_for("process:sleep 600");
    oss_upload_options what = upload_options("none");
    oss_upload *upload = NULL;
    oss_client *client = new_client(&where);
    oss_error error;
    check_case = "a process that hangs";
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    EXPECT(oss_upload_wait(upload, 100, NULL, NULL, &error), &error, OSS_PENDING, NULL);
    oss_upload_cancel(upload);
    EXPECT(oss_upload_wait(upload, 10000, NULL, NULL, &error), &error, OSS_CANCELLED, NULL);
    oss_upload_free(upload);
    oss_client_free(client);
}

int main(void)
{
    fixture_begin();
    a_process_has_a_key();
    a_source_that_fails_is_named("process:echo $OSS_TEST_SECRET; exit 3", "process: the command ended with status 3");
    a_source_that_fails_is_named("uri:http://127.0.0.1:1/", "uri: 127.0.0.1:1");
    others_are_waited_for();
    a_process_that_hangs_is_left();
    return fixture_end();
}
