/*
 * Loads the libraries that its arguments name, in their order and with all symbols for all, and looks for what each has.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "vendor_sdk.h"

int main(int argc, char **argv)
{
    void *vendor = NULL, *ours = NULL, *found;
    vendor_status *(*upload)(void *, const char *, const char *, char *, char *, int64_t, void *);
    int i;
    for (i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
        REQUIRE(library != NULL);
        *(strstr(argv[i], "vendor") ? &vendor : &ours) = library;
    }
    REQUIRE(vendor != NULL && ours != NULL);
    found = dlsym(RTLD_DEFAULT, "oss_upload_file");
    CHECK(found == dlsym(vendor, "oss_upload_file"));
    REQUIRE(found != NULL);
    memcpy(&upload, &found, sizeof(upload));
    CHECK_NUMBER(upload(NULL, NULL, NULL, NULL, NULL, INT64_C(0x123456789), NULL)->code, 200);
    CHECK(dlsym(ours, "oss_client_upload_file") != NULL);
    CHECK(dlsym(ours, "oss_upload_file") == NULL);
    return check_end();
}
