#!/usr/bin/env bash
# Windows on x86-64, under Wine: the Rust tests and the local OSS as Windows programs, the zip for C and C++ with a C program that
# resumes after a kill, the table of scenarios in C, and the tests of the Go binding. tests/windows/skips.json has what cannot hold there.
#
#     scripts/platforms/windows-amd64.sh [TEST_BINARY...]
#
# With names, only these Rust tests run.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
platform windows-amd64
with_target "$rust_target"

say 'Wine'
wine=$target/wine
mkdir -p "$wine/bin"
# A prefix of its own, without a window and without talk.
export WINEPREFIX=$wine/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' DISPLAY=
wine_version=$(wine --version 2>/dev/null | sed 's/^wine-\([0-9]*\).*/\1/')
if [ "$wine_version" -lt 9 ]; then
    "${binutils}gcc" -shared -o "$wine/bin/bcryptprimitives.dll" tests/windows/bcryptprimitives.c -ladvapi32
fi
WINEPATH=$(winepath -w "$wine/bin" 2>/dev/null)
export WINEPATH

say 'The Rust tests'
python3 tests/windows/suite.py "$@"
[ $# -eq 0 ] || exit 0

say 'The zip'
scripts/package-windows.sh
cargo build --release -p oss-server --target "$rust_target"
start_local_oss wine "$target/$rust_target/release/oss-server.exe"
python3 -m zipfile -e "$target"/package/*-windows.zip "$work/unpacked"
prefix=$(echo "$work"/unpacked/*)
WINEPATH="$WINEPATH;$(winepath -w "$prefix/bin" 2>/dev/null)"

say 'C and C++'
"${binutils}gcc" -std=c99 -Wall -Wextra -Werror -I"$prefix/include" examples/upload.c -L"$prefix/lib" -loss_upload -o "$work/upload.exe"
"${binutils}g++" -std=c++17 -Wall -Wextra -Werror -I"$prefix/include" examples/upload.cpp -L"$prefix/lib" -loss_upload -static-libgcc -static-libstdc++ -o "$work/upload-cpp.exe"
c_program() { PART_SIZE=1048576 MAX_BYTES_PER_SECOND=12582912 exec wine "$work/upload.exe" "$endpoint" demo "$1" "Z:${2//\//\\}"; }
kill_and_resume c_program c_program
head -c 5M /dev/urandom >"$work/C++.bin"
wine "$work/upload-cpp.exe" "$endpoint" demo c++ "Z:${work//\//\\}\\C++.bin"
same_as_stored c++ "$work/C++.bin"

# For C99's printf formats.
OSS_TEST_SKIPS=tests/windows/skips.json scenarios "$prefix/bin/oss_upload.dll" "${binutils}gcc -D__USE_MINGW_ANSI_STDIO=1" wine

say 'Go'
(
    cd bindings/go
    export GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=${binutils}gcc CGO_LDFLAGS="-L$prefix/lib -loss_upload"
    OSS_SERVER=$(winepath -w "$target/$rust_target/release/oss-server.exe" 2>/dev/null)
    export OSS_SERVER
    # From 1.25 on, Go removes folders in a way that Wine 8 does not have.
    [ "$wine_version" -ge 9 ] || export GOTOOLCHAIN=go1.24.4
    go test -exec wine -count=1 -timeout 15m ./...
)
