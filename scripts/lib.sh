# Shared by the scripts here: where things are, and what must be installed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
# Where rustup puts cargo, which a shell that was open before does not know yet.
PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin

# Says what comes; in CI also when, so that its output tells what takes long.
say() { printf '\n\033[1m== %s%s\033[0m\n' "${CI:+$(date +%T) }" "$*" >&2; }

# need TOOL 'HOW TO GET IT' ...
need() {
    local missing=0
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null 2>&1 || { echo "missing: $1 ($2)" >&2; missing=1; }
        shift 2
    done
    [ $missing -eq 0 ] || { echo 'Install what is missing and run this again.' >&2; exit 1; }
}

# The shared library as it is published: Cargo optimises over all crates only where it makes no library for Rust beside it.
build_shared_library() { cargo rustc --quiet --release --lib --crate-type cdylib; }

# A virtual environment at $1; its activation is left to the caller.
venv() {
    [ -x "$1/bin/python" ] || python3 -m venv "$1" || {
        echo 'missing: the venv module of Python 3 (apt-get install python3-venv)' >&2; exit 1
    }
}

# start_local_oss [COMMAND...]: a folder that goes away with the script, and a local OSS that ends with it, with a bucket "demo"
# that anybody may read. COMMAND is another local OSS than this machine's.
# Sets work, endpoint and what clients take from the environment. Requests are logged to $work/requests.log.
start_local_oss() {
    [ $# -gt 0 ] || set -- "$target/release/oss-server"
    work=$(mktemp -d)
    server_pid=
    trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true; rm -rf "$work"' EXIT
    "$@" --bucket demo --log "$work/requests.log" --allow-anonymous >"$work/server.json" &
    server_pid=$!
    until [ -s "$work/server.json" ]; do kill -0 "$server_pid"; sleep 0.05; done
    endpoint=$(server_field endpoint)
    export OSS_REGION OSS_ACCESS_KEY_ID OSS_ACCESS_KEY_SECRET
    OSS_REGION=$(server_field region) OSS_ACCESS_KEY_ID=$(server_field access_key_id)
    OSS_ACCESS_KEY_SECRET=$(server_field access_key_secret)
}

server_field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$work/server.json"; }

# same_as_stored KEY FILE: reads the object back over HTTP, with nothing but this shell, and compares.
same_as_stored() {
    local host=${endpoint#http://} line
    exec 9<>"/dev/tcp/${host%:*}/${host##*:}"
    printf 'GET /demo/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" "$host" >&9
    read -r line <&9
    [[ $line == *' 200 '* ]] || { echo "the object cannot be read: $line" >&2; return 1; }
    # The body begins after an empty line.
    while read -r line <&9 && [ "$line" != $'\r' ]; do :; done
    cmp - "$2" <&9 || { echo "$endpoint/demo/$1 is NOT $2" >&2; return 1; }
    exec 9>&-
}
