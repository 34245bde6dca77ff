#!/usr/bin/env bash
# scripts/abi.sh passes what docs/abi.md allows and refuses what breaks programs: seen on edits of the header.
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
header=include/oss_upload.h
edited=$(mktemp -d)
trap 'rm -rf "$edited"' EXIT
failures=0

# after WANTED WHAT SED-PROGRAM: what scripts/abi.sh says of the header after this edit.
after() {
    sed "$3" $header >"$edited/oss_upload.h"
    if cmp -s $header "$edited/oss_upload.h"; then
        echo "abi_diff: the header has nothing for the edit \"$2\"" >&2
        failures=1
    fi
    local said=passes
    scripts/abi.sh compare $header "$edited/oss_upload.h" >"$edited/report" 2>&1 || said=refused
    [ $said = "$1" ] || { echo "abi_diff: $2: $said, should be $1" >&2; cat "$edited/report" >&2; failures=1; }
}

after passes 'another comment' 's/Uploads one file/Puts up one file/'
after passes 'a function is added' 's/^void oss_upload_pause/void oss_upload_hurry(oss_upload *upload);\n&/'
after passes 'a status is added' 's/^  OSS_INTERNAL = -99,/&\n  OSS_NEW = -98,/'
after passes 'an option of clients at the end' 's/^} oss_client_options;/  uint64_t more;\n&/'
after passes 'an option of uploads at the end' 's/^} oss_upload_options;/  uint64_t more;\n&/'
after passes 'a result in what was reserved' \
    '/^typedef struct {/,/^} oss_result;/s/^  uint64_t reserved\[35\];/  uint64_t more;\n  uint64_t reserved[34];/'

after refused 'a result that moves others' \
    's/^  uint64_t callback_response_size;/  uint64_t more;\n&/; s/^  uint64_t reserved\[35\];/  uint64_t reserved[34];/'
after refused 'a function is removed' '/^void oss_upload_pause/d'
after refused 'a function has one more argument' 's/^void oss_upload_pause(oss_upload \*upload/&, int how/'
after refused 'a function returns something else' 's/^void oss_upload_pause/int oss_upload_pause/'
after refused 'a status has another value' 's/^  OSS_INTERNAL = -99,/  OSS_INTERNAL = -98,/'
after refused 'an option in the middle' 's/^  const char \*proxy;/  const char *more;\n&/'
after refused 'an option is removed' '/^  const char \*proxy;/d'
after refused 'an option has another type' 's/^  uint32_t max_attempts;/  int32_t max_attempts;/'
after refused 'two options change places' \
    's/^  const char \*proxy;/  const char *held;/; s/^  const char \*ca_file;/  const char *proxy;/; s/\*held;/*ca_file;/'
after refused 'an output grows' 's/^} oss_result;/  uint64_t more;\n&/'
exit $failures
