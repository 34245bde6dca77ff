/*
 * Two translation units include the header, each twice and one with C's before it, and make one program.
 */
#include <oss_upload.hpp>
#include <oss_upload.hpp>

int the_other_unit();

int main()
{
    oss::client_options where;
    where.endpoint = "http://127.0.0.1:1";
    where.region = "cn-hangzhou";
    where.access_key_id = where.access_key_secret = "none";
    oss::client client(where);
    oss::upload_options what;
    what.bucket = "no-such-bucket";
    what.object_key = "key";
    what.file_path = "/no/such/file";
    try {
        client.upload_file(what, [](const oss::progress &) { return oss::control::proceed; });
    } catch (const oss::error &error) {
        return error.status() == oss::status::io && !client.next_event() ? the_other_unit() : 1;
    }
    return 1;
}
