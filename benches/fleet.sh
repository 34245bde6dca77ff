#!/usr/bin/env bash
# What oss_upload.fleet takes beside the engine itself, on Dask, Ray and the standard library.
#
#     benches/fleet.sh [ROUNDS]
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
need cargo 'https://rustup.rs' "${CC:-cc}" 'apt-get install gcc' python3 'apt-get install python3'

say 'Building the library, the local OSS and what makes files'
build_shared_library
cargo build --quiet --release -p oss-server
mkdir -p "$target/bench"
${CC:-cc} -std=c99 -O2 "$root/benches/tree.c" -o "$target/bench/tree"

say 'Getting the engines'
venv "$target/engines"
OSS_UPLOAD_LIBRARY=$target/release/liboss_upload.so "$target/engines/bin/python" -m pip install --quiet --upgrade \
    "$root/bindings/python" -r "$root/tests/fleet/requirements.txt"

export PYTHONDONTWRITEBYTECODE=1
exec "$target/engines/bin/python" "$root/benches/fleet_cost.py" "$@"
