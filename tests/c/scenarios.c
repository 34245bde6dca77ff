/*
 * The executor for C of the table of scenarios (tests/scenarios): it reads orders from standard input, carries them out,
 * and says in a line what came out. options.inc, which the test driver makes from oss_upload.h, names every option.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oss_upload.h>

#include "threads.h"

#define MOST_PAIRS 64

struct pair {
    const char *name;
    char *value;
};

/** An order: its word, then names with values. */
struct order {
    const char *word;
    struct pair pairs[MOST_PAIRS];
    size_t count;
};

static int digit_of(char letter)
{
    const char *digits = "0123456789ABCDEF", *found = strchr(digits, letter);
    if (!letter || !found) exit(2);
    return (int)(found - digits);
}

static void decode(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (*text == '%') {
            *to++ = (char)(digit_of(text[1]) << 4 | digit_of(text[2]));
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static void parse(char *line, struct order *order)
{
    char *word = strtok(line, " \n");
    order->word = word ? word : "";
    order->count = 0;
    while ((word = strtok(NULL, " \n"))) {
        struct pair *pair = &order->pairs[order->count++];
        if (order->count > MOST_PAIRS || !strchr(word, '=')) exit(2);
        pair->name = word;
        pair->value = strchr(word, '=');
        *pair->value++ = '\0';
        decode(pair->value);
    }
}

/** NULL when it is not given. */
static const char *text_of(const struct order *order, const char *name)
{
    size_t i;
    for (i = 0; i < order->count; i++)
        if (strcmp(order->pairs[i].name, name) == 0) return order->pairs[i].value;
    return NULL;
}

/** The values of a name that may come several times. */
static size_t all_of(const struct order *order, const char *name, const char **values)
{
    size_t i, count = 0;
    for (i = 0; i < order->count; i++)
        if (strcmp(order->pairs[i].name, name) == 0) values[count++] = order->pairs[i].value;
    return count;
}

/** The words of the table, and their numbers; "auto" is the largest of each type. */
static const struct {
    const char *word;
    uint64_t number;
} WORDS[] = {{"auto", UINT64_MAX},
             {"restart", 0},
             {"fail", 1},
             {"in-doubt", 0},
             {"always", 1},
             {"never", 2},
             {"changed", OSS_BATCH_CHANGED},
             {"retry_failed", OSS_BATCH_RETRY_FAILED},
             {"verify", OSS_BATCH_VERIFY},
             {"verify_full", OSS_BATCH_VERIFY_FULL},
             {"skip", OSS_SYMLINKS_SKIP},
             {"refuse", OSS_SYMLINKS_REFUSE},
             {"percent", OSS_KEY_PERCENT}};

/** 0 when it is not given. */
static uint64_t number_of(const struct order *order, const char *name)
{
    const char *text = text_of(order, name);
    char *end;
    uint64_t number;
    size_t i;
    if (!text) return 0;
    for (i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        if (strcmp(text, WORDS[i].word) == 0) return WORDS[i].number;
    number = strtoull(text, &end, 10);
    if (*end) exit(2);
    return number;
}

static void print_encoded(const char *text)
{
    for (; *text; text++) printf("%%%02X", (unsigned char)*text);
}

static void tell_text(const char *name, const char *value)
{
    printf(" %s=", name);
    print_encoded(value);
}

static void tell_number(const char *name, uint64_t value) { printf(" %s=%" PRIu64, name, value); }

static void tell_end(oss_status status, const oss_error *error)
{
    tell_text("status", oss_status_name((int32_t)status));
    if (error->status != (int32_t)status) tell_text("raised", "an error of another status");
    if (status >= 0) return;
    tell_text("raised", oss_status_name(error->status));
    tell_number("http_status", error->http_status);
    printf(" os_errno=%" PRId32, error->os_errno);
    tell_number("part_number", error->part_number);
    tell_number("retryable", error->retryable);
    tell_text("service_code", error->service_code);
    tell_text("ec", error->ec);
    tell_text("request_id", error->request_id);
    tell_text("message", error->message);
}

static void tell_result(const oss_result *result)
{
    tell_number("result.crc64", result->crc64);
    tell_number("result.size", result->size);
    tell_number("result.part_size", result->part_size);
    tell_number("result.bytes_sent", result->bytes_sent);
    tell_number("result.bytes_resumed", result->bytes_resumed);
    tell_number("result.elapsed_ms", result->elapsed_ms);
    tell_number("result.parts", result->parts);
    tell_number("result.parts_resumed", result->parts_resumed);
    tell_number("result.attempts", result->attempts);
    tell_number("result.part_size_raised", result->part_size_raised);
    tell_text("result.etag", result->etag);
    tell_text("result.version_id", result->version_id);
    tell_text("result.request_id", result->request_id);
    tell_text("result.upload_id", result->upload_id);
    tell_text("result.restart_reason", result->restart_reason);
    tell_number("result.callback_response_size", result->callback_response_size);
}

static const char *name_of_phase(uint32_t phase)
{
    switch (phase) {
    case OSS_PHASE_PREPARING: return "preparing";
    case OSS_PHASE_UPLOADING: return "uploading";
    case OSS_PHASE_VERIFYING: return "verifying";
    case OSS_PHASE_COMPLETING: return "completing";
    case OSS_PHASE_ENDED: return "ended";
    case OSS_PHASE_WAITING: return "waiting";
    case OSS_PHASE_HASHING: return "hashing";
    default: return "unknown";
    }
}

static void tell_progress(const oss_progress *progress)
{
    tell_text("progress.phase", name_of_phase(progress->phase));
    tell_number("progress.total_bytes", progress->total_bytes);
    tell_number("progress.done_bytes", progress->done_bytes);
    tell_number("progress.resumed_bytes", progress->resumed_bytes);
    tell_number("progress.sent_bytes", progress->sent_bytes);
    tell_number("progress.parts_total", progress->parts_total);
    tell_number("progress.parts_done", progress->parts_done);
    tell_number("progress.retries", progress->retries);
    tell_number("progress.bytes_per_second", progress->bytes_per_second);
    tell_number("progress.eta_known", progress->eta_ms != OSS_ETA_UNKNOWN);
}

static oss_status new_client(const struct order *order, oss_client **client, oss_error *error)
{
    oss_client_options options = oss_client_options_default();
#define CLIENT_OPTION(kind, field, plain) options.field = kind##_of(order, #field);
#include "options.inc"
#undef CLIENT_OPTION
    return oss_client_new(&options, client, error);
}

/** Headers that point into the order; what belongs to the object's own metadata gets its prefix in `names`. */
static size_t headers_of(const struct order *order, oss_header *headers, char names[][128])
{
    size_t i, count = 0;
    for (i = 0; i < order->count; i++) {
        int metadata = strcmp(order->pairs[i].name, "metadata") == 0;
        char *colon = strchr(order->pairs[i].value, ':');
        if (!metadata && strcmp(order->pairs[i].name, "header") != 0) continue;
        if (!colon) exit(2);
        snprintf(names[count], sizeof(names[count]), "%s%.*s", metadata ? "x-oss-meta-" : "",
                 (int)(colon - order->pairs[i].value), order->pairs[i].value);
        headers[count].name = names[count];
        headers[count++].value = colon + 1;
    }
    return count;
}

/** The library copies everything before the call that takes this returns. */
static oss_upload_options upload_options(const struct order *order)
{
    static oss_header headers[MOST_PAIRS];
    static char names[MOST_PAIRS][128];
    oss_upload_options options = oss_upload_options_default();
#define UPLOAD_OPTION(kind, field, plain) options.field = kind##_of(order, #field);
#include "options.inc"
#undef UPLOAD_OPTION
    options.headers = headers;
    options.header_count = headers_of(order, headers, names);
    return options;
}

/** What a progress callback has seen, and what it is to do. */
struct watch {
    uint32_t stop_at;
    int32_t stop;
    int runs_forward;
    unsigned calls;
    unsigned phases;
    oss_progress last;
};

static int32_t on_progress(const oss_progress *now, void *user_data)
{
    struct watch *watch = (struct watch *)user_data;
    const oss_progress *last = &watch->last;
    if (watch->calls++ > 0 &&
        (now->done_bytes < last->done_bytes || now->sent_bytes < last->sent_bytes || now->retries < last->retries))
        watch->runs_forward = 0;
    watch->phases |= 1u << now->phase;
    watch->last = *now;
    return now->parts_done >= watch->stop_at ? watch->stop : OSS_CONTINUE;
}

/** The bytes of the file that `content` names. The caller frees them. */
static char *content_of(const struct order *order, size_t *size)
{
    const char *path = text_of(order, "content");
    FILE *file = path ? fopen(path, "rb") : NULL;
    char *bytes = NULL;
    long end;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0) exit(2);
    rewind(file);
    *size = (size_t)end;
    bytes = (char *)malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) exit(2);
    fclose(file);
    return bytes;
}

/** From the file that file_path names, or from memory. */
static void upload_now(oss_client *client, const struct order *order, int from_memory)
{
    oss_upload_options options = upload_options(order);
    const char *stop = text_of(order, "stop");
    size_t size = 0;
    char *content = from_memory ? content_of(order, &size) : NULL;
    struct watch watch;
    oss_status status;
    oss_result result;
    oss_error error;
    uint32_t phase;
    memset(&watch, 0, sizeof(watch));
    watch.runs_forward = 1;
    watch.stop_at = (uint32_t)number_of(order, "at_parts");
    /* C has no exceptions: where other languages throw one, this pauses. */
    watch.stop = !stop ? OSS_CONTINUE : strcmp(stop, "cancel") == 0 ? OSS_CANCEL : OSS_PAUSE;
    status = from_memory ? oss_upload_memory(client, &options, content, size, &result, &error, on_progress, &watch)
                         : oss_upload_file(client, &options, &result, &error, on_progress, &watch);
    free(content);
    tell_end(status, &error);
    if (watch.calls == 0) return;
    tell_result(&result);
    tell_progress(&watch.last);
    tell_number("progress.runs_forward", (uint64_t)watch.runs_forward);
    for (phase = 0; phase < 32; phase++)
        if (watch.phases & 1u << phase) tell_text("progress.phases", name_of_phase(phase));
}

static void wait_for(oss_upload *upload, const struct order *order)
{
    oss_progress progress;
    oss_result result;
    oss_error error;
    oss_status status = oss_upload_wait(upload, (uint32_t)number_of(order, "timeout_ms"), &progress, &result, &error);
    tell_end(status, &error);
    tell_progress(&progress);
    if (status != OSS_PENDING) {
        char response[1024] = "";
        tell_result(&result);
        if (oss_upload_callback_response(upload, response, sizeof(response)) != result.callback_response_size) exit(2);
        tell_text("callback_response", response);
    }
}

/** Writes the pieces; the first failure, if any. */
static oss_status write_pieces(oss_stream *stream, const struct order *order, oss_error *error)
{
    size_t size, piece = (size_t)number_of(order, "piece"), at = 0;
    char *content = content_of(order, &size);
    oss_status status = OSS_OK;
    if (text_of(order, "take") && number_of(order, "take") < size) size = (size_t)number_of(order, "take");
    if (piece == 0) piece = size;
    while (status == OSS_OK && at < size) {
        size_t count = size - at < piece ? size - at : piece;
        status = oss_stream_write(stream, content + at, count, error);
        at += count;
    }
    free(content);
    return status;
}

static void finish_stream(oss_stream *stream)
{
    char response[1024] = "";
    oss_result result;
    oss_error error;
    oss_status status = oss_stream_finish(stream, &result, &error);
    tell_end(status, &error);
    tell_result(&result);
    if (oss_stream_callback_response(stream, response, sizeof(response)) != result.callback_response_size) exit(2);
    tell_text("callback_response", response);
}

static void send_stream(oss_client *client, const struct order *order)
{
    oss_upload_options options = upload_options(order);
    const char *end = text_of(order, "finish");
    oss_progress progress;
    oss_stream *stream;
    oss_error error;
    oss_status status = oss_stream_open(client, &options, &stream, &error);
    if (status != OSS_OK) {
        tell_end(status, &error);
        return;
    }
    status = write_pieces(stream, order, &error);
    if (status != OSS_OK) {
        tell_end(status, &error);
    } else if (end && strcmp(end, "free") == 0) {
        tell_text("status", "OSS_OK");
    } else {
        if (end && strcmp(end, "abort") == 0) oss_stream_abort(stream);
        finish_stream(stream);
    }
    if (oss_stream_progress(stream, &progress) != OSS_OK) exit(2);
    tell_progress(&progress);
    oss_stream_free(stream);
}

static oss_status start_step(oss_client *client, const struct order *order, oss_upload **step, oss_error *error)
{
    oss_upload_options options = upload_options(order);
    const char *call = text_of(order, "call"), *token = text_of(order, "token"), *fragments[MOST_PAIRS];
    size_t count = all_of(order, "fragment", fragments);
    if (strcmp(call, "begin") == 0) return oss_shared_upload_begin(client, &options, step, error);
    if (strcmp(call, "send_parts") == 0)
        return oss_shared_upload_send_parts(client, &options, token, (uint32_t)number_of(order, "first"),
                                            (uint32_t)number_of(order, "last"), step, error);
    if (strcmp(call, "finish") == 0)
        return oss_shared_upload_finish(client, &options, token, fragments, count, step, error);
    return oss_shared_upload_abort(client, &options, token, step, error);
}

/** The token or the fragment, if the step gave one. */
static void tell_shared_text(oss_upload *step, int is_token)
{
    size_t size = oss_shared_upload_text(step, NULL, 0);
    char *text = (char *)malloc(size + 1);
    oss_error error;
    uint32_t count;
    if (!text) exit(2);
    if (size > 0) {
        if (oss_shared_upload_text(step, text, size + 1) != size || strlen(text) != size) exit(2);
        tell_text(is_token ? "token" : "fragment", text);
    }
    if (size > 0 && is_token) {
        if (oss_shared_upload_part_count(text, &count, &error) != OSS_OK) exit(2);
        tell_number("part_count", count);
    }
    free(text);
}

static void share(oss_client *client, const struct order *order)
{
    const char *call = text_of(order, "call");
    oss_progress progress;
    oss_result result;
    oss_upload *step;
    oss_error error;
    oss_status status = start_step(client, order, &step, &error);
    if (status == OSS_OK) status = oss_upload_wait(step, UINT32_MAX, &progress, &result, &error);
    tell_end(status, &error);
    tell_shared_text(step, strcmp(call, "begin") == 0);
    if (step && strcmp(call, "finish") == 0) {
        tell_result(&result);
        tell_progress(&progress);
    }
    oss_upload_free(step);
}

static oss_status start_batch(oss_client *client, const struct order *order, oss_batch **batch, oss_error *error)
{
    oss_header headers[MOST_PAIRS];
    char names[MOST_PAIRS][128];
    oss_batch_options options = oss_batch_options_default();
#define BATCH_OPTION(kind, field, plain) options.field = kind##_of(order, #field);
#include "options.inc"
#undef BATCH_OPTION
    options.headers = headers;
    options.header_count = headers_of(order, headers, names);
    return oss_batch_start(client, &options, batch, error);
}

static void add_pairs(oss_batch *batch, const struct order *order)
{
    oss_error error;
    size_t i;
    for (i = 0; i < order->count; i++) {
        char *path = order->pairs[i].value, *key;
        if (strcmp(order->pairs[i].name, "pair") != 0) continue;
        key = strchr(path, '\t');
        if (key) *key++ = '\0';
        if (oss_batch_add(batch, path, key, &error) != OSS_OK) exit(2);
    }
    if (oss_batch_seal(batch, &error) != OSS_OK) exit(2);
}

static void tell_outcome(const oss_outcome *outcome)
{
    static const char *const STATUSES[] = {"stored", "unchanged", "skipped", "failed", "planned"};
    const char *const texts[] = {outcome->key,        outcome->etag, outcome->version_id,
                                 outcome->request_id, outcome->path, outcome->rule};
    size_t i;
    if (outcome->status > OSS_OUTCOME_PLANNED) exit(2);
    printf(" outcome=%s|%" PRIu32 "|%" PRIu64 "|%" PRIu64 "|%" PRIu32 "|", STATUSES[outcome->status], outcome->resumed,
           outcome->size, outcome->crc64, outcome->attempts);
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        print_encoded(texts[i]);
        printf("|");
    }
    if (outcome->error.status == OSS_OK) return;
    printf("%s:%%20", oss_status_name(outcome->error.status));
    print_encoded(outcome->error.message);
}

