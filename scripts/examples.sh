#!/usr/bin/env bash
# The C and C++ examples, as a reader would build and run them, against a local OSS: what they store, what they print, and
# that Ctrl-C pauses them and the same command again goes on.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' cc 'apt-get install gcc' c++ 'apt-get install g++' python3 'apt-get install python3'

cargo build --quiet --release --lib
cargo build --quiet --release -p oss-server
start_local_oss
fail() { echo "examples: $*" >&2; exit 1; }
parts_of() { grep -c "\"operation\":\"UploadPart\".*\"key\":\"$1\".*\"stored\":true" "$work/requests.log" || true; }

# build COMPILER STANDARD SOURCE NAME: without a warning.
build() {
    "$1" "-std=$2" -Wall -Wextra -Wpedantic -Wshadow -Werror -Iinclude "examples/$3" -o "$work/$4" \
        -L"$target/release" -loss_upload -Wl,-rpath,"$target/release"
}

# prints WORDS FILE: the program has printed a line with these words.
prints() { grep -q -- "$1" "$2" || fail "\"$1\" is not in what it printed: $(tr '\r' '\n' <"$2" | tail -n 5)"; }

# pauses 'KEY ...' COMMAND...: the command, slowed down, gets Ctrl-C when the server has some parts of each KEY. It pauses.
pauses() {
    local keys=$1 key status=0 pid
    shift
    # In the background a script's commands ignore Ctrl-C, which a terminal's do not.
    MAX_BYTES_PER_SECOND=1048576 env --default-signal=INT "$@" >"$work/paused.txt" 2>&1 &
    pid=$!
    for key in $keys; do
        until [ "$(parts_of "$key")" -ge 3 ]; do
            kill -0 "$pid" || fail "it has ended: $(cat "$work/paused.txt")"
            sleep 0.05
        done
    done
    kill -INT "$pid"
    wait "$pid" || status=$?
    [ $status -eq 130 ] || fail "Ctrl-C ends $1 with $status: $(cat "$work/paused.txt")"
    prints 'Run the same command again to resume' "$work/paused.txt"
}

# Forty parts of the smallest size: at 1 MiB/s they take four seconds.
export PART_SIZE=102400 ROUTINES=2
for name in a b c; do head -c 4096000 /dev/urandom >"$work/$name.bin"; done

build cc c99 upload.c upload-c
build c++ c++17 upload.cpp upload-c++
for language in c c++; do
    say "examples/upload.${language/c++/cpp}: Ctrl-C, and the same command again"
    file=$work/$language.bin key=from-$language.bin
    [ -e "$file" ] || cp "$work/a.bin" "$file"
    pauses "$key" "$work/upload-$language" "$endpoint" demo "$key" "$file"
    [ -s "$file.cp" ] || fail 'a paused upload has no checkpoint'
    "$work/upload-$language" "$endpoint" demo "$key" "$file" >"$work/out.txt" 2>"$work/err.txt"
    prints 'stored 4096000 bytes' "$work/out.txt"
    prints '[1-9][0-9]*\( of 40 parts\)\? resumed' "$work/out.txt"
    prints '100.0 %' "$work/err.txt"
    same_as_stored "$key" "$file"
    [ ! -e "$file.cp" ] || fail 'the checkpoint is still there'

    status=0
    "$work/upload-$language" "$endpoint" no-such-bucket "$key" "$file" >"$work/out.txt" 2>&1 || status=$?
    [ $status -eq 1 ] || fail "a bucket that is not there ends it with $status"
    prints 'NoSuchBucket' "$work/out.txt"
    rm -f "$file.cp"
done

say 'examples/event_loop.c: three files, Ctrl-C, and the same command again'
build cc c99 event_loop.c event_loop
files=("$work/a.bin" "$work/b.bin" "$work/c.bin")
pauses "a.bin b.bin c.bin" "$work/event_loop" "$endpoint" demo "${files[@]}"
for file in "${files[@]}"; do prints "$file: paused" "$work/paused.txt"; done
"$work/event_loop" "$endpoint" demo "${files[@]}" "$work/missing.bin" >"$work/out.txt" 2>"$work/err.txt" &&
    fail 'a missing file is no failure'
prints "missing.bin" "$work/err.txt"
for name in a b c; do
    prints "$work/$name.bin: stored, [1-9][0-9]* of 40 parts resumed" "$work/out.txt"
    prints "$name.bin: part 40 is there" "$work/out.txt"
    same_as_stored "$name.bin" "$work/$name.bin"
done
say 'examples/upload_stream.c: a command, one that fails, Ctrl-C, and the same command again'
build cc c99 upload_stream.c upload_stream
stream=("$work/upload_stream" "$endpoint" demo)
"${stream[@]}" whole.bin "cat $work/a.bin" >"$work/out.txt"
prints 'stored 4096000 bytes' "$work/out.txt"
same_as_stored whole.bin "$work/a.bin"
status=0
"${stream[@]}" half.bin "cat $work/a.bin; exit 3" >"$work/out.txt" 2>&1 || status=$?
[ $status -eq 1 ] || fail "a command that fails ends it with $status"
prints 'the command failed: no object is stored' "$work/out.txt"
! same_as_stored half.bin "$work/a.bin" 2>/dev/null || fail 'half a dump became an object'
export CHECKPOINT=$work/stream.cp
pauses again.bin "${stream[@]}" again.bin "cat $work/a.bin"
[ -s "$CHECKPOINT" ] || fail 'an interrupted stream has no checkpoint'
"${stream[@]}" again.bin "cat $work/a.bin" >"$work/out.txt"
prints 'parts: [1-9][0-9]* resumed' "$work/out.txt"
same_as_stored again.bin "$work/a.bin"
[ ! -e "$CHECKPOINT" ] || fail 'the checkpoint of the stream is still there'

say 'examples/upload_directory.c: a folder, Ctrl-C, the same command again, and a change'
build cc c99 upload_directory.c upload_directory
mkdir -p "$work/tree/sub"
cp "$work/a.bin" "$work/tree/sub/large.bin"
for name in one two; do echo "$name" >"$work/tree/$name.txt"; done
touch "$work/tree/core.tmp"
export EXCLUDE='*.tmp'
folder=("$work/upload_directory" "$endpoint" demo tree/ "$work/tree" "$work/manifest")
pauses tree/sub/large.bin "${folder[@]}"
"${folder[@]}" >"$work/out.txt" 2>"$work/err.txt"
prints 'sub/large.bin: stored as tree/sub/large.bin' "$work/out.txt"
prints 'core.tmp: left out (exclude: \*.tmp)' "$work/out.txt"
prints '1 left out, 0 failed' "$work/out.txt"
[ "$(parts_of tree/sub/large.bin)" -eq 40 ] || fail 'parts of the large file were sent again'
for name in one.txt two.txt sub/large.bin; do same_as_stored "tree/$name" "$work/tree/$name"; done
echo 'something else' >"$work/tree/two.txt"
ln -s nowhere "$work/tree/broken"
status=0
"${folder[@]}" >"$work/out.txt" 2>"$work/err.txt" || status=$?
[ $status -eq 1 ] || fail "a file that fails ends it with $status"
prints 'broken: .*No such file' "$work/err.txt"
prints 'OSS_FILES_FAILED: 1 of 4 files failed' "$work/err.txt"
prints '1 stored (15 bytes sent), 2 unchanged, 1 left out, 1 failed' "$work/out.txt"
same_as_stored tree/two.txt "$work/tree/two.txt"
say 'The examples do what they say'
