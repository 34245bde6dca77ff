#include <oss_upload.h>

oss_status upload_unaware(oss_client *client, const oss_upload_options *what, oss_error *error);

oss_status upload_unaware(oss_client *client, const oss_upload_options *what, oss_error *error)
{
    return oss_upload_file(client, what, NULL, error, NULL, NULL);
}