/** Until there are no more. */
static void take_outcomes(oss_batch *batch, const struct order *order)
{
    static oss_outcome outcome;
    const char *stop = text_of(order, "stop");
    uint64_t count = 0, at_outcomes = number_of(order, "at_outcomes");
    oss_status status;
    while ((status = oss_batch_next_outcome(batch, UINT32_MAX, &outcome)) == OSS_OK) {
        tell_outcome(&outcome);
        if (++count != at_outcomes || !stop) continue;
        if (strcmp(stop, "cancel") == 0)
            oss_batch_cancel(batch);
        else
            oss_batch_pause(batch);
    }
    if (status != OSS_END) exit(2);
}

static void tell_batch_result(const oss_batch_result *result)
{
    tell_number("batch.files_stored", result->files_stored);
    tell_number("batch.files_resumed", result->files_resumed);
    tell_number("batch.files_unchanged", result->files_unchanged);
    tell_number("batch.files_skipped", result->files_skipped);
    tell_number("batch.files_failed", result->files_failed);
    tell_number("batch.files_planned", result->files_planned);
    tell_number("batch.bytes_stored", result->bytes_stored);
    tell_number("batch.bytes_sent", result->bytes_sent);
    tell_number("batch.requests", result->requests);
    tell_number("batch.manifest_lines_damaged", result->manifest_lines_damaged);
    tell_number("batch.elapsed_ms", result->elapsed_ms);
}

