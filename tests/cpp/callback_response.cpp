/*
 * What an application server answers to x-oss-callback is in the result, also in that of an error.
 */
#include "fixture.hpp"

static oss::upload_options called(const std::string &key, const char *callback)
{
    auto options = what(key);
    if (callback) options.headers = {{"x-oss-callback", callback}};
    return options;
}

int main()
{
    fixture_begin();
    {
        oss::client client(where());
        const std::string response = R"({"a": 1 })";
        CHECK(client.upload_file(called("called", setting("CALLBACK"))).callback_response == response);
        CHECK(client.upload_file(called("not-called", nullptr)).callback_response.empty());

        auto upload = client.start(called("waited", setting("CALLBACK")));
        while (!upload.wait_for(std::chrono::milliseconds(50))) {
        }
        CHECK(upload.wait().callback_response == response);

        const auto failed = called("failed", setting("FAILING_CALLBACK"));
        const auto error = error_of([&] { return client.upload_file(failed); });
        CHECK_ERROR(error, callback_failed, "");
        CHECK(error.result().callback_response.empty());
    }
    return fixture_end();
}
