# Shared by the scripts here: where things are, and what must be installed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }

# need TOOL 'HOW TO GET IT' ...
need() {
    local missing=0
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null 2>&1 || { echo "missing: $1 ($2)" >&2; missing=1; }
        shift 2
    done
    [ $missing -eq 0 ] || { echo 'Install what is missing and run this again.' >&2; exit 1; }
}

# A virtual environment at $1; its activation is left to the caller.
venv() {
    [ -x "$1/bin/python" ] || python3 -m venv "$1" || {
        echo 'missing: the venv module of Python 3 (apt-get install python3-venv)' >&2; exit 1
    }
}
