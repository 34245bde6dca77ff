#!/usr/bin/env bash
# cargo-c (`cargo cinstall`) of the version that is pinned here, built once and kept outside of the checkout; prints the folder
# that belongs into PATH. 0.10.24 is the newest that Rust 1.95 builds. Its own speed does not matter: a debug build is made.
set -euo pipefail
version=0.10.24
tools=${XDG_CACHE_HOME:-$HOME/.cache}/oss-upload-tools/cargo-c-$version
[ -x "$tools/bin/cargo-cinstall" ] ||
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$tools" --version "=$version" cargo-c >&2
echo "$tools/bin"