static void tell_batch_progress(const oss_batch_progress *progress)
{
    tell_number("batch_progress.files_found", progress->files_found);
    tell_number("batch_progress.bytes_found", progress->bytes_found);
    tell_number("batch_progress.totals_known", progress->totals_known);
    tell_number("batch_progress.files_stored", progress->files_stored);
    tell_number("batch_progress.files_resumed", progress->files_resumed);
    tell_number("batch_progress.files_unchanged", progress->files_unchanged);
    tell_number("batch_progress.files_skipped", progress->files_skipped);
    tell_number("batch_progress.files_failed", progress->files_failed);
    tell_number("batch_progress.bytes_done", progress->bytes_done);
    tell_number("batch_progress.bytes_sent", progress->bytes_sent);
    tell_number("batch_progress.requests", progress->requests);
    tell_number("batch_progress.retries", progress->retries);
    tell_number("batch_progress.bytes_per_second", progress->bytes_per_second);
    tell_number("batch_progress.files_per_second", progress->files_per_second);
    tell_number("batch_progress.eta_known", progress->eta_ms != OSS_ETA_UNKNOWN);
    tell_text("batch_progress.current_path", progress->current_path);
    tell_number("batch_progress.current_done", progress->current_done);
    tell_number("batch_progress.current_size", progress->current_size);
    tell_number("batch_progress.ended", progress->ended);
}

