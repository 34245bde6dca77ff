#!/usr/bin/env bash
# Makes what is published for Python, in target/wheels: a source distribution, and a wheel for each platform.
#
#     scripts/wheels.sh [PLATFORM...|all]
#
# Without a platform it is this machine's. Wheels for Linux are linked by Zig against glibc 2.17, for every Linux since 2014,
# or against musl 1.2, whatever this machine has: a wheel that is made without this script needs the C library of the machine
# that made it, as its name tells. The wheel of this machine is installed and uploads to the local OSS before this ends well;
# scripts/platforms.sh does that for others.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
need cargo 'https://rustup.rs' rustc 'https://rustup.rs' python3 'apt-get install python3 python3-venv'
[ "${1:-}" != all ] || set -- $platforms
out=$target/wheels
tools=$target/wheel-tools

zig_tools "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'auditwheel>=6.4,<7' 'hatchling>=1.26,<2' 'twine>=6.2,<8'
rm -rf "$out"
mkdir -p "$out"

say 'Source distribution'
(cd bindings/python && "$tools/bin/hatchling" build -t sdist -d "$out")

for name in "${@:-}"; do
    platform "$name"
    say "Wheel for $platform"
    with_target "$rust_target"
    build_library --crate-type cdylib
    (cd bindings/python && OSS_UPLOAD_LIBRARY=$(shared_library) "$tools/bin/hatchling" build -t wheel -d "$out")
done

say 'Checking them'
"$tools/bin/twine" check --strict "$out"/*
# needed WHEEL: the libraries that its own needs.
needed() {
    "$tools/bin/python" - "$1" <<'PYTHON'
import io, sys, zipfile
from elftools.elf.elffile import ELFFile

wheel = zipfile.ZipFile(sys.argv[1])
library = ELFFile(io.BytesIO(wheel.read("oss_upload/liboss_upload.so")))
print(*(tag.needed for tag in library.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")))
PYTHON
}
for wheel in "$out"/*linux*.whl; do
    tag=${wheel##*-}
    tag=${tag%.whl}
    case $tag in
    # auditwheel knows musl by the name that Alpine gives it, musl's own loader by this one on every system.
    musllinux_1_2_*) [ "$(needed "$wheel")" = libc.so ] ;;
    manylinux_2_17_*) PYTHONWARNINGS=ignore "$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "consistent with *the following platform tag: \"$tag\"" ;;
    # Made for the C library of some machine.
    *) false ;;
    esac || {
        echo "$wheel does not keep what its name promises" >&2
        exit 1
    }
done

platform
wheel=$(ls "$out"/*-manylinux_*_"$processor".whl 2>/dev/null) || { ls -l "$out" >&2; exit; }
say "Installing this machine's, and uploading with it"
cargo build --release -p oss-server
work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
"$target/release/oss-server" --bucket demo >"$work/server.json" &
server=$!
until [ -s "$work/server.json" ]; do kill -0 "$server"; sleep 0.05; done
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/server.json" "$1"; }
head -c 20M /dev/urandom >"$work/big.bin"
env -i OSS_ENDPOINT="$(field endpoint)" OSS_REGION="$(field region)" OSS_ACCESS_KEY_ID="$(field access_key_id)" \
    OSS_ACCESS_KEY_SECRET="$(field access_key_secret)" "$work/venv/bin/oss-upload" --resume "$work/big.bin" oss://demo
ls -l "$out" >&2
