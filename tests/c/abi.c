/*
 * The binary interface of 64-bit machines, number by number, as docs/abi.md promises it. This file does not compile when
 * the header says anything else. Run, it prints what the compiler makes of the header, as JSON, for others to compare.
 *
 * A release may add lines; it changes none but the sizes of the two options structs, and the reserved space of outputs.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <oss_upload.h>

#define STRUCTS \
    STRUCT(oss_client_options, 120) \
    FIELD(oss_client_options, struct_size, 0, 8) \
    FIELD(oss_client_options, endpoint, 8, 8) \
    FIELD(oss_client_options, region, 16, 8) \
    FIELD(oss_client_options, access_key_id, 24, 8) \
    FIELD(oss_client_options, access_key_secret, 32, 8) \
    FIELD(oss_client_options, security_token, 40, 8) \
    FIELD(oss_client_options, credentials, 48, 8) \
    FIELD(oss_client_options, proxy, 56, 8) \
    FIELD(oss_client_options, ca_file, 64, 8) \
    FIELD(oss_client_options, user_agent, 72, 8) \
    FIELD(oss_client_options, max_bytes_per_second, 80, 8) \
    FIELD(oss_client_options, signature_version, 88, 4) \
    FIELD(oss_client_options, cname, 92, 4) \
    FIELD(oss_client_options, path_style, 96, 4) \
    FIELD(oss_client_options, connect_timeout_ms, 100, 4) \
    FIELD(oss_client_options, stall_timeout_ms, 104, 4) \
    FIELD(oss_client_options, max_attempts, 108, 4) \
    FIELD(oss_client_options, insecure_skip_verify, 112, 4) \
    FIELD(oss_client_options, credentials_wait_ms, 116, 4) \
    STRUCT(oss_error, 1024) \
    FIELD(oss_error, status, 0, 4) \
    FIELD(oss_error, http_status, 4, 4) \
    FIELD(oss_error, os_errno, 8, 4) \
    FIELD(oss_error, part_number, 12, 4) \
    FIELD(oss_error, retryable, 16, 4) \
    FIELD(oss_error, service_code, 20, 64) \
    FIELD(oss_error, ec, 84, 32) \
    FIELD(oss_error, request_id, 116, 64) \
    FIELD(oss_error, message, 180, 768) \
    FIELD(oss_error, reserved, 948, 76) \
    STRUCT(oss_header, 16) \
    FIELD(oss_header, name, 0, 8) \
    FIELD(oss_header, value, 8, 8) \
    STRUCT(oss_upload_options, 120) \
    FIELD(oss_upload_options, struct_size, 0, 8) \
    FIELD(oss_upload_options, bucket, 8, 8) \
    FIELD(oss_upload_options, object_key, 16, 8) \
    FIELD(oss_upload_options, file_path, 24, 8) \
    FIELD(oss_upload_options, checkpoint_path, 32, 8) \
    FIELD(oss_upload_options, checkpoint_dir, 40, 8) \
    FIELD(oss_upload_options, headers, 48, 8) \
    FIELD(oss_upload_options, header_count, 56, 8) \
    FIELD(oss_upload_options, part_size, 64, 8) \
    FIELD(oss_upload_options, routines, 72, 4) \
    FIELD(oss_upload_options, checkpoint, 76, 4) \
    FIELD(oss_upload_options, on_file_change, 80, 4) \
    FIELD(oss_upload_options, verify_resume, 84, 4) \
    FIELD(oss_upload_options, content_md5, 88, 4) \
    FIELD(oss_upload_options, reserved, 92, 4) \
    FIELD(oss_upload_options, max_memory, 96, 8) \
    FIELD(oss_upload_options, spool_dir, 104, 8) \
    FIELD(oss_upload_options, spool_limit, 112, 8) \
    STRUCT(oss_result, 1024) \
    FIELD(oss_result, crc64, 0, 8) \
    FIELD(oss_result, size, 8, 8) \
    FIELD(oss_result, part_size, 16, 8) \
    FIELD(oss_result, bytes_sent, 24, 8) \
    FIELD(oss_result, bytes_resumed, 32, 8) \
    FIELD(oss_result, elapsed_ms, 40, 8) \
    FIELD(oss_result, parts, 48, 4) \
    FIELD(oss_result, parts_resumed, 52, 4) \
    FIELD(oss_result, attempts, 56, 4) \
    FIELD(oss_result, part_size_raised, 60, 4) \
    FIELD(oss_result, etag, 64, 64) \
    FIELD(oss_result, version_id, 128, 128) \
    FIELD(oss_result, request_id, 256, 64) \
    FIELD(oss_result, upload_id, 320, 256) \
    FIELD(oss_result, restart_reason, 576, 160) \
    FIELD(oss_result, callback_response_size, 736, 8) \
    FIELD(oss_result, reserved, 744, 280) \
    STRUCT(oss_progress, 128) \
    FIELD(oss_progress, phase, 0, 4) \
    FIELD(oss_progress, parts_total, 4, 4) \
    FIELD(oss_progress, parts_done, 8, 4) \
    FIELD(oss_progress, retries, 12, 4) \
    FIELD(oss_progress, total_bytes, 16, 8) \
    FIELD(oss_progress, done_bytes, 24, 8) \
    FIELD(oss_progress, resumed_bytes, 32, 8) \
    FIELD(oss_progress, sent_bytes, 40, 8) \
    FIELD(oss_progress, bytes_per_second, 48, 8) \
    FIELD(oss_progress, eta_ms, 56, 8) \
    FIELD(oss_progress, reserved, 64, 64) \
    STRUCT(oss_event, 1024) \
    FIELD(oss_event, kind, 0, 4) \
    FIELD(oss_event, part_number, 4, 4) \
    FIELD(oss_event, attempt, 8, 4) \
    FIELD(oss_event, http_status, 12, 4) \
    FIELD(oss_event, concurrency, 16, 4) \
    FIELD(oss_event, reserved, 20, 4) \
    FIELD(oss_event, upload, 24, 8) \
    FIELD(oss_event, at_ms, 32, 8) \
    FIELD(oss_event, elapsed_ms, 40, 8) \
    FIELD(oss_event, bytes, 48, 8) \
    FIELD(oss_event, dropped, 56, 8) \
    FIELD(oss_event, operation, 64, 32) \
    FIELD(oss_event, service_code, 96, 64) \
    FIELD(oss_event, request_id, 160, 64) \
    FIELD(oss_event, object_key, 224, 256) \
    FIELD(oss_event, message, 480, 512) \
    FIELD(oss_event, reserved2, 992, 32)

#define STATUSES \
    STATUS(OSS_OK, 0) \
    STATUS(OSS_PENDING, 1) \
    STATUS(OSS_INVALID_ARGUMENT, -1) \
    STATUS(OSS_IO, -2) \
    STATUS(OSS_NETWORK, -3) \
    STATUS(OSS_TIMEOUT, -4) \
    STATUS(OSS_SERVICE, -5) \
    STATUS(OSS_CREDENTIALS, -6) \
    STATUS(OSS_FILE_CHANGED, -7) \
    STATUS(OSS_CHECKSUM_MISMATCH, -8) \
    STATUS(OSS_CHECKPOINT, -9) \
    STATUS(OSS_CHECKPOINT_BUSY, -10) \
    STATUS(OSS_PAUSED, -11) \
    STATUS(OSS_CANCELLED, -12) \
    STATUS(OSS_CALLBACK_FAILED, -13) \
    STATUS(OSS_UNSUPPORTED, -14) \
    STATUS(OSS_RESOURCES, -15) \
    STATUS(OSS_INTERNAL, -99)

#define NUMBERS \
    NUMBER(OSS_CONTINUE, 0) \
    NUMBER(OSS_PAUSE, 1) \
    NUMBER(OSS_CANCEL, 2) \
    NUMBER(OSS_PART_SIZE_AUTO, UINT64_MAX) \
    NUMBER(OSS_ROUTINES_AUTO, UINT32_MAX) \
    NUMBER(OSS_PHASE_PREPARING, 0) \
    NUMBER(OSS_PHASE_UPLOADING, 1) \
    NUMBER(OSS_PHASE_VERIFYING, 2) \
    NUMBER(OSS_PHASE_COMPLETING, 3) \
    NUMBER(OSS_PHASE_ENDED, 4) \
    NUMBER(OSS_PHASE_WAITING, 5) \
    NUMBER(OSS_PHASE_HASHING, 6) \
    NUMBER(OSS_ETA_UNKNOWN, UINT64_MAX) \
    NUMBER(OSS_EVENT_REQUEST, 1) \
    NUMBER(OSS_EVENT_RETRY, 2) \
    NUMBER(OSS_EVENT_PART_DONE, 3) \
    NUMBER(OSS_EVENT_PART_RESUMED, 4) \
    NUMBER(OSS_EVENT_CONCURRENCY_CHANGED, 5) \
    NUMBER(OSS_EVENT_CREDENTIALS_CHANGED, 6) \
    NUMBER(OSS_EVENT_CHECKPOINT_WRITTEN, 7) \
    NUMBER(OSS_EVENT_RESTARTED, 8) \
    NUMBER(OSS_EVENT_ENDED, 9)

/* C99 has no static assertion: an array of negative size is none. */
#define STRUCT(type, bytes) typedef char size_of_##type[sizeof(type) == (bytes) ? 1 : -1];
#define FIELD(type, field, offset, bytes)                                           \
    typedef char offset_of_##type##_##field[offsetof(type, field) == (offset) ? 1 : -1]; \
    typedef char size_of_##type##_##field[sizeof(((type *)0)->field) == (bytes) ? 1 : -1];
