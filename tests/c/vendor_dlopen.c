/*
 * Loads the libraries that its arguments name, in their order and with all symbols for all, and calls what each has. The
 * last argument says whether this library has a symbol oss_upload_file.
 */
#include <dlfcn.h>

#include "vendor_caller.h"
#define OSS_UPLOAD_NO_UPLOAD_FILE
#include "fixture.h"

typedef oss_status our_upload(oss_client *, const oss_upload_options *, oss_result *, oss_error *, oss_progress_fn, void *);

/** The function, in a pointer of its type: ISO C has no cast for that. */
#define LOOK_UP(function, library, name)                   \
    do {                                                   \
        void *found = dlsym(library, name);                \
        REQUIRE(found != NULL);                            \
        memcpy(&(function), &found, sizeof(found));        \
    } while (0)

static void upload_by(void *library, const char *name)
{
    oss_status (*make)(const oss_client_options *, oss_client **, oss_error *);
    void (*release)(oss_client *);
    our_upload *upload;
    oss_client_options where = client_options();
    oss_upload_options what = upload_options(name);
    oss_client *client = NULL;
    oss_result result;
    oss_error error;
    LOOK_UP(make, library, "oss_client_new");
    LOOK_UP(release, library, "oss_client_free");
    LOOK_UP(upload, library, name);
    REQUIRE(make(&where, &client, &error) == OSS_OK);
    CHECK_NUMBER(upload(client, &what, &result, &error, NULL, NULL), OSS_OK);
    CHECK(result.size > 0);
    release(client);
}

int main(int argc, char **argv)
{
    void *vendor = NULL, *ours = NULL;
    vendor_upload *sdk_call;
    int i, exported;
    REQUIRE(argc == 4);
    exported = strcmp(argv[3], "exported") == 0;
    for (i = 1; i < 3; i++) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
        REQUIRE(library != NULL);
        *(strstr(argv[i], "vendor") ? &vendor : &ours) = library;
    }
    REQUIRE(vendor != NULL && ours != NULL);
    /* Asked for in a library, that library's. */
    LOOK_UP(sdk_call, vendor, "oss_upload_file");
    CHECK_NUMBER(who_responses(sdk_call), 'v');
    upload_by(ours, "oss_client_upload_file");
    CHECK_NUMBER(dlsym(ours, "oss_upload_file") != NULL, exported);
    if (exported) upload_by(ours, "oss_upload_file");
    /* Asked for in the process, that of the library which was loaded first. */
    LOOK_UP(sdk_call, RTLD_DEFAULT, "oss_upload_file");
    CHECK_NUMBER(who_responses(sdk_call), exported && strstr(argv[2], "vendor") ? 'o' : 'v');
    return check_end();
}
