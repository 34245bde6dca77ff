#!/usr/bin/env bash
# Installs what `make demo`, `make test`, `make bench-parts` or a platform of `make platforms` needs and this machine lacks.
#
#     scripts/setup.sh demo|test|bench-parts|PLATFORM
#
# PLATFORM is one of scripts/platforms.
# It installs packages of Debian or Ubuntu, as root or through sudo, after one line that says which and why. Rust comes from
# rustup when no package is new enough. SETUP=no installs nothing. Standard output gets the names of the tools that are still
# missing, standard error says how to get them. The exit status is 0 all the same: the caller knows what it can do without.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# tool, package, where to get it elsewhere
demo_tools='
cargo       -               https://rustup.rs
cc          gcc             a C compiler
'
test_tools="$demo_tools
c++         g++             a C++ compiler
clang++     clang           https://clang.llvm.org
nm          binutils        GNU binutils
git         git             https://git-scm.com
go          golang-go       https://go.dev/dl
python3     python3         https://www.python.org
venv        python3-venv    the modules venv and ensurepip of Python 3
valgrind    valgrind        https://valgrind.org
strace      strace          https://strace.io
pkg-config  pkg-config      https://www.freedesktop.org/wiki/Software/pkg-config
curl        curl            https://curl.se
cmake       cmake           https://cmake.org
doxygen     doxygen         https://www.doxygen.nl
abidiff     abigail-tools   https://sourceware.org/libabigail
lintian     lintian         a Debian system
dpkg-gensymbols dpkg-dev    a Debian system
openssl.pc  libssl-dev      the headers of OpenSSL
java        default-jre-headless https://adoptium.net
"
parts_tools="$demo_tools
python3     python3         https://www.python.org
valgrind    valgrind        https://valgrind.org
strace      strace          https://strace.io
"
# What every platform needs: local OSS, and Zig from the Python package index.
platform_tools="$demo_tools
python3     python3         https://www.python.org
venv        python3-venv    the modules venv and ensurepip of Python 3
"
arm64_tools="$platform_tools
aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu a GCC for arm64
aarch64-linux-gnu-g++ g++-aarch64-linux-gnu a GCC for arm64
qemu-aarch64-static qemu-user-static https://www.qemu.org
dpkg-gensymbols dpkg-dev    a Debian system
"
i686_tools="$platform_tools
i686-linux-gnu-gcc gcc-i686-linux-gnu a GCC for i686
/usr/i686-linux-gnu/lib/crt1.o libc6-dev-i386-cross the headers of the C library for i686
/lib/ld-linux.so.2 libc6-i386 the C library for i686
/usr/lib32/libgcc_s.so.1 lib32gcc-s1 the library of GCC for i686
"
musl_tools="$platform_tools
musl-gcc    musl-tools      https://musl.libc.org
"
go_tools="$platform_tools
go          golang-go       https://go.dev/dl
"
conan_tools="$platform_tools
cmake       cmake           https://cmake.org
"
windows_tools="$platform_tools
x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32 MinGW
x86_64-w64-mingw32-g++ g++-mingw-w64-x86-64-win32 MinGW
wine        wine            https://www.winehq.org
winepath    wine            https://www.winehq.org
go          golang-go       https://go.dev/dl
"

# field FILE NAME: a version that the project asks for.
asked_of() { sed -n "s/^$2[ =\"]*\([0-9.]*\).*/\1/p" "$1" | head -n 1; }
rust=$(asked_of Cargo.toml rust-version)
go=$(asked_of bindings/go/go.mod go)
python=3.9

# is_at_least WANTED VERSION
is_at_least() { [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

has() {
    case $1 in
    cargo) is_at_least "$rust" "$(cargo --version 2>/dev/null | sed 's/cargo \([0-9.]*\).*/\1/')" ;;
    go) is_at_least "$go" "$(go version 2>/dev/null | sed 's/.*go\([0-9][0-9.]*\).*/\1/')" ;;
    python3) is_at_least "$python" "$(python3 --version 2>/dev/null | sed 's/Python //')" ;;
    venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    openssl.pc) pkg-config --exists openssl 2>/dev/null ;;
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing_of() { while read -r tool package hint; do [ -z "$tool" ] || has "$tool" || echo "$tool $package $hint"; done; }

# root COMMAND...: as root, without a question that nobody may be there to answer.
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo --non-interactive "$@"; fi; }

may_install() {
    [ "${SETUP:-}" != no ] && command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo --non-interactive true 2>/dev/null; }
}

apt() { root env DEBIAN_FRONTEND=noninteractive apt-get -qy "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }; }

install_packages() {
    [ $# -gt 0 ] || return 0
    echo "setup: installing $* with apt-get, since make $purpose needs them (SETUP=no refuses that)" >&2
    apt update || true
    # One at a time where all together cannot be had: a package that a release lacks must not keep the others out.
    apt install --no-install-recommends "$@" || for package; do apt install --no-install-recommends "$package" || true; done
}

# Debian's own Rust when it is new enough, else rustup's.
install_rust() {
    local packaged
    packaged=$(apt-cache policy cargo | sed -n 's/ *Candidate: \([0-9.]*\).*/\1/p')
    if is_at_least "$rust" "$packaged"; then
        install_packages cargo
    else
        echo "setup: installing Rust with rustup for this user, since make $purpose needs Rust $rust (SETUP=no refuses that)" >&2
        install_packages curl ca-certificates
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --no-modify-path >&2 || true
    fi
}

case ${1:-} in
demo) tools=$demo_tools ;;
test) tools=$test_tools ;;
bench-parts) tools=$parts_tools ;;
linux-arm64) tools=$arm64_tools ;;
windows-amd64) tools=$windows_tools ;;
linux-musl-amd64) tools=$musl_tools ;;
linux-musl-arm64) tools="$musl_tools$arm64_tools" ;;
i686) tools=$i686_tools ;;
go) tools=$go_tools ;;
conan) tools=$conan_tools ;;
type-checks) tools=$platform_tools ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
case $1 in demo | test | bench-parts) purpose=$1 ;; *) purpose="platforms for $1" ;; esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin

missing=$(missing_of <<<"$tools")
if [ -n "$missing" ] && may_install; then
    # Headers of C come with a package of their own; ca-certificates is what git, pip and cargo trust.
    packages=$(awk '$2 != "-" { print $2 } $1 == "cc" { print "libc6-dev" } $1 == "git" { print "ca-certificates" }' <<<"$missing")
    # Words are to be split here.
    # shellcheck disable=SC2086
    install_packages $packages
    has cargo || install_rust
    missing=$(missing_of <<<"$tools")
fi
while read -r tool package hint; do
    [ -z "$tool" ] || echo "setup: $tool is missing: ${hint}$([ "$package" = - ] || echo " (on Debian: apt-get install $package)")" >&2
done <<<"$missing"
awk 'NF { print $1 }' <<<"$missing"
