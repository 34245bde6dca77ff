#!/usr/bin/env bash
# The main job, for real: a C program uploads a large file to a local OSS with a progress bar, is killed half way, and
# goes on where it was. Then the object is read back and compared.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
missing=$(scripts/setup.sh demo)
[ -z "$missing" ] || { echo 'Install what is missing and run this again.' >&2; exit 1; }

say 'Building the library and the local OSS (the first time takes some minutes)'
cargo build --release --lib
cargo build --release -p oss-server

say 'Starting the local OSS'
start_local_oss
echo "$endpoint" >&2

say 'Compiling examples/upload.c with cc'
cc -std=c99 -Wall -Wextra -Iinclude examples/upload.c -L"$target/release" -loss_upload \
    -Wl,-rpath,"$target/release" -o "$work/upload"

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
same_as_stored videos/big.bin "$work/big.bin"
echo 'the object is the file, byte for byte'
[ ! -e "$work/big.bin.cp" ] && echo 'the checkpoint is gone' >&2
