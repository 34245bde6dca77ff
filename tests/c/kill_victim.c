/*
 * Uploads one file with a checkpoint, and expects to be killed at any moment.
 *
 *     kill_victim ENDPOINT KEY FILE CHECKPOINT PART_SIZE ROUTINES BYTES_PER_SECOND
 *
 * Ends with 0 when the object is stored, with 3 when not, and prints one line about it. (On Windows, 1 is the end of a process
 * that is killed.)
 */
#include <oss_upload.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_client *client = NULL;
    oss_result result;
    oss_error error;
    oss_status status;

    if (argc != 8) return 2;
    where.endpoint = argv[1];
    where.region = "cn-hangzhou";
    where.access_key_id = "test-id";
    where.access_key_secret = "test-secret";
    where.max_bytes_per_second = strtoull(argv[7], NULL, 10);
    what.bucket = "test-bucket";
    what.object_key = argv[2];
    what.file_path = argv[3];
    what.checkpoint_path = argv[4];
    what.part_size = strtoull(argv[5], NULL, 10);
    what.routines = (uint32_t)strtoul(argv[6], NULL, 10);

    status = oss_client_new(&where, &client, &error);
    if (status == OSS_OK) status = oss_upload_file(client, &what, &result, &error, NULL, NULL);
    oss_client_free(client);
    if (status != OSS_OK) {
        printf("%s: %s\n", oss_status_name(status), error.message);
        return 3;
    }
    printf("%" PRIu32 " of %" PRIu32 " parts resumed%s%s\n", result.parts_resumed, result.parts,
           result.restart_reason[0] ? ", started over: " : "", result.restart_reason);
    return 0;
}
