# Sourced after lib.sh by the scripts that make packages: what is different for a platform.

platforms='linux-amd64 linux-arm64 linux-musl-amd64 linux-musl-arm64 windows-amd64'

# platform [NAME]: sets
#   platform        the name, that of this machine without one
#   rust_target     what rustc calls it
#   debian          what Debian calls the processor
#   processor       what uname -m and the tags of wheels call it
#   binutils        what the names of its binutils and C compiler begin with, and the packages of Debian that have them
#   emulator        what runs its programs here, with a folder of its libraries behind it; nothing for this machine's own
# and where Cargo finds a linker.
platform() {
    platform=${1:-linux-$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')}
    emulator=
    case $platform in
    linux-amd64) rust_target=x86_64-unknown-linux-gnu ;;
    linux-arm64) rust_target=aarch64-unknown-linux-gnu ;;
    linux-musl-amd64) rust_target=x86_64-unknown-linux-musl ;;
    linux-musl-arm64) rust_target=aarch64-unknown-linux-musl ;;
    windows-amd64) rust_target=x86_64-pc-windows-gnu ;;
    *) echo "there is no platform $platform; there are: $platforms" >&2; exit 2 ;;
    esac
    case $platform in
    windows-amd64) debian=amd64 processor=x86_64 binutils=x86_64-w64-mingw32- ;;
    *-amd64) debian=amd64 processor=x86_64 binutils=x86_64-linux-gnu- ;;
    *-arm64) debian=arm64 processor=aarch64 binutils=aarch64-linux-gnu- ;;
    esac
    [[ $platform == *-arm64 && $(uname -m) != aarch64 ]] && emulator='qemu-aarch64-static -L'
    [[ $platform == *-amd64 && $(uname -m) != x86_64 ]] && emulator='qemu-x86_64-static -L'
    # Where Zig is the linker, it says so itself.
    local linker=${rust_target//-/_}
    is_this_machine || export "CARGO_TARGET_${linker^^}_LINKER=${binutils}gcc"
}

is_this_machine() { [[ -z $emulator && $platform != windows-* ]]; }

# zig_tools FOLDER: cargo-zigbuild and Zig, from the Python package index, in PATH.
zig_tools() {
    venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check 'cargo-zigbuild>=0.22,<0.25'
    PATH=$1/bin:$PATH
}

# zig_linker FOLDER: Zig links for this platform, and compiles its C, for commands of Cargo that cargo-zigbuild does not know.
# Without its detector of undefined behaviour, which needs a newer musl than systems have.
zig_linker() {
    local linker=${rust_target//-/_} program=$1/$rust_target-cc
    zig_tools "$1"
    printf '#!/bin/sh\nexec cargo-zigbuild zig cc -- -target %s -fno-sanitize=undefined "$@"\n' "$processor-linux-musl" >"$program"
    chmod +x "$program"
    export "CARGO_TARGET_${linker^^}_LINKER=$program" "CC_$linker=$program"
}

# build_library [OPTION...]: the library for a platform, in $target/$rust_target/release: for Linux by Zig, which links it against
# an old C library whatever this machine has. glibc's is that of manylinux_2_17. With --crate-type, without a library for Rust beside
# it, Cargo optimises over all crates.
build_library() {
    # Zig would leave the linking to what is named there.
    local linker=${rust_target//-/_}
    local zig=(env -u "CARGO_TARGET_${linker^^}_LINKER")
    case $platform in
    linux-musl-*) "${zig[@]}" RUSTFLAGS=-Ctarget-feature=-crt-static cargo-zigbuild rustc --release --lib "$@" --target "$rust_target" ;;
    linux-*) "${zig[@]}" cargo-zigbuild rustc --release --lib "$@" --target "$rust_target.2.17" ;;
    *) cargo rustc --release --lib "$@" --target "$rust_target" ;;
    esac
}

shared_library() {
    case $platform in
    windows-*) echo "$target/$rust_target/release/oss_upload.dll" ;;
    *) echo "$target/$rust_target/release/liboss_upload.so" ;;
    esac
}

# debian_root FOLDER PACKAGE...: the files of Debian's packages for the platform's processor, and of all that they need, are
# unpacked there. Nothing of it is installed.
debian_root() {
    local root=$1 state=$1.apt package
    shift
    rm -rf "$root" "$state"
    mkdir -p "$root" "$state/lists/partial" "$state/archives/partial"
    : >"$state/status"
    local options=(-qq -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state" -o APT::Sandbox::User=root
        -o "APT::Architecture=$debian" -o "APT::Architectures=$debian" -o APT::Install-Recommends=false)
    apt-get "${options[@]}" update
    apt-get "${options[@]}" --yes --download-only install "$@" >"$state/log" 2>&1 || { tail -n 20 "$state/log" >&2; return 1; }
    for package in "$state"/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
    rm -rf "$state"
}

# kill_and_resume KEY UPLOAD: a program uploads a file of 48 parts to the local OSS (start_local_oss), is killed half way, goes on,
# and sends no part twice that the server had. UPLOAD KEY FILE is a function that becomes the program by exec. It must send parts
# of 1 MiB at 12 MiB/s.
kill_and_resume() {
    local file=$work/$1.bin before
    head -c 48M /dev/urandom >"$file"
    : >"$work/requests.log"
    ("$2" "$1" "$file") &
    local pid=$!
    until [ "$(stored_parts)" -ge 24 ]; do kill -0 "$pid"; sleep 0.05; done
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    before=$(stored_parts)
    [ "$before" -lt 48 ] || { echo "$1 was not killed in time" >&2; return 1; }
    ("$2" "$1" "$file")
    # What was on its way at the kill may have reached the server, which nobody could tell the program.
    [ "$(stored_parts)" -le 52 ] || { echo "$1: after $before parts, $(($(stored_parts) - before)) further ones were sent" >&2; return 1; }
    same_as_stored "$1" "$file"
    echo "$1: killed after $before of 48 parts, resumed; $(($(stored_parts) - 48)) sent twice" >&2
    rm "$file"
}

# scenarios LIBRARY COMPILER [RUNNER...]: the table of scenarios, as a C program of the platform carries it out.
scenarios() {
    say 'The table of scenarios, in C'
    # The other threads of qemu are counted, too.
    OSS_UPLOAD_LIBRARY=$1 OSS_TEST_CC="$2${emulator:+ -DTHREADS_WHEN_ALONE=2}" OSS_TEST_RUNNER="${*:3}" \
        cargo test --test scenarios c_elsewhere -- --exact --ignored
}

stored_parts() { grep -c '"operation":"UploadPart".*"stored":true' "$work/requests.log" || true; }
