/* The library is the one that the header is of. */
#include <stdio.h>

#include <oss_upload.h>

int main(void)
{
    printf("liboss_upload %s\n", oss_version());
    return oss_version_number() == OSS_VERSION_NUMBER ? 0 : 1;
}
