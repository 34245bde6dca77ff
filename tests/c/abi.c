/*
 * The binary interface of 64-bit machines, number by number, as docs/abi.md promises it. This file does not compile when
 * the header says anything else. Run, it prints what the compiler makes of the header, as JSON, for others to compare.
 *
 * A release may add lines; it changes none but the sizes of the options structs, and the reserved space of outputs.
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
    STRUCT(oss_batch_options, 152) \
    FIELD(oss_batch_options, struct_size, 0, 8) \
    FIELD(oss_batch_options, bucket, 8, 8) \
    FIELD(oss_batch_options, key_prefix, 16, 8) \
    FIELD(oss_batch_options, directory, 24, 8) \
    FIELD(oss_batch_options, list_path, 32, 8) \
    FIELD(oss_batch_options, manifest_path, 40, 8) \
    FIELD(oss_batch_options, exclude, 48, 8) \
    FIELD(oss_batch_options, include, 56, 8) \
    FIELD(oss_batch_options, headers, 64, 8) \
    FIELD(oss_batch_options, header_count, 72, 8) \
    FIELD(oss_batch_options, part_size, 80, 8) \
    FIELD(oss_batch_options, connections, 88, 4) \
    FIELD(oss_batch_options, max_requests_per_second, 92, 4) \
    FIELD(oss_batch_options, mode, 96, 4) \
    FIELD(oss_batch_options, compare_remote, 100, 4) \
    FIELD(oss_batch_options, list_null_separated, 104, 4) \
    FIELD(oss_batch_options, ignore_files, 108, 4) \
    FIELD(oss_batch_options, symlinks, 112, 4) \
    FIELD(oss_batch_options, key_encoding, 116, 4) \
    FIELD(oss_batch_options, on_file_change, 120, 4) \
    FIELD(oss_batch_options, empty_directories, 124, 4) \
    FIELD(oss_batch_options, keep_mtime, 128, 4) \
    FIELD(oss_batch_options, stop_on_error, 132, 4) \
    FIELD(oss_batch_options, dry_run, 136, 4) \
    FIELD(oss_batch_options, outcomes, 140, 4) \
    FIELD(oss_batch_options, shard_index, 144, 4) \
    FIELD(oss_batch_options, shard_count, 148, 4) \
    STRUCT(oss_batch_progress, 1024) \
    FIELD(oss_batch_progress, files_found, 0, 8) \
    FIELD(oss_batch_progress, bytes_found, 8, 8) \
    FIELD(oss_batch_progress, files_stored, 16, 8) \
    FIELD(oss_batch_progress, files_resumed, 24, 8) \
    FIELD(oss_batch_progress, files_unchanged, 32, 8) \
    FIELD(oss_batch_progress, files_skipped, 40, 8) \
    FIELD(oss_batch_progress, files_failed, 48, 8) \
    FIELD(oss_batch_progress, bytes_done, 56, 8) \
    FIELD(oss_batch_progress, bytes_sent, 64, 8) \
    FIELD(oss_batch_progress, requests, 72, 8) \
    FIELD(oss_batch_progress, retries, 80, 8) \
    FIELD(oss_batch_progress, bytes_per_second, 88, 8) \
    FIELD(oss_batch_progress, files_per_second, 96, 8) \
    FIELD(oss_batch_progress, eta_ms, 104, 8) \
    FIELD(oss_batch_progress, current_done, 112, 8) \
    FIELD(oss_batch_progress, current_size, 120, 8) \
    FIELD(oss_batch_progress, totals_known, 128, 4) \
    FIELD(oss_batch_progress, ended, 132, 4) \
    FIELD(oss_batch_progress, current_path, 136, 512) \
    FIELD(oss_batch_progress, reserved, 648, 376) \
    STRUCT(oss_batch_result, 256) \
    FIELD(oss_batch_result, files_stored, 0, 8) \
    FIELD(oss_batch_result, files_resumed, 8, 8) \
    FIELD(oss_batch_result, files_unchanged, 16, 8) \
    FIELD(oss_batch_result, files_skipped, 24, 8) \
    FIELD(oss_batch_result, files_failed, 32, 8) \
    FIELD(oss_batch_result, files_planned, 40, 8) \
    FIELD(oss_batch_result, bytes_stored, 48, 8) \
    FIELD(oss_batch_result, bytes_sent, 56, 8) \
    FIELD(oss_batch_result, requests, 64, 8) \
    FIELD(oss_batch_result, manifest_lines_damaged, 72, 8) \
    FIELD(oss_batch_result, elapsed_ms, 80, 8) \
    FIELD(oss_batch_result, reserved, 88, 168) \
    STRUCT(oss_outcome, 8192) \
    FIELD(oss_outcome, status, 0, 4) \
    FIELD(oss_outcome, resumed, 4, 4) \
    FIELD(oss_outcome, size, 8, 8) \
    FIELD(oss_outcome, crc64, 16, 8) \
    FIELD(oss_outcome, attempts, 24, 4) \
    FIELD(oss_outcome, reserved, 28, 4) \
    FIELD(oss_outcome, path, 32, 4096) \
    FIELD(oss_outcome, key, 4128, 1024) \
    FIELD(oss_outcome, etag, 5152, 64) \
    FIELD(oss_outcome, version_id, 5216, 128) \
    FIELD(oss_outcome, request_id, 5344, 64) \
    FIELD(oss_outcome, rule, 5408, 512) \
    FIELD(oss_outcome, error, 5920, 1024) \
    FIELD(oss_outcome, reserved2, 6944, 1248) \
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
    STATUS(OSS_END, 2) \
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
    STATUS(OSS_FILES_FAILED, -16) \
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
    NUMBER(OSS_BATCH_ALL, 0) \
    NUMBER(OSS_BATCH_CHANGED, 1) \
    NUMBER(OSS_BATCH_RETRY_FAILED, 2) \
    NUMBER(OSS_BATCH_VERIFY, 3) \
    NUMBER(OSS_BATCH_VERIFY_FULL, 4) \
    NUMBER(OSS_SYMLINKS_FOLLOW, 0) \
    NUMBER(OSS_SYMLINKS_SKIP, 1) \
    NUMBER(OSS_SYMLINKS_REFUSE, 2) \
    NUMBER(OSS_KEY_REFUSE, 0) \
    NUMBER(OSS_KEY_PERCENT, 1) \
    NUMBER(OSS_OUTCOME_STORED, 0) \
    NUMBER(OSS_OUTCOME_UNCHANGED, 1) \
    NUMBER(OSS_OUTCOME_SKIPPED, 2) \
    NUMBER(OSS_OUTCOME_FAILED, 3) \
    NUMBER(OSS_OUTCOME_PLANNED, 4) \
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