#define STATUS(name, value) typedef char value_of_##name[(name) == (value) ? 1 : -1];
#define NUMBER(name, value) typedef char value_of_##name[(name) == (value) ? 1 : -1];
#if UINTPTR_MAX == UINT64_MAX
STRUCTS
#endif
STATUSES
NUMBERS
#undef STRUCT
#undef FIELD
#undef STATUS
#undef NUMBER
typedef char status_is_an_int[sizeof(oss_status) == 4 && (oss_status)-1 < 0 ? 1 : -1];

#define STRUCT(type, bytes) \
    printf("%s{\"struct\": \"%s\", \"size\": %lu}", comma, #type, (unsigned long)sizeof(type)); \
    comma = ",\n";
#define FIELD(type, field, offset, bytes)                                                              \
    printf("%s{\"struct\": \"%s\", \"field\": \"%s\", \"offset\": %lu, \"size\": %lu}", comma, #type, #field, \
           (unsigned long)offsetof(type, field), (unsigned long)sizeof(((type *)0)->field));
#define STATUS(name, value) printf("%s{\"name\": \"%s\", \"value\": %d}", comma, #name, (int)(name));
#define NUMBER(name, value) \
    printf("%s{\"name\": \"%s\", \"value\": %llu}", comma, #name, (unsigned long long)(name));

int main(void)
{
    const char *comma = "";
    printf("[");
    STRUCTS
    STATUSES
    NUMBERS
    printf("]\n");
    return 0;
}
