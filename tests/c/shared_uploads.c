/*
 * Shared uploads: their texts, their ends, and what is refused.
 */
#include "fixture.h"

static oss_status ended(oss_upload *step, oss_result *result, oss_error *error)
{
    return oss_upload_wait(step, UINT32_MAX, NULL, result, error);
}

/** A step's text, with what belongs behind it. */
static char *text_of(oss_upload *step)
{
    size_t size = oss_shared_upload_text(step, NULL, 0);
    char *text = (char *)malloc(size + 2);
    REQUIRE(text != NULL);
    scribble(text, size + 2);
    CHECK_NUMBER(oss_shared_upload_text(step, text, size + 1), size);
    CHECK(text[size] == '\0' && (unsigned char)text[size + 1] == 0xA5);
    CHECK_NUMBER(strlen(text), size);
    CHECK(!has_secret(text, size));
    return text;
}

static void what_is_short_is_cut(oss_upload *step, const char *text)
{
    char buffer[8];
    scribble(buffer, sizeof(buffer));
    CHECK_NUMBER(oss_shared_upload_text(step, buffer, 4), strlen(text));
    CHECK(memcmp(buffer, text, 3) == 0 && buffer[3] == '\0' && (unsigned char)buffer[4] == 0xA5);
    CHECK_NUMBER(oss_shared_upload_text(NULL, buffer, 4), 0);
}

static char *begin(oss_client *client, const oss_upload_options *what)
{
    oss_upload *step = NULL;
    oss_result result;
    oss_error error;
    char *token;
    uint32_t count = 0;
    check_case = "begin";
    EXPECT(oss_shared_upload_begin(client, what, &step, &error), &error, OSS_OK, NULL);
    EXPECT(ended(step, &result, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(result.parts, 5);
    token = text_of(step);
    what_is_short_is_cut(step, token);
    CHECK_NUMBER(oss_upload_callback_response(step, NULL, 0), 0);
    oss_upload_free(step);
    CHECK_NUMBER(oss_shared_upload_part_count(token, &count, &error), OSS_OK);
    CHECK_NUMBER(count, 5);
    return token;
}

static void wrong_texts(oss_client *client, const oss_upload_options *what, char *token)
{
    const char *const nothing[] = {NULL};
    oss_upload *step = NULL;
    oss_error error;
    uint32_t count = 7;
    check_case = "wrong texts";
    EXPECT(oss_shared_upload_part_count(NULL, &count, &error), &error, OSS_INVALID_ARGUMENT, "token is NULL");
    EXPECT(oss_shared_upload_part_count(token, NULL, &error), &error, OSS_INVALID_ARGUMENT, "part_count is NULL");
    EXPECT(oss_shared_upload_part_count("\xff", &count, &error), &error, OSS_INVALID_ARGUMENT, "token is not UTF-8");
    CHECK_NUMBER(count, 0);
    EXPECT(oss_shared_upload_send_parts(client, what, NULL, 1, 1, &step, &error), &error, OSS_INVALID_ARGUMENT, "token");
    EXPECT(oss_shared_upload_finish(client, what, token, NULL, 1, &step, &error), &error, OSS_INVALID_ARGUMENT, "fragments");
    EXPECT(oss_shared_upload_finish(client, what, token, nothing, 1, &step, &error), &error, OSS_INVALID_ARGUMENT,
           "fragments[0] is NULL");
    EXPECT(oss_shared_upload_finish(client, what, token, nothing, (size_t)-1, &step, &error), &error,
           OSS_INVALID_ARGUMENT, "fragments");
    EXPECT(oss_shared_upload_finish(client, what, token, (const char *const *)&token, 1, &step, &error), &error,
           OSS_INVALID_ARGUMENT, "fragments[0]");
    EXPECT(oss_shared_upload_abort(client, what, token, NULL, &error), &error, OSS_INVALID_ARGUMENT, "out is NULL");
    CHECK(step == NULL);
}

static void send_and_finish(oss_client *client, oss_upload_options *what, const char *token)
{
    oss_upload *step = NULL;
    char *fragments[2];
    oss_result result;
    oss_error error;
    uint32_t half;
    check_case = "send and finish";
    for (half = 0; half < 2; half++) {
        uint32_t first = half ? 3 : 1, last = half ? 5 : 3;
        EXPECT(oss_shared_upload_send_parts(client, what, token, first, last, &step, &error), &error, OSS_OK, NULL);
        EXPECT(ended(step, NULL, &error), &error, OSS_OK, NULL);
        fragments[half] = text_of(step);
        oss_upload_free(step);
    }
    what->file_path = NULL;
    EXPECT(oss_shared_upload_finish(client, what, token, (const char *const *)fragments, 2, &step, &error), &error, OSS_OK,
           NULL);
    EXPECT(ended(step, &result, &error), &error, OSS_OK, NULL);
    CHECK(result.parts == 5 && result.parts_resumed == 5 && result.etag[0]);
    CHECK_NUMBER(oss_shared_upload_text(step, NULL, 0), 0);
    oss_upload_free(step);
    free(fragments[0]);
    free(fragments[1]);
}

/** What was sent stays, until the whole is aborted. */
static void cancel_and_abort(oss_client *client, const oss_upload_options *what)
{
    oss_upload *step = NULL;
    oss_error error;
    char *token = begin(client, what);
    check_case = "cancel and abort";
    EXPECT(oss_shared_upload_send_parts(client, what, token, 1, 5, &step, &error), &error, OSS_OK, NULL);
    CHECK_NUMBER(oss_shared_upload_text(step, NULL, 0), 0);
    oss_upload_cancel(step);
    EXPECT(ended(step, NULL, &error), &error, OSS_CANCELLED, "still on the server");
    oss_upload_free(step);
    EXPECT(oss_shared_upload_abort(client, what, token, &step, &error), &error, OSS_OK, NULL);
    EXPECT(ended(step, NULL, &error), &error, OSS_OK, NULL);
    oss_upload_free(step);
    free(token);
}

int main(void)
{
    oss_client_options where;
    oss_upload_options what;
    oss_client *client;
    char *token;
    fixture_begin();
    where = client_options();
    client = new_client(&where);
    what = upload_options("stalls-cancelled");
    cancel_and_abort(client, &what);
    what = upload_options("shared");
    token = begin(client, &what);
    wrong_texts(client, &what, token);
    send_and_finish(client, &what, token);
    free(token);
    oss_client_free(client);
    return fixture_end();
}
