#!/usr/bin/env bash
# Systems on which nothing here runs: the compiler checks the library's types there.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
zig_tools "$target/wheel-tools"
for system in x86_64-unknown-freebsd aarch64-apple-darwin; do
    say "Checking the types for $system"
    with_target "$system"
    cargo-zigbuild check --lib --target "$system"
done
