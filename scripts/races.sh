#!/usr/bin/env bash
# Looks for data races with the thread sanitizer: the library and Rust's standard library are built with it, and the C programs
# of tests/c that use handles from several threads run with them.
#
#     scripts/races.sh [TEST...]
#
# Needs the sources of the standard library: `rustup component add rust-src`, or Debian's package rust-src of the same version.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' "${CC:-cc}" 'apt-get install gcc'
[ $# -gt 0 ] || set -- handles uploads_and_callbacks memory streams batches shared_uploads events checkpoints credentials

host=$(rustc -vV | sed -n 's/^host: //p')
sysroot=$(rustc --print sysroot)
sources=lib/rustlib/src/rust/library
races=$target/races

# Sources of this very version from Debian, beside hard links to the toolchain.
sources_from_debian() {
    local version folder=$races/rust-src
    version=$(rustc -vV | sed -n 's/^release: //p')
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie-backports main' >"$folder/sources.list"
    local options=(-qq -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$folder/lists"
        -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$folder" && apt-get "${options[@]}" download "rust-src=$version*")
    dpkg-deb -x "$folder"/rust-src_*.deb "$folder/files"
    rm -rf "$races/toolchain"
    cp -al "$sysroot" "$races/toolchain"
    mkdir -p "$(dirname "$races/toolchain/$sources")"
    cp -a "$folder/files/usr/src/rustc-$version/library" "$races/toolchain/$sources"
}

if [ ! -d "$sysroot/$sources" ] && ! rustup component add rust-src 2>/dev/null; then
    if [ ! -d "$races/toolchain/$sources" ]; then
        say 'Getting the sources of the standard library'
        sources_from_debian
    fi
    PATH=$races/toolchain/bin:$PATH
fi

say 'Building the library with the thread sanitizer'
# Unstable options, which the stable compiler takes too.
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread cargo build --quiet -Zbuild-std=std,panic_unwind --target "$host" --lib \
    --target-dir "$races/target"

say 'Running the programs'
export OSS_TEST_RACES=1 OSS_UPLOAD_LIBRARY=$races/target/$host/debug/liboss_upload.so
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}
cargo test --test c_api -- --nocapture "$@"
