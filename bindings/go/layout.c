/*
 * The layout of the C API's structs on 64-bit machines, as the library promises it. cgo reads the layout from the header;
 * when the header moves something that programs in the field rely on, this file no longer compiles. Options may grow at
 * their end; outputs keep their size, and new fields come out of their reserved space.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <oss_upload.h>

#if UINTPTR_MAX == UINT64_MAX

#define SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "sizeof(" #type ")")
#define AT_LEAST(type, bytes) static_assert(sizeof(type) >= (bytes), "sizeof(" #type ")")
#define FIELD(type, field, offset, bytes)                                                     \
    static_assert(offsetof(type, field) == (offset), "offset of " #type "." #field);          \
    static_assert(sizeof(((type *)0)->field) == (bytes), "size of " #type "." #field)

SIZE(oss_status, 4);

AT_LEAST(oss_client_options, 120);
FIELD(oss_client_options, struct_size, 0, 8);
FIELD(oss_client_options, endpoint, 8, 8);
FIELD(oss_client_options, region, 16, 8);
FIELD(oss_client_options, access_key_id, 24, 8);
FIELD(oss_client_options, access_key_secret, 32, 8);
FIELD(oss_client_options, security_token, 40, 8);
FIELD(oss_client_options, credentials, 48, 8);
FIELD(oss_client_options, proxy, 56, 8);
FIELD(oss_client_options, ca_file, 64, 8);
FIELD(oss_client_options, user_agent, 72, 8);
FIELD(oss_client_options, max_bytes_per_second, 80, 8);
FIELD(oss_client_options, signature_version, 88, 4);
FIELD(oss_client_options, cname, 92, 4);
FIELD(oss_client_options, path_style, 96, 4);
FIELD(oss_client_options, connect_timeout_ms, 100, 4);
FIELD(oss_client_options, stall_timeout_ms, 104, 4);
FIELD(oss_client_options, max_attempts, 108, 4);
FIELD(oss_client_options, insecure_skip_verify, 112, 4);
FIELD(oss_client_options, credentials_wait_ms, 116, 4);

SIZE(oss_error, 1024);
FIELD(oss_error, status, 0, 4);
FIELD(oss_error, http_status, 4, 4);
FIELD(oss_error, os_errno, 8, 4);
FIELD(oss_error, part_number, 12, 4);
FIELD(oss_error, retryable, 16, 4);
FIELD(oss_error, service_code, 20, 64);
FIELD(oss_error, ec, 84, 32);
FIELD(oss_error, request_id, 116, 64);
FIELD(oss_error, message, 180, 768);

SIZE(oss_header, 16);
FIELD(oss_header, name, 0, 8);
FIELD(oss_header, value, 8, 8);

AT_LEAST(oss_upload_options, 96);
FIELD(oss_upload_options, struct_size, 0, 8);
FIELD(oss_upload_options, bucket, 8, 8);
FIELD(oss_upload_options, object_key, 16, 8);
FIELD(oss_upload_options, file_path, 24, 8);
FIELD(oss_upload_options, checkpoint_path, 32, 8);
FIELD(oss_upload_options, checkpoint_dir, 40, 8);
FIELD(oss_upload_options, headers, 48, 8);
FIELD(oss_upload_options, header_count, 56, 8);
FIELD(oss_upload_options, part_size, 64, 8);
FIELD(oss_upload_options, routines, 72, 4);
FIELD(oss_upload_options, checkpoint, 76, 4);
FIELD(oss_upload_options, on_file_change, 80, 4);
FIELD(oss_upload_options, verify_resume, 84, 4);
FIELD(oss_upload_options, content_md5, 88, 4);

SIZE(oss_result, 1024);
FIELD(oss_result, crc64, 0, 8);
FIELD(oss_result, size, 8, 8);
FIELD(oss_result, part_size, 16, 8);
FIELD(oss_result, bytes_sent, 24, 8);
FIELD(oss_result, bytes_resumed, 32, 8);
FIELD(oss_result, elapsed_ms, 40, 8);
FIELD(oss_result, parts, 48, 4);
FIELD(oss_result, parts_resumed, 52, 4);
FIELD(oss_result, attempts, 56, 4);
FIELD(oss_result, part_size_raised, 60, 4);
FIELD(oss_result, etag, 64, 64);
FIELD(oss_result, version_id, 128, 128);
FIELD(oss_result, request_id, 256, 64);
FIELD(oss_result, upload_id, 320, 256);
FIELD(oss_result, restart_reason, 576, 160);
FIELD(oss_result, callback_answer_size, 736, 8);

SIZE(oss_progress, 128);
FIELD(oss_progress, phase, 0, 4);
FIELD(oss_progress, parts_total, 4, 4);
FIELD(oss_progress, parts_done, 8, 4);
FIELD(oss_progress, retries, 12, 4);
FIELD(oss_progress, total_bytes, 16, 8);
FIELD(oss_progress, done_bytes, 24, 8);
FIELD(oss_progress, resumed_bytes, 32, 8);
FIELD(oss_progress, sent_bytes, 40, 8);
FIELD(oss_progress, bytes_per_second, 48, 8);
FIELD(oss_progress, eta_ms, 56, 8);

SIZE(oss_event, 1024);
FIELD(oss_event, kind, 0, 4);
FIELD(oss_event, part_number, 4, 4);
FIELD(oss_event, attempt, 8, 4);
FIELD(oss_event, http_status, 12, 4);
FIELD(oss_event, concurrency, 16, 4);
FIELD(oss_event, upload, 24, 8);
FIELD(oss_event, at_ms, 32, 8);
FIELD(oss_event, elapsed_ms, 40, 8);
FIELD(oss_event, bytes, 48, 8);
FIELD(oss_event, dropped, 56, 8);
FIELD(oss_event, operation, 64, 32);
FIELD(oss_event, service_code, 96, 64);
FIELD(oss_event, request_id, 160, 64);
FIELD(oss_event, object_key, 224, 256);
FIELD(oss_event, message, 480, 512);
static_assert(OSS_EVENT_REQUEST == 1 && OSS_EVENT_RETRY == 2 && OSS_EVENT_PART_DONE == 3 && OSS_EVENT_PART_RESUMED == 4 &&
              OSS_EVENT_CONCURRENCY_CHANGED == 5 && OSS_EVENT_CREDENTIALS_CHANGED == 6 &&
              OSS_EVENT_CHECKPOINT_WRITTEN == 7 && OSS_EVENT_RESTARTED == 8 && OSS_EVENT_ENDED == 9, "OSS_EVENT_*");

#endif
