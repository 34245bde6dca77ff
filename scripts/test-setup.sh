#!/usr/bin/env bash
# The set-up on a fresh machine: in a minimal Debian without any of the tools, `make demo` runs, and what `make test` needs is
# installed. Needs root, debootstrap (which it installs) and Debian's packages; what is committed is tried.
#
#     scripts/test-setup.sh [COMMAND...]     runs COMMAND there instead, such as: scripts/test-setup.sh make test
#
# The toolchain of Rust is this machine's: Debian's may be older than the project asks for.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || { echo 'test-setup: only root can make a minimal Debian' >&2; exit 1; }
# What is mounted below is seen by this script alone, and goes with it.
[ -n "${OWN_MOUNTS:-}" ] || OWN_MOUNTS=yes exec unshare --mount --propagation private "$root/scripts/test-setup.sh" "$@"
command -v debootstrap >/dev/null || apt-get install -qqy debootstrap >/dev/null
release=trixie
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
minimal=$(mktemp -d)
trap 'umount -R "$minimal/proc" "$minimal/opt/rustup" 2>/dev/null; rm -rf --one-file-system "$minimal"' EXIT

say "A minimal Debian ($release) in $minimal"
debootstrap --variant=minbase --include=make,ca-certificates "$release" "$minimal" "$mirror" >"$minimal/log" || {
    cat "$minimal/log" >&2
    exit 1
}
# What this machine trusts and asks, that one does too.
cp /etc/ssl/certs/ca-certificates.crt "$minimal/etc/ssl/certs/ca-certificates.crt"
cp /etc/resolv.conf "$minimal/etc/resolv.conf"
mount --bind /proc "$minimal/proc"

mkdir -p "$minimal/opt/rustup" "$minimal/opt/cargo/bin" "$minimal/src"
mount --bind -o ro "$(rustc --print sysroot)" "$minimal/opt/rustup"
for tool in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
    ln -s "/opt/rustup/bin/$tool" "$minimal/opt/cargo/bin/$tool"
done
git archive HEAD | tar x -C "$minimal/src"

# there COMMAND...: with nothing of this machine's environment but what package clients are told.
there() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_HOME=/opt/cargo LANG=C.UTF-8 \
        CI="${CI:-}" GOFLAGS="${GOFLAGS:-}" GOPROXY="${GOPROXY:-https://proxy.golang.org,direct}" \
        chroot "$minimal" sh -c 'cd /src && exec "$@"' - "$@"
}

if [ $# -gt 0 ]; then
    there git init --quiet 2>/dev/null || true
    there "$@"
    exit
fi

for tool in cc c++ python3 go git valgrind cmake; do
    ! there command -v "$tool" >/dev/null || { echo "test-setup: $tool is there already, so nothing would be tried" >&2; exit 1; }
done

say 'make demo, there'
there make demo

say 'What make test needs, there'
missing=$(there scripts/setup.sh test)
[ -z "$missing" ] || { echo "test-setup: still missing: $missing" >&2; exit 1; }

say 'SETUP=no, without the tools'
there apt-get -qqy remove --purge --auto-remove valgrind >/dev/null
missing=$(there env SETUP=no scripts/setup.sh test 2>"$minimal/log")
[ "$missing" = valgrind ] && grep -q 'apt-get install valgrind' "$minimal/log" || {
    echo "test-setup: \"$missing\" should be valgrind alone" >&2
    exit 1
}
say 'The set-up works in a minimal Debian: 3 passed, 0 failed'
