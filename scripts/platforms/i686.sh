#!/usr/bin/env bash
# Unit tests and scenarios on 32 bits, where a size of a file does not fit a size of memory. Nothing is published for i686.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
with_target i686-unknown-linux-gnu
export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER=i686-linux-gnu-gcc
# Every state of a disk after a power cut takes minutes there, and is what it is everywhere.
cargo test --target i686-unknown-linux-gnu --lib --test file_change --test complete -- --skip power_cut
cargo build --target i686-unknown-linux-gnu --lib
scenarios "$target/i686-unknown-linux-gnu/debug/liboss_upload.so" i686-linux-gnu-gcc
