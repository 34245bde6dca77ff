#!/usr/bin/env bash
# Makes what is published for Python, in target/wheels: a source distribution, and a wheel for every Linux since 2014.
#
#     scripts/wheels.sh [RUST-TARGET...]
#
# The library is linked against glibc 2.17 by Zig, whatever glibc this machine has: a wheel that is made without this
# script needs the glibc of the machine that made it, as its name tells. Without a target it is this machine's;
# others, such as aarch64-unknown-linux-gnu, must be there (rustup target add). The wheel of this machine is installed
# and uploads to the local OSS before this ends well.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' rustc 'https://rustup.rs' python3 'apt-get install python3 python3-venv'
here=$(rustc -vV | sed -n 's/^host: //p')
glibc=2.17
out=$target/wheels
tools=$target/wheel-tools

venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade \
    'auditwheel>=6.4,<7' 'cargo-zigbuild>=0.22,<0.25' 'hatchling>=1.26,<2' 'twine>=6.2,<8'
rm -rf "$out"
mkdir -p "$out"

say 'Source distribution'
(cd bindings/python && "$tools/bin/hatchling" build -t sdist -d "$out")

for rust_target in "${@:-$here}"; do
    say "Wheel for $rust_target"
    PATH=$tools/bin:$PATH cargo zigbuild --release --lib --target "$rust_target.$glibc"
    export OSS_UPLOAD_LIBRARY=$target/$rust_target/release/liboss_upload.so
    (cd bindings/python && "$tools/bin/hatchling" build -t wheel -d "$out")
done
unset OSS_UPLOAD_LIBRARY

say 'Checking them'
"$tools/bin/twine" check --strict "$out"/*
for wheel in "$out"/*.whl; do
    tag=${wheel##*-}
    tag=${tag%.whl}
    PYTHONWARNINGS=ignore "$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "consistent with *the following platform tag: \"$tag\"" || {
        echo "auditwheel finds that $wheel does not keep what its name promises" >&2
        exit 1
    }
done

say "Installing this machine's, and uploading with it"
cargo build --release -p oss-server
work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$out"/*"${here%%-*}".whl
"$target/release/oss-server" --bucket demo >"$work/server.json" &
server=$!
until [ -s "$work/server.json" ]; do kill -0 "$server"; sleep 0.05; done
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/server.json" "$1"; }
head -c 20M /dev/urandom >"$work/big.bin"
env -i OSS_ENDPOINT="$(field endpoint)" OSS_REGION="$(field region)" OSS_ACCESS_KEY_ID="$(field access_key_id)" \
    OSS_ACCESS_KEY_SECRET="$(field access_key_secret)" "$work/venv/bin/oss-upload" --resume "$work/big.bin" oss://demo
ls -l "$out" >&2
