#!/usr/bin/env bash
# The main job, for real: a C program uploads a large file to a local OSS with a progress bar, is killed half way, and
# goes on where it was. Then the object is read back and compared.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' cc 'apt-get install gcc' python3 'apt-get install python3'

say 'Building the library and the local OSS (the first time takes some minutes)'
cargo build --release --lib
cargo build --release -p oss-server

work=$(mktemp -d)
server_pid=
cleanup() { [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

say 'Compiling examples/upload.c with cc'
cc -std=c99 -Wall -Wextra -Iinclude examples/upload.c -L"$target/release" -loss_upload \
    -Wl,-rpath,"$target/release" -o "$work/upload"

say 'Starting the local OSS'
"$target/release/oss-server" --bucket demo --log "$work/requests.log" --allow-anonymous >"$work/server.json" &
server_pid=$!
until [ -s "$work/server.json" ]; do kill -0 "$server_pid"; sleep 0.05; done
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/server.json" "$1"; }
endpoint=$(field endpoint)
export OSS_REGION OSS_ACCESS_KEY_ID OSS_ACCESS_KEY_SECRET
OSS_REGION=$(field region) OSS_ACCESS_KEY_ID=$(field access_key_id) OSS_ACCESS_KEY_SECRET=$(field access_key_secret)
echo "$endpoint" >&2

say 'Making a file of 512 MiB'
head -c 512M /dev/urandom >"$work/big.bin"

say 'Uploading it at 128 MiB/s, in parts of 1 MiB, four at a time; killed (SIGKILL) half way'
export PART_SIZE=1048576 ROUTINES=4 MAX_BYTES_PER_SECOND=134217728
"$work/upload" "$endpoint" demo videos/big.bin "$work/big.bin" &
upload_pid=$!
acknowledged() { grep -c '"operation":"UploadPart".*"stored":true' "$work/requests.log" || true; }
until [ "$(acknowledged)" -ge 256 ]; do kill -0 "$upload_pid"; sleep 0.05; done
kill -KILL "$upload_pid"
wait "$upload_pid" 2>/dev/null || true
before=$(acknowledged)
printf '\nkilled; the server has %s of 512 parts, the checkpoint %s records\n' \
    "$before" "$(grep -c '"type":"part"' "$work/big.bin.cp")" >&2

say 'Starting it again: it goes on where it was'
"$work/upload" "$endpoint" demo videos/big.bin "$work/big.bin"
again=$(($(acknowledged) - 512))
echo "parts sent twice: $again" >&2

say 'Reading the object back and comparing'
python3 - "$endpoint/demo/videos/big.bin" "$work/big.bin" <<'PYTHON'
import sys, urllib.request
url, path = sys.argv[1:]
with urllib.request.urlopen(url) as remote, open(path, "rb") as local:
    while True:
        a, b = remote.read(1 << 20), local.read(1 << 20)
        if a != b:
            sys.exit("the object is NOT the file")
        if not a:
            break
print("the object is the file, byte for byte")
PYTHON
[ ! -e "$work/big.bin.cp" ] && echo 'the checkpoint is gone' >&2
