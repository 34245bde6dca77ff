#!/usr/bin/env bash
# Linux with musl: a static program in a root that has nothing else, a shared library with musl's own loader, and the wheel's.
# Each resumes after a kill.
#
#     scripts/platforms/linux-musl-amd64.sh [PLATFORM]
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
platform "${1:-linux-musl-amd64}"
with_target "$rust_target"
cargo build --release -p oss-server
scripts/package.sh "$platform"
scripts/wheels.sh "$platform"
zig_linker "$target/wheel-tools"
start_local_oss
export PART_SIZE=1048576 MAX_BYTES_PER_SECOND=12582912
mkdir "$work/prefix" "$work/empty"
tar xzf "$target"/package/*.tar.gz -C "$work/prefix" --strip-components 1
python3 -m zipfile -e "$target"/wheels/*musllinux*.whl "$work/site"

# compiled NAME COMMAND...: the example, which resumes when it is started again.
compiled() {
    local name=$1
    shift
    "$@" -std=c99 -Wall -Wextra -I"$work/prefix/include" examples/upload.c -o "$work/$name"
}
zig=$target/wheel-tools/$rust_target-cc

if [ "$(id -u)" = 0 ]; then
    say 'A static program in an empty root'
    compiled static "$zig" -static -L"$work/prefix/lib" -l:liboss_upload.a -lunwind
    [ -z "$(readelf -dW "$work/static" | grep NEEDED)" ]
    cp "$work/static" "$work/empty/upload"
    # qemu is static too.
    [ -z "$emulator" ] || cp "$(command -v "${emulator%% *}")" "$work/empty/emulator"
    static() {
        # One name only: a second link would change the file.
        [ -e "$work/empty/$1" ] || cp "$2" "$work/empty/$1"
        exec chroot "$work/empty" ${emulator:+/emulator} /upload "$endpoint" demo "$1" "/$1"
    }
    kill_and_resume static static
else
    echo 'Only root can try the static program in an empty root.' >&2
    [ "${CI:-}" != true ]
fi

say "The shared libraries, with musl's loader"
debian_root "$target/root-musl-$debian" musl
loader=$(echo "$target/root-musl-$debian"/lib/ld-musl-*.so.1)
shared() { exec ${emulator:+$emulator /} "$loader" --library-path "$libraries" "$work/$program" "$endpoint" demo "$1" "$2"; }
for libraries in "$work/prefix/lib" "$work/site/oss_upload"; do
    program=shared-$(basename "$libraries")
    compiled "$program" "$zig" -dynamic -L"$libraries" -loss_upload
    kill_and_resume "$program" shared
done
scenarios "$work/prefix/lib/liboss_upload.so" "$zig -dynamic" ${emulator:+$emulator /} "$loader"
if [ -z "$emulator" ]; then
    say "The shared library with Debian's musl-gcc"
    libraries=$work/prefix/lib program=musl-gcc
    compiled "$program" musl-gcc -L"$libraries" -loss_upload
    kill_and_resume "$program" shared
fi
