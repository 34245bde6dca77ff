#!/usr/bin/env bash
# Every test there is: Rust, C and C++ under valgrind, examples, Python, Go, and the vendor's SDKs as witnesses.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' cc 'apt-get install gcc' c++ 'apt-get install g++' nm 'apt-get install binutils' \
    valgrind 'apt-get install valgrind' abidiff 'apt-get install abigail-tools' pkg-config 'apt-get install pkg-config' \
    doxygen 'apt-get install doxygen' python3 'apt-get install python3 python3-venv' go 'https://go.dev/dl'
export RUST_BACKTRACE=1

say 'Building the library and the local OSS'
cargo build --release --lib
cargo build --release -p oss-server
export OSS_SERVER=$target/release/oss-server OSS_UPLOAD_LIBRARY=$target/release/liboss_upload.so

say 'Rust and C: unit tests, uploads, faults, resume, kills, C under valgrind; the table of scenarios in every language'
cargo test --workspace

say 'Examples in C and C++'
scripts/examples.sh

say 'The binary interface, against that of the last release'
scripts/abi.sh
tests/abi_diff.sh

say 'Python'
venv "$target/venv"
"$target/venv/bin/python" -m pip install --quiet --upgrade "./bindings/python[dev]"
(
    cd bindings/python
    "$target/venv/bin/ruff" check --config pyproject.toml . ../../examples
    "$target/venv/bin/ruff" format --check --config pyproject.toml . ../../examples
    "$target/venv/bin/mypy"
    "$target/venv/bin/vermin" --quiet --no-tips --violations --target=3.9- oss_upload hatch_build.py ../../examples
    "$target/venv/bin/python" -m pytest -q
)
# Debian has one Python only; where the oldest that is supported is there too, it runs the same tests.
oldest=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.9.*/bin/python 2>/dev/null | tail -n 1) || oldest=python3.9
if "$oldest" -c 'import ctypes, venv' 2>/dev/null; then
    say 'Python 3.9'
    [ -x "$target/venv3.9/bin/python" ] || "$oldest" -m venv "$target/venv3.9"
    "$target/venv3.9/bin/python" -m pip install --quiet --upgrade "./bindings/python[dev]"
    (cd bindings/python && "$target/venv3.9/bin/python" -m pytest -q)
fi

say 'Go'
for module in bindings/go examples/go-service tests/witness/go; do (
    cd "$module"
    unformatted=$(gofmt -l .)
    [ -z "$unformatted" ] || { echo "gofmt would change in $module: $unformatted" >&2; exit 1; }
    go vet ./...
    go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
) done
(
    cd bindings/go
    # The race detector's own memory grows: that nothing leaks is measured without it.
    go test -count=1 -run 'TenThousand' ./...
    go test -race -count=1 -v ./... | grep -E '^(---|ok|FAIL|PASS|panic)|FAIL' 
)
(cd examples/go-service && go test -race -count=1 ./...)

say 'Documentation: what it shows runs, links lead somewhere, nothing is left out, references can be made'
"$target/venv/bin/ruff" check --config bindings/python/pyproject.toml tests/docs scripts
"$target/venv/bin/ruff" format --check --config bindings/python/pyproject.toml tests/docs scripts
"$target/venv/bin/python" -m pytest -q -p no:cacheprovider tests/docs
scripts/docs.sh

say "Witnesses: the vendor's SDKs"
tests/witness/run.sh

scripts/test-packages.sh
say 'All tests passed'