static void upload_many(oss_client *client, const struct order *order)
{
    oss_batch_progress progress;
    oss_batch_result result;
    oss_batch *batch;
    oss_error error;
    oss_status status = start_batch(client, order, &batch, &error);
    if (status != OSS_OK) {
        tell_end(status, &error);
        return;
    }
    add_pairs(batch, order);
    take_outcomes(batch, order);
    status = oss_batch_wait(batch, UINT32_MAX, &progress, &result, &error);
    tell_end(status, &error);
    tell_batch_result(&result);
    tell_batch_progress(&progress);
    oss_batch_free(batch);
}

static const char *name_of_event(uint32_t kind)
{
    switch (kind) {
    case OSS_EVENT_REQUEST: return "request";
    case OSS_EVENT_RETRY: return "retry";
    case OSS_EVENT_PART_DONE: return "part done";
    case OSS_EVENT_PART_RESUMED: return "part resumed";
    case OSS_EVENT_CONCURRENCY_CHANGED: return "concurrency changed";
    case OSS_EVENT_CREDENTIALS_CHANGED: return "credentials changed";
    case OSS_EVENT_CHECKPOINT_WRITTEN: return "checkpoint written";
    case OSS_EVENT_RESTARTED: return "restarted";
    case OSS_EVENT_ENDED: return "ended";
    default: return "unknown";
    }
}

