#!/usr/bin/env bash
# The binary interface against that of the last release: what is added passes, what breaks programs fails.
#
#     scripts/abi.sh                  compares include/oss_upload.h with the newest tag v*, or with abi/ while there is none
#     scripts/abi.sh compare OLD NEW  compares two headers, or what `write` has written of one
#     scripts/abi.sh write            writes the interface of include/oss_upload.h to abi/: at a release, and before the
#                                     first one when something is changed on purpose
#
# The interface is that of the header, as a C compiler sees it: Rust's own debug information tells of the whole inside of
# the library. That header and library agree, tests/abi.rs shows.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cc 'apt-get install gcc' abidiff 'apt-get install abigail-tools' abidw 'apt-get install abigail-tools'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# describe HEADER OUT: what abidw says of a library that defines what the header declares.
describe() {
    if [[ $1 == *.abi ]]; then cp "$1" "$2"; return; fi
    mkdir -p "$work/unit"
    cp "$1" "$work/unit/oss_upload.h"
    {
        echo '#include "oss_upload.h"'
        # A prototype begins in the first column and ends with ");".
        awk '/^[a-z].*\(/ && !/^(static|typedef)/ { inside = 1 }
             inside { if (sub(/\);$/, ") { __builtin_trap(); }")) ends = 1; print }
             ends { inside = ends = 0 }' "$work/unit/oss_upload.h"
    } >"$work/unit/oss_upload.c"
    (cd "$work/unit" && cc -g -shared -fPIC -w oss_upload.c -o liboss_upload.so)
    (cd "$work/unit" && abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$2" liboss_upload.so)
}

# struct DESCRIPTION NAME, and of what that gives: its size, and where its fields begin.
struct() { sed -n "/<class-decl name='$2' /,/<\/class-decl>/p" "$1"; }
size() { sed -n "s/.*<class-decl .* size-in-bits='\([0-9]*\)'.*/\1/p"; }
fields() { sed -n "s/.*layout-offset-in-bits='\([0-9]*\)'.*/\1/p; s/.*<var-decl name='\([^']*\)'.*/\1/p" | paste - -; }

# Outputs keep their size; new fields are taken from the beginning of what was reserved, and the others stay where they are.
allow_fields_in_reserved() {
    for output in oss_error oss_result oss_progress oss_event; do
        for side in old new; do struct "$work/$side.abi" $output >"$work/$side.struct"; done
        [ "$(size <"$work/old.struct")" = "$(size <"$work/new.struct")" ] || continue
        for side in old new; do fields <"$work/$side.struct" | grep -v 'reserved[0-9]*$' >"$work/$side.fields"; done
        head -n "$(wc -l <"$work/old.fields")" "$work/new.fields" | cmp -s - "$work/old.fields" || continue
        cmp -s "$work/new.fields" "$work/old.fields" && continue
        printf '[suppress_type]\n  name = %s\n  has_data_member_inserted_between = {%s, end}\n' $output \
            "$(fields <"$work/old.struct" | sed -n 's/\treserved[0-9]*$//p' | tail -n 1)"
    done
}

# compare OLD NEW. Options grow at their end, as struct_size tells: only the fields that OLD has are compared.
compare() {
    describe "$(realpath "$1")" "$work/old.abi"
    cp "$2" "$work/seen.h"
    for options in oss_client_options oss_upload_options; do
        awk -v "known=$(struct "$work/old.abi" $options | fields | wc -l)" -v "name=$options" '
            /^typedef struct \{/ { text = kept = ""; n = 0; inside = 1 }
            inside { text = text $0 "\n"; if (n < known || /^}/) kept = kept $0 "\n"; if (/^  [a-z].*;$/) n++ }
            inside && /^}/ { printf "%s", ($0 ~ "^} " name ";" ? kept : text); inside = 0; next }
            !inside' "$work/seen.h" >"$work/cut.h"
        mv "$work/cut.h" "$work/seen.h"
    done
    describe "$work/seen.h" "$work/new.abi"
    allow_fields_in_reserved >"$work/allowed.ini"
    abidiff --no-added-syms --suppressions "$work/allowed.ini" "$work/old.abi" "$work/new.abi" >&2 || {
        echo 'The binary interface breaks programs that exist: see docs/abi.md.' >&2
        return 1
    }
}

baseline=$(find abi -name '*.abi' | sort -V | tail -n 1)
case ${1:-check} in
check)
    if tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
        git show "$tag:include/oss_upload.h" >"$work/tagged.h"
        baseline=$work/tagged.h
    fi
    compare "$baseline" include/oss_upload.h
    ;;
compare) compare "$2" "$3" ;;
write)
    version=$(sed -n 's/^#define OSS_VERSION "\(.*\)"/\1/p' include/oss_upload.h)
    describe include/oss_upload.h "$root/abi/liboss_upload-$version.abi"
    ;;
*) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
