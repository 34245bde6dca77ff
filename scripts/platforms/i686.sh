#!/usr/bin/env bash
# The unit tests on 32 bits, where a size of a file does not fit a size of memory. Nothing is published for i686.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
with_target i686-unknown-linux-gnu
export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER=i686-linux-gnu-gcc
cargo test --target i686-unknown-linux-gnu --lib --test file_change --test complete