static void events(oss_client *client)
{
    oss_event event;
    while (oss_client_next_event(client, &event) == OSS_OK) {
        char fields[1200];
        snprintf(fields, sizeof(fields),
                 "%s|%" PRIu64 "|%s|%s|%" PRIu32 "|%" PRIu32 "|%" PRIu32 "|%s|%" PRIu64 "|%" PRIu32 "|%" PRIu64 "|%" PRIu64
                 "|%" PRIu64 "|%s",
                 name_of_event(event.kind), event.upload, event.object_key, event.operation, event.part_number,
                 event.attempt, event.http_status, event.service_code, event.bytes, event.concurrency, event.dropped,
                 event.at_ms, event.elapsed_ms, event.message);
        tell_text("event", fields);
        tell_text("event.request_id", event.request_id);
    }
}

static oss_client *client;
static oss_upload *upload;

static void free_upload(void)
{
    oss_upload_free(upload);
    upload = NULL;
}

static void free_all(void)
{
    free_upload();
    oss_client_free(client);
    client = NULL;
}

static void carry_out(const struct order *order)
{
    oss_error error;
    if (strcmp(order->word, "client") == 0) {
        free_all();
        tell_end(new_client(order, &client, &error), &error);
    } else if (strcmp(order->word, "set_credentials") == 0) {
        oss_status status =
            oss_client_set_credentials(client, text_of(order, "access_key_id"), text_of(order, "access_key_secret"),
                                       text_of(order, "security_token"), &error);
        tell_end(status, &error);
    } else if (strcmp(order->word, "upload_file") == 0) {
        upload_now(client, order, 0);
    } else if (strcmp(order->word, "upload_memory") == 0) {
        upload_now(client, order, 1);
    } else if (strcmp(order->word, "stream") == 0) {
        send_stream(client, order);
    } else if (strcmp(order->word, "shared") == 0) {
        share(client, order);
    } else if (strcmp(order->word, "batch") == 0) {
        upload_many(client, order);
    } else if (strcmp(order->word, "merge_manifests") == 0) {
        const char *manifests[MOST_PAIRS];
        size_t count = all_of(order, "manifest", manifests);
        tell_end(oss_manifest_merge(text_of(order, "out"), manifests, count, &error), &error);
    } else if (strcmp(order->word, "start") == 0) {
        oss_upload_options options = upload_options(order);
        free_upload();
        tell_end(oss_upload_start(client, &options, &upload, &error), &error);
    } else if (strcmp(order->word, "wait") == 0) {
        wait_for(upload, order);
    } else if (strcmp(order->word, "pause") == 0) {
        oss_upload_pause(upload);
    } else if (strcmp(order->word, "cancel") == 0) {
        oss_upload_cancel(upload);
    } else if (strcmp(order->word, "free") == 0) {
        free_upload();
    } else if (strcmp(order->word, "events") == 0) {
        events(client);
    } else if (strcmp(order->word, "end") == 0) {
        free_all();
    } else {
        fprintf(stderr, "an unknown order: %s\n", order->word);
        exit(2);
    }
}

int main(void)
{
    static char line[65536];
    static struct order order;
    while (fgets(line, sizeof(line), stdin)) {
        parse(line, &order);
        printf("=");
        carry_out(&order);
        printf("\n");
        fflush(stdout);
    }
    free_all();
    /* A thread of the library that still runs when main() returns would look like a leak of its stack. */
    return is_alone_soon() ? 0 : 1;
}
