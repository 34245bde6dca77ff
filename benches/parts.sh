#!/usr/bin/env bash
# What one part of 100 KB and one file of 10 KiB cost beside their bytes: instructions by place, and system calls. The
# figures hardly differ from run to run. Prints two tables.
#
#     benches/parts.sh
#
# Needs cargo, cc, python3, valgrind and strace, which scripts/setup.sh installs. A minute, besides building.
#
# The tables are also written to target/bench/parts.md, which make bench adds to its page.
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
missing=$(scripts/setup.sh bench-parts)
[ -z "$missing" ] || exit 1

# The places have names.
export CARGO_PROFILE_RELEASE_STRIP=debuginfo
here=$root/benches bench=$target/bench
mkdir -p "$bench"
build_shared_library
cargo build --quiet --release -p oss-server
for program in "$root/examples/upload.c" "$here/many.c"; do
    ${CC:-cc} -std=c99 -O2 -Iinclude "$program" -L"$target/release" -loss_upload -lpthread \
        -Wl,-rpath,"$target/release" -o "$bench/$(basename "$program" .c)"
done

export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/parts.py" "$target"
