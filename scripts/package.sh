#!/usr/bin/env bash
# Makes what is published for C and C++, in target/package: a tarball, which is a prefix that can be unpacked anywhere, and for
# glibc two Debian packages. All hold what `cargo cinstall` installs, which stays in target/package/installed.
#
#     scripts/package.sh [PLATFORM]
#
# Without a platform it is this machine's. Libraries for glibc need that of this machine, or of its cross compiler, or a later one.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
platform "${1:-}"
[[ $platform != windows-* ]] || exec scripts/package-windows.sh
! is_this_machine || binutils=
need cargo 'https://rustup.rs' dpkg-deb 'apt-get install dpkg' dpkg-gensymbols 'apt-get install dpkg-dev' \
    "${binutils}strip" 'apt-get install binutils' "${binutils}ld.bfd" 'apt-get install binutils'
cargo_c=$(scripts/cargo-c.sh)
with_target "$rust_target"
PATH=$cargo_c:$PATH
# For the tools of dpkg.
eval "$(dpkg-architecture -a "$debian" -f -s 2>/dev/null)"
out=$target/package
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Files of a package have the time of the commit, so that the same commit gives the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
rm -rf "$out"
mkdir -p "$out"

say 'Building'
multiarch=$DEB_HOST_MULTIARCH
installed=$out/installed
libc=gnu
if [[ $platform == linux-musl-* ]]; then
    libc=musl
    zig_linker "$target/wheel-tools"
    # Without its own copy of the C library: programs have one.
    export RUSTFLAGS=-Ctarget-feature=-crt-static
fi
# cargo-c brings a cargo of another version: in one folder, each would build again what the other has built.
cargo cinstall --release --locked --target "$rust_target" --target-dir "$target/cargo-c" --destdir "$installed" --prefix /usr --includedir /usr/include --datadir /usr/share \
    --libdir "/usr/lib/$multiarch"
libraries=$installed/usr/lib/$multiarch
"${binutils}strip" --strip-unneeded "$libraries/liboss_upload.so.$version"
"${binutils}strip" --strip-debug --enable-deterministic-archives "$libraries/liboss_upload.a"
chmod 644 "$libraries/liboss_upload.so.$version" "$libraries/liboss_upload.a"

# pages FOLDER: the documentation, laid out as here, so that its links lead somewhere.
pages() {
    mkdir -p "$1/docs"
    cp "$root/README.md" "$root/CHANGELOG.md" "$root"/LICENSE-* "$1"
    cp "$root"/docs/*.md "$root"/docs/*.svg "$1/docs"
}

say 'Tarball'
name=liboss_upload-$version-$processor-linux-$libc
prefix=$out/unpacked/$name
mkdir -p "$prefix/share/doc"
cp -a "$installed/usr/." "$prefix"
mv "$prefix/lib/$multiarch"/* "$prefix/lib"
rmdir "$prefix/lib/$multiarch"
sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|; s|^libdir=.*|libdir=${prefix}/lib|; s|^includedir=.*|includedir=${prefix}/include|;
    s|^exec_prefix=.*|exec_prefix=${prefix}|' "$prefix/lib/pkgconfig/oss_upload.pc"
# With musl, compilers bring the one library that unwinds, shared or not.
[ $libc = gnu ] || sed -i 's/ -lgcc_s//; s/INTERFACE_LINK_LIBRARIES gcc_s .*)/INTERFACE_LINK_LIBRARIES c)/' \
    "$prefix/lib/pkgconfig/oss_upload.pc" "$prefix/share/cmake/oss_upload/oss_upload-config.cmake"
pages "$prefix/share/doc/oss_upload"
tar --create --gzip --file "$out/$name.tar.gz" --directory "$out/unpacked" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" "$name"

if [ $libc = musl ]; then
    rm -rf "$out/unpacked"
    ls -l "$out" >&2
    exit
fi

say 'Debian packages'
build=$out/debian-build
library=liboss-upload${version%.*}
[ "${version%%.*}" = 0 ] || library=liboss-upload${version%%.*}
mkdir -p "$build/debian"
cp packaging/debian/* "$build/debian"
cp -a "$installed" "$build/debian/liboss-upload-dev"
cd "$build"
soname=$(readelf -dW "debian/liboss-upload-dev/usr/lib/$multiarch/liboss_upload.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
mkdir -p "debian/$library/usr/lib/$multiarch"
mv "debian/liboss-upload-dev/usr/lib/$multiarch"/liboss_upload.so.* "debian/$library/usr/lib/$multiarch"
{
    echo "$soname $library #MINVER#"
    echo '* Build-Depends-Package: liboss-upload-dev'
    echo " $soname@$soname 0.1.0"
    sed "s/ /@$soname /; s/^/ /" "$root/symbols.txt"
} >"debian/$library.symbols"
cross=()
if ! is_this_machine; then
    # The libraries of a cross compiler belong to packages of other names than those on the machine that this is for.
    cross=("-l/usr/$DEB_HOST_GNU_TYPE/lib")
    echo "libc 6 libc6 (>= $(dpkg-query -W -f '${Version}' "libc6-$debian-cross" | sed 's/-.*//'))" >debian/shlibs.local
    echo 'libgcc_s 1 libgcc-s1 (>= 4.2)' >>debian/shlibs.local
fi
dpkg-shlibdeps "${cross[@]}" -T"debian/$library.substvars" "debian/$library/usr/lib/$multiarch/$soname"
for package in "$library" liboss-upload-dev; do
    tree=debian/$package
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$package"
    cp debian/copyright "$tree/usr/share/doc/$package"
    gzip -9n <debian/changelog >"$tree/usr/share/doc/$package/changelog.Debian.gz"
    gzip -9n <"$root/CHANGELOG.md" >"$tree/usr/share/doc/$package/changelog.gz"
    if [ "$package" = "$library" ]; then
        # Fails when a symbol that was promised is missing, or when one is there that symbols.txt does not name.
        dpkg-gensymbols -p"$package" -P"$tree" -I"debian/$package.symbols" -c4
        echo "liboss_upload ${soname##*.so.} $library (>= $version)" >"$tree/DEBIAN/shlibs"
        echo 'activate-noawait ldconfig' >"$tree/DEBIAN/triggers"
    else
        pages "$tree/usr/share/doc/$package"
    fi
    touch "debian/$package.substvars"
    dpkg-gencontrol -p"$package" -P"$tree" -T"debian/$package.substvars"
    (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    find "$tree" -type d -exec chmod 755 {} +
    find "$tree" -type f -exec chmod 644 {} +
    dpkg-deb --root-owner-group --build "$tree" "$out"
done
cd "$root"
rm -rf "$build" "$out/unpacked"
ls -l "$out" >&2
