/*
 * Uploads a file to OSS from C++17 with a progress bar, and tells the kinds of failures apart. Stopped or killed at any
 * moment, it resumes when it is started again. Ctrl-C pauses: exit status 130.
 *
 *     c++ -std=c++17 -Iinclude examples/upload.cpp -Ltarget/release -loss_upload -o upload
 *     export OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
 *     ./upload oss-cn-hangzhou.aliyuncs.com my-bucket videos/a.mp4 /data/a.mp4
 *
 * Optional, from the environment: OSS_REGION, OSS_CA_FILE, PART_SIZE, ROUTINES and MAX_BYTES_PER_SECOND, as in upload.c.
 */
#include <oss_upload.hpp>

#include <csignal>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <string>

namespace {

volatile std::sig_atomic_t interrupted = 0;

std::optional<std::string> variable(const char *name)
{
    const char *value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::uint64_t number_or(const char *name, std::uint64_t otherwise)
{
    const auto value = variable(name);
    return value ? std::stoull(*value) : otherwise;
}

oss::control draw(const oss::progress &now)
{
    const double total = static_cast<double>(now.total_bytes != 0 ? now.total_bytes : 1);
    const double done = static_cast<double>(now.done_bytes) / total;
    std::string bar(40, '.');
    for (std::size_t i = 0; i < bar.size(); i++) {
        if (static_cast<double>(i) < done * static_cast<double>(bar.size())) bar[i] = '#';
    }
    std::cerr << "\r[" << bar << "] " << std::fixed << std::setprecision(1) << done * 100.0 << " %  "
              << static_cast<double>(now.bytes_per_second) / 1048576.0 << " MiB/s  " << std::flush;
    return interrupted != 0 ? oss::control::pause : oss::control::proceed;
}

int explain(const oss::error &error)
{
    std::cerr << '\n' << name(error.status()) << ": " << error.what() << '\n';
    switch (error.status()) {
    case oss::status::paused: std::cerr << "Run the same command again to resume.\n"; return 130;
    case oss::status::io: std::cerr << "The local file: " << error.os_error().message() << '\n'; break;
    case oss::status::service:
        std::cerr << "OSS answered " << error.http_status() << ' ' << error.service_code() << ", request id "
                  << error.request_id() << '\n';
        break;
    default:
        if (error.retryable()) std::cerr << "It may work later.\n";
    }
    return 1;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT BUCKET KEY FILE\n";
        return 2;
    }
    std::signal(SIGINT, [](int number) {
        interrupted = 1;
        std::signal(number, SIG_DFL); // A second Ctrl-C ends the program at once: the checkpoint survives that, too.
    });
    try {
        oss::client_options where;
        where.endpoint = argv[1];
        where.region = variable("OSS_REGION");
        where.ca_file = variable("OSS_CA_FILE").value_or("");
        where.max_bytes_per_second = number_or("MAX_BYTES_PER_SECOND", 0);
        oss::client client(where);

        oss::upload_options what;
        what.bucket = argv[2];
        what.object_key = argv[3];
        what.file_path = argv[4];
        what.part_size = number_or("PART_SIZE", oss::part_size_auto);
        what.routines = static_cast<std::uint32_t>(number_or("ROUTINES", oss::routines_auto));
        what.checkpoint = true;
        what.metadata = {{"uploaded-by", "an-example"}};
        const oss::result stored = client.upload_file(what, draw);

        std::cout << "\nstored " << stored.size << " bytes, ETag " << stored.etag << '\n'
                  << stored.parts_resumed << " of " << stored.parts << " parts resumed, " << stored.bytes_sent
                  << " bytes sent in " << stored.elapsed.count() << " ms\n";
        return 0;
    } catch (const oss::error &error) {
        return explain(error);
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
