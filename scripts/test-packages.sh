#!/usr/bin/env bash
# Makes the packages and uses them as others do: programs outside of the checkout find the library by pkg-config and CMake in
# what `cargo cinstall` installs, in the tarball at another place, and in the Debian packages, and upload to the local OSS.
# In CI, as root, the Debian packages are installed and removed too.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' go 'https://go.dev/dl' cc 'apt-get install gcc' c++ 'apt-get install g++' cmake 'apt-get install cmake' \
    pkg-config 'apt-get install pkg-config' lintian 'apt-get install lintian' \
    dpkg 'apt-get install dpkg' readelf 'apt-get install binutils' python3 'apt-get install python3'
scripts/package.sh
cargo build --release -p oss-server
packages=$target/package
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

export OSS_ACCESS_KEY_ID=test-id OSS_ACCESS_KEY_SECRET=test-secret
mkdir "$work/objects"
"$target/release/oss-server" --storage "$work/objects" >"$work/server.json" &
server=$!
until [ -s "$work/server.json" ]; do kill -0 "$server"; sleep 0.05; done
endpoint=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["endpoint"])' "$work/server.json")
head -c 1M /dev/urandom >"$work/file"
uploads=0

fail() { echo "test-packages: $*" >&2; exit 1; }

# uses shared|static PROGRAM LIBDIR [ARGUMENT]: the program needs the shared library, or does not, and uploads.
uses() {
    local needed=static key
    readelf -d "$2" | grep -q 'NEEDED.*\[liboss_upload\.so\.[0-9.]*\]' && needed=shared
    [ $needed = "$1" ] || fail "$2 is linked with the $needed library, not with the $1 one"
    uploads=$((uploads + 1)) key=object-$uploads
    LD_LIBRARY_PATH=$3 "$2" "$endpoint" ${4:+"$4"} "$work/file" test-bucket $key >/dev/null || fail "$2 does not upload"
    cmp "$work/file" "$work/objects/test-bucket/objects/$key".*.data || fail "$2 has stored something else"
}

# consume WHAT PREFIX LIBDIR PKGCONFIG-ROOT: builds and runs all consumers of what is installed there.
consume() {
    say "Consumers of $1"
    local prefix=$2 libdir=$3 here
    here=$(mktemp -d "$work/consumer.XXXXXX")
    cp tests/packages/* "$here"
    export PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$4
    [ "$(pkg-config --modversion oss_upload)" = "$(sed -n 's/^#define OSS_VERSION "\(.*\)"/\1/p' "$prefix/include/oss_upload.h")" ] ||
        fail 'oss_upload.pc and oss_upload.h have different versions'
    (
        cd "$here"
        # Words are to be split here.
        # shellcheck disable=SC2046
        {
            cc -std=c99 consumer.c -o c-pc-shared $(pkg-config --cflags --libs oss_upload)
            c++ -std=c++17 consumer.cpp -o cpp-pc-shared $(pkg-config --cflags --libs oss_upload)
            # As docs/packaging.md says.
            cc -std=c99 consumer.c -o c-bstatic-pc-static $(pkg-config --cflags oss_upload) -Wl,-Bstatic -loss_upload \
                -Wl,-Bdynamic $(pkg-config --static --libs oss_upload | sed 's/-loss_upload//')
            # The linker prefers shared libraries: the archive is what is there alone.
            mkdir alone
            cp "$libdir/liboss_upload.a" alone
            cc -std=c99 consumer.c -o c-pc-static $(pkg-config --cflags oss_upload) -Lalone \
                $(pkg-config --static --libs-only-l oss_upload)
            c++ -std=c++17 consumer.cpp -o cpp-pc-static $(pkg-config --cflags oss_upload) -Lalone \
                $(pkg-config --static --libs-only-l oss_upload)
        }
        cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >cmake.log || { cat cmake.log >&2; exit 1; }
        cmake --build build >cmake.log || { cat cmake.log >&2; exit 1; }
        mkdir go
        cp "$root/bindings/go/oss/testdata/program/main.go" go
        cd go
        wrapper=github.com/oss-upload/liboss_upload/bindings/go
        printf 'module program\n\ngo 1.21\n\nrequire %s v0.0.0\n\nreplace %s => %s\n' $wrapper $wrapper "$root/bindings/go" >go.mod
        go build -tags oss_upload_pkgconfig -o ../go-shared .
        cd ..
        for version in 0.1.1 0.2.0 0.0.9 1.0; do
            if cmake -S . -B "refused-$version" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED=$version >cmake.log 2>&1; then
                fail "find_package(oss_upload $version) takes $prefix"
            fi
            grep -q 'compatible with requested' cmake.log || { cat cmake.log >&2; exit 1; }
        done
    )
    for program in "$here"/*-pc-shared "$here"/build/*-shared "$here"/build/*-oss_upload; do uses shared "$program" "$libdir"; done
    uses shared "$here/go-shared" "$libdir" cn-hangzhou
    for program in "$here"/*-pc-static "$here"/build/*-static; do uses static "$program" "$libdir"; done
    unset PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
}

installed=$packages/installed
consume 'cargo cinstall' "$installed/usr" "$installed/usr/lib/$multiarch" "$installed"

mkdir "$work/elsewhere"
tar xzf "$packages"/*.tar.gz -C "$work/elsewhere" --strip-components 1
for licence in LICENSE-MIT LICENSE-APACHE; do
    cmp "$licence" "$work/elsewhere/share/doc/oss_upload/$licence" || fail "the tarball lacks $licence"
done
consume 'the tarball' "$work/elsewhere" "$work/elsewhere/lib" ''

say 'Lintian'
lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs "$packages"/*.deb

for package in "$packages"/*.deb; do dpkg -x "$package" "$work/root"; done
for package in "$packages"/*.deb; do
    cmp packaging/debian/copyright "$work/root/usr/share/doc/$(dpkg-deb --field "$package" Package)/copyright" ||
        fail "$package does not say under which licence it is"
done
consume 'the Debian packages' "$work/root/usr" "$work/root/usr/lib/$multiarch" "$work/root"

if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ]; then
    names=$(for package in "$packages"/*.deb; do dpkg-deb --field "$package" Package; done)
    trap 'dpkg --purge $names >/dev/null; cleanup' EXIT
    dpkg --install "$packages"/*.deb
    consume 'the Debian packages, installed' /usr "/usr/lib/$multiarch" ''
fi
say "$uploads programs have uploaded"
