/*
 * A program of somebody else: uploads FILE to ENDPOINT as BUCKET/KEY with the credentials of the environment.
 */
#include <stdio.h>

#include <oss_upload.h>

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    oss_upload_options what = oss_upload_options_default();
    oss_client *client;
    oss_error error;
    if (argc != 5) return 2;
    if (oss_version_number() != OSS_VERSION_NUMBER) {
        fprintf(stderr, "the header is %s, the library %s\n", OSS_VERSION, oss_version());
        return 1;
    }
    where.endpoint = argv[1];
    where.region = "cn-hangzhou";
    what.file_path = argv[2];
    what.bucket = argv[3];
    what.object_key = argv[4];
    if (oss_client_new(&where, &client, &error) != OSS_OK || oss_upload_file(client, &what, NULL, &error, NULL, NULL) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    oss_client_free(client);
    return 0;
}
