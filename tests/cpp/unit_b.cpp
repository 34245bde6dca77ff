#include <oss_upload.h>
#include <oss_upload.hpp>

int the_other_unit();

int the_other_unit()
{
    oss::upload upload;
    upload.cancel();
    try {
        upload.wait([](const oss::progress &) {});
    } catch (const oss::error &) {
#if __cplusplus >= 202002L
        const oss::upload_options what{.bucket = "b", .object_key = "k", .file_path = "f", .headers = {{"Expires", "0"}}};
        return what.headers.size() == 1 && what.metadata.empty() ? 0 : 1;
#else
        return oss::upload_options().part_size == 0 ? 0 : 1;
#endif
    }
    return 1;
}
