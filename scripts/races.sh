#!/usr/bin/env bash
# Looks for data races with the thread sanitizer: the library and Rust's standard library are built with it, and the C programs
# of tests/c that use handles from several threads run with them.
#
#     scripts/races.sh [TEST...]
#
# Needs the sources of the standard library: `rustup component add rust-src`, or Debian's package rust-src of the same version.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/toolchain.sh"
need cargo 'https://rustup.rs' "${CC:-cc}" 'apt-get install gcc'
[ $# -gt 0 ] || set -- handles uploads_and_callbacks memory streams batches shared_uploads events checkpoints credentials

races=$target/races
with_sources

say 'Building the library with the thread sanitizer'
# Unstable options, which the stable compiler takes too.
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread cargo build --quiet -Zbuild-std=std,panic_unwind --target "$host" --lib \
    --target-dir "$races/target"

say 'Running the programs'
export OSS_TEST_RACES=1 OSS_UPLOAD_LIBRARY=$races/target/$host/debug/liboss_upload.so
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}
cargo test --test c_api -- --nocapture "$@"
