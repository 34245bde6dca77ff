#!/usr/bin/env bash
# Makes what is published for Go, in target/go-modules: modules with a static archive for each platform, and the module of
# bindings/go, which takes them by its build constraints, so that `go get` and `go build` need Go and a C compiler only.
#
#     scripts/go-modules.sh [PLATFORM...]
#
# Without a platform it makes those of all Linux platforms. target/go-modules/proxy is laid out as a module proxy:
# GOPROXY=file://.../target/go-modules/proxy tries it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
need cargo 'https://rustup.rs' python3 'apt-get install python3 python3-venv'
[ $# -gt 0 ] || set -- $(tr ' ' '\n' <<<"$platforms" | grep '^linux-')
out=$target/go-modules
module=github.com/oss-upload/liboss_upload/bindings/go
version=v$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The most that an archive may have.
limit=$((8 * 1024 * 1024))
zig_tools "$target/wheel-tools"
rm -rf "$out"
mkdir -p "$out/modules"

# constraint PLATFORM: which programs take its archive. Go has no name for musl: programs for it are built with -tags musl.
constraint() {
    case $1 in
    linux-musl-*) echo "linux && ${1##*-} && musl" ;;
    linux-*) echo "linux && ${1##*-} && !musl" ;;
    esac
}

# One object with what the C API needs, and no other name to be seen: two libraries of Rust in one program do not meet. Names
# that only this object uses become short.
# archive FROM TO
archive() {
    local work
    work=$(mktemp -d)
    sed 's/ .*//' symbols.txt >"$work/names"
    # Words are to be split here.
    # shellcheck disable=SC2046
    "${binutils}ld" -r --gc-sections --force-group-allocation -T packaging/go/archive.ld $(sed 's/^/-u /' "$work/names") "$1" -o "$work/all.o"
    "${binutils}objcopy" --keep-global-symbols="$work/names" "$work/all.o" "$work/oss_upload.o"
    "${binutils}strip" --strip-unneeded "$work/oss_upload.o"
    names() { "${binutils}nm" $1 --format=just-symbols "$work/oss_upload.o" | sort -u; }
    comm -23 <(names --defined-only) <(names --undefined-only | sort -u - "$work/names") | awk '{ print $1, "local" NR }' >"$work/short"
    "${binutils}objcopy" --redefine-syms="$work/short" "$work/oss_upload.o"
    "${binutils}ar" crD "$2" "$work/oss_upload.o"
    rm -rf "$work"
    [ "$(stat -c %s "$2")" -le $limit ] || { echo "$2 has $(stat -c %s "$2") bytes, more than $limit" >&2; return 1; }
}

main=$out/modules/main
cp -a bindings/go "$main"
rm "$main/oss/link.go"
for name; do
    platform "$name"
    ! is_this_machine || binutils=
    say "Archive for $name"
    with_target "$rust_target"
    build_library --crate-type staticlib
    folder=$out/modules/$name
    mkdir "$folder"
    archive "$target/$rust_target/release/liboss_upload.a" "$folder/liboss_upload.a"
    cp bindings/go/LICENSE "$folder"
    printf 'module %s/lib/%s\n\ngo 1.21\n' $module "$name" >"$folder/go.mod"
    package=${name//-/_}
    cat >"$folder/archive.go" <<GO
// Package $package has liboss_upload for programs on $name. The package oss imports it.
package $package

// #cgo LDFLAGS: \${SRCDIR}/liboss_upload.a -lpthread -lm -ldl
import "C"
GO
    cat >"$main/oss/link_$package.go" <<GO
//go:build $(constraint "$name") && !oss_upload_pkgconfig

package oss

import _ "$module/lib/$name" // the library
GO
done

# Where there is no archive, the compiler says what to do.
cat >"$main/oss/link_elsewhere.go" <<GO
//go:build !oss_upload_pkgconfig$(for name; do printf ' && !(%s)' "$(constraint "$name")"; done)

package oss

// There is no archive of liboss_upload for this platform: install the library, and build with -tags oss_upload_pkgconfig.
var _ = there_is_no_archive_for_this_platform_build_with_tags_oss_upload_pkgconfig
GO
{
    echo
    for name; do echo "require $module/lib/$name $version"; done
} >>"$main/go.mod"

python3 scripts/go_proxy.py "$out/proxy" "$version" "$module=$main" $(for name; do echo "$module/lib/$name=$out/modules/$name"; done)
ls -l "$out"/modules/*/liboss_upload.a >&2
