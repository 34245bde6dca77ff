/*
 * Events: a program hears requests, retries and parts, of one upload and of all uploads of a client, and no secret.
 */
#include "fixture.h"

struct heard {
    unsigned kinds[16];
    oss_event retry;
    oss_event last;
};

static void count(struct heard *heard, const oss_event *event)
{
    REQUIRE(event->kind < 16);
    heard->kinds[event->kind]++;
    if (event->kind == OSS_EVENT_RETRY) heard->retry = *event;
    heard->last = *event;
    CHECK(!has_secret(event, sizeof(*event)));
    CHECK(is_text(event->operation, sizeof(event->operation)));
    CHECK(is_text(event->service_code, sizeof(event->service_code)));
    CHECK(is_text(event->request_id, sizeof(event->request_id)));
    CHECK(is_text(event->object_key, sizeof(event->object_key)));
    CHECK(is_text(event->message, sizeof(event->message)));
}

static void drain_client(oss_client *client, struct heard *heard)
{
    oss_event event;
    memset(heard, 0, sizeof(*heard));
    scribble(&event, sizeof(event));
    while (oss_client_next_event(client, &event) == OSS_OK) count(heard, &event);
    CHECK_NUMBER(event.kind, 0);
}

static void bad_calls(oss_client *client)
{
    oss_event event;
    check_case = "NULL";
    CHECK_NUMBER(oss_client_next_event(NULL, &event), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_client_next_event(client, NULL), OSS_INVALID_ARGUMENT);
    CHECK_NUMBER(oss_upload_next_event(NULL, &event), OSS_INVALID_ARGUMENT);
}

/* The driver's server answers the first try of the first part of "retried" with 503. */
static void of_a_client(oss_client *client)
{
    oss_upload_options what = upload_options("retried");
    oss_result result;
    oss_error error;
    struct heard heard;
    check_case = "of a client";
    drain_client(client, &heard);
    EXPECT(oss_upload_file(client, &what, &result, &error, NULL, NULL), &error, OSS_OK, NULL);
    drain_client(client, &heard);
    CHECK_NUMBER(heard.kinds[OSS_EVENT_REQUEST], result.attempts);
    CHECK_NUMBER(heard.kinds[OSS_EVENT_PART_DONE], result.parts);
    CHECK_NUMBER(heard.kinds[OSS_EVENT_RETRY], 1);
    CHECK_NUMBER(heard.kinds[OSS_EVENT_ENDED], 1);
    CHECK_NUMBER(heard.last.kind, OSS_EVENT_ENDED);
    CHECK_CONTAINS(heard.last.message, "stored");
    CHECK_NUMBER(heard.retry.http_status, 503);
    CHECK_NUMBER(heard.retry.part_number, 1);
    CHECK_NUMBER(heard.retry.attempt, 1);
    CHECK_NUMBER(heard.retry.upload, 1);
    CHECK_CONTAINS(heard.retry.operation, "UploadPart");
    CHECK_CONTAINS(heard.retry.service_code, "SlowDown");
    CHECK_CONTAINS(heard.retry.object_key, "retried");
    CHECK(heard.retry.request_id[0] != '\0');
}

static void of_an_upload(oss_client *client)
{
    oss_upload_options what = upload_options("heard");
    oss_upload *upload = NULL;
    oss_event event;
    oss_error error;
    struct heard heard;
    check_case = "of an upload";
    memset(&heard, 0, sizeof(heard));
    EXPECT(oss_upload_start(client, &what, &upload, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(oss_upload_next_event(upload, NULL), OSS_INVALID_ARGUMENT);
    /* The first call opens the queue. */
    if (oss_upload_next_event(upload, &event) == OSS_OK) count(&heard, &event);
    EXPECT(oss_upload_wait(upload, UINT32_MAX, NULL, NULL, &error), &error, OSS_OK, NULL);
    while (oss_upload_next_event(upload, &event) == OSS_OK) count(&heard, &event);
    CHECK_NUMBER(heard.last.kind, OSS_EVENT_ENDED);
    CHECK_CONTAINS(heard.last.object_key, "heard");
    CHECK_NUMBER(heard.last.upload, 2);
    oss_upload_free(upload);
}

static void of_new_credentials(oss_client *client)
{
    struct heard heard;
    check_case = "of new credentials";
    drain_client(client, &heard);
    CHECK_NUMBER(oss_client_set_credentials(client, setting("ID"), setting("SECRET"), NULL, NULL), OSS_OK);
    drain_client(client, &heard);
    CHECK_NUMBER(heard.kinds[OSS_EVENT_CREDENTIALS_CHANGED], 1);
    CHECK_NUMBER(heard.last.upload, 0);
}

/* Of what nobody takes out the oldest are dropped; the event after them tells how many. */
static void dropped(oss_client *client)
{
    enum { UPLOADS = 600, KEPT = 1024 };
    oss_upload_options what = upload_options("small");
    oss_error error;
    oss_event event;
    struct heard heard;
    uint64_t each = 0, lost = 0, kept;
    unsigned i;
    check_case = "dropped";
    what.file_path = setting("SMALL_FILE");
    drain_client(client, &heard);
    EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_OK, NULL);
    while (oss_client_next_event(client, &event) == OSS_OK) each++;
    CHECK(each * UPLOADS > KEPT);
    for (i = 0; i < UPLOADS; i++) {
        EXPECT(oss_upload_file(client, &what, NULL, &error, NULL, NULL), &error, OSS_OK, NULL);
    }
    for (kept = 0; oss_client_next_event(client, &event) == OSS_OK; kept++) {
        CHECK(kept == 0 || event.dropped == 0);
        lost += event.dropped;
    }
    CHECK_NUMBER(kept, KEPT);
    CHECK_NUMBER(kept + lost, each * UPLOADS);
}

int main(void)
{
    oss_client_options where = client_options();
    oss_client *client;
    fixture_begin();
    client = new_client(&where);
    bad_calls(client);
    of_a_client(client);
    of_an_upload(client);
    of_new_credentials(client);
    dropped(client);
    oss_client_free(client);
    return fixture_end();
}
