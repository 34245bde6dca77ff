// The same program in C++, with the wrapper.
#include <cstdio>
#include <exception>

#include <oss_upload.hpp>

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    try {
        oss::client_options where;
        where.endpoint = argv[1];
        where.region = "cn-hangzhou";
        oss::client client(where);
        oss::upload_options what;
        what.file_path = argv[2];
        what.bucket = argv[3];
        what.object_key = argv[4];
        client.upload_file(what);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
