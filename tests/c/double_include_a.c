/*
 * Two translation units include the header, each twice, and make one program, in C or in C++.
 */
#include <oss_upload.h>
#include <oss_upload.h>

#ifdef __cplusplus
extern "C"
#endif
int the_other_unit(void);

int main(void)
{
    oss_client_options where = oss_client_options_default();
    return where.struct_size == sizeof(where) && oss_version_number() == OSS_VERSION_NUMBER ? the_other_unit() : 1;
}
