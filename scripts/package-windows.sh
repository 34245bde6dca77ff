#!/usr/bin/env bash
# The zip for Windows on x86-64, in target/package: a DLL, import libraries for MinGW (.dll.a) and for MSVC (.lib), the static library
# for MinGW, the header, and the CMake package. It can be unpacked anywhere. scripts/package.sh windows-amd64 calls this.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
platform windows-amd64
need cargo 'https://rustup.rs' "${binutils}dlltool" 'apt-get install binutils-mingw-w64-x86-64' python3 'https://www.python.org'
with_target "$rust_target"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
out=$target/package
name=liboss_upload-$version-$processor-windows
rm -rf "$out"
prefix=$out/$name
mkdir -p "$prefix"/{bin,lib,include,share/cmake/oss_upload,share/doc/oss_upload/docs}

say 'Building'
build_library --locked --crate-type cdylib --crate-type staticlib
built=$target/$rust_target/release
cp "$built/oss_upload.dll" "$prefix/bin"
cp "$built/liboss_upload.dll.a" "$built/liboss_upload.a" "$prefix/lib"
# strip takes no member without sections.
empty=$("${binutils}ar" t "$prefix/lib/liboss_upload.a" | grep '\.dwo$' || true)
[ -z "$empty" ] || "${binutils}ar" d "$prefix/lib/liboss_upload.a" $empty
"${binutils}strip" --strip-debug "$prefix/lib/liboss_upload.a" "$prefix/bin/oss_upload.dll"

say 'Import libraries'
exported() { "${binutils}objdump" -p "$prefix/bin/oss_upload.dll" | sed -n '/^\[Ordinal\/Name Pointer\]/,/^$/s/.* \(oss_[a-z0-9_]*\)$/\1/p' | sort; }
diff <(exported) <(cut -d ' ' -f 1 symbols.txt | sort) || { echo 'The DLL does not export what symbols.txt names.' >&2; exit 1; }
{ printf 'LIBRARY oss_upload.dll\nEXPORTS\n'; cut -d ' ' -f 1 symbols.txt; } >"$out/oss_upload.def"
"${binutils}dlltool" -m i386:x86-64 -d "$out/oss_upload.def" -l "$prefix/lib/oss_upload.lib"
rm "$out/oss_upload.def"

say 'Zip'
cp include/* "$prefix/include"
cp packaging/cmake/* "$prefix/share/cmake/oss_upload"
cp README.md CHANGELOG.md LICENSE-* "$prefix/share/doc/oss_upload"
cp docs/*.md docs/*.svg "$prefix/share/doc/oss_upload/docs"
# The same commit gives the same file: sorted, and with the commit's time.
python3 - "$out/$name.zip" "$out" "$name" <<'PYTHON'
import os, sys, time, zipfile
from pathlib import Path
zip_path, base, name = sys.argv[1:]
when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
with zipfile.ZipFile(zip_path, "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(Path(base, name).rglob("*")):
        if path.is_file():
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(base)), when), path.read_bytes(), zipfile.ZIP_DEFLATED)
PYTHON
ls -l "$out" >&2
