#!/usr/bin/env bash
# Every test there is: Rust, C and C++ under valgrind, examples, Python, Go, documentation, packages, and Alibaba Cloud's SDKs.
#
# scripts/setup.sh installs what is missing first. Where it cannot, what needs the missing tools is left out, and the last
# lines say so; with CI=true that is a failure.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
missing=$(scripts/setup.sh test)
lacks() { [[ $'\n'$missing$'\n' == *$'\n'$1$'\n'* ]]; }
if lacks cargo || lacks cc || { [ -n "$missing" ] && [ "${CI:-}" = true ]; }; then
    echo 'Install what is missing and run this again.' >&2
    exit 1
fi
# The Rust tests leave out what needs these tools, and nothing else.
export OSS_TEST_WITHOUT=${missing//$'\n'/ } RUST_BACKTRACE=1
left_out=()
[ -z "$missing" ] || left_out+=("of the Rust tests: what needs $OSS_TEST_WITHOUT")

# part 'WHAT' TOOL...: says what comes, or notes that it is left out.
part() {
    local what=$1 tool
    shift
    for tool; do
        if lacks "$tool"; then
            left_out+=("$what: needs $tool")
            return 1
        fi
    done
    say "$what"
}

say 'Building the library and the local OSS'
cargo build --release --lib
cargo build --release -p oss-server
export OSS_SERVER=$target/release/oss-server OSS_UPLOAD_LIBRARY=$target/release/liboss_upload.so

rust_tests() {
    if ! lacks c++; then
        cargo test --workspace
        return
    fi
    local name names=()
    for name in $(basename -s .rs tests/*.rs) $(dirname tests/*/main.rs | xargs -n 1 basename); do
        [ "$name" = cpp_api ] || names+=(--test "$name")
    done
    cargo test --lib --examples "${names[@]}"
    cargo test --doc
    cargo test --package oss-server
}

# python_tests PYTHON
python_tests() {
    "$1" -m pip install --quiet --upgrade './bindings/python[dev]'
    (cd bindings/python && "$1" -m pytest -q)
}

python_lint() {
    cd bindings/python
    "$target/venv/bin/ruff" check --config pyproject.toml . ../../examples
    "$target/venv/bin/ruff" format --check --config pyproject.toml . ../../examples
    "$target/venv/bin/mypy"
    "$target/venv/bin/vermin" --quiet --no-tips --violations --target=3.9- oss_upload hatch_build.py ../../examples
    cd ../..
    "$target/venv/bin/ruff" check --config bindings/python/pyproject.toml tests/docs tests/fleet scripts
    "$target/venv/bin/ruff" format --check --config bindings/python/pyproject.toml tests/docs tests/fleet scripts
}

# go_lint MODULE
go_lint() {
    cd "$1"
    unformatted=$(gofmt -l .)
    [ -z "$unformatted" ] || { echo "gofmt would change in $1: $unformatted" >&2; exit 1; }
    go vet ./...
    go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
}

go_tests() {
    cd bindings/go
    # The race detector's own memory grows: that nothing leaks is measured without it.
    go test -count=1 -run 'TenThousand' ./...
    go test -race -count=1 -v ./... | grep -E '^(---|ok|FAIL|PASS|panic)|FAIL'
    cd ../../examples/go-service
    go test -race -count=1 ./...
}

say 'Rust and C: unit tests, uploads, faults, resume, kills, C under valgrind; the table of scenarios in every language'
rust_tests

say 'What threads do together, in 20,000 schedules each'
scripts/schedules.sh

if part 'Examples in C and C++' c++; then
    scripts/examples.sh
fi

if part 'The binary interface, against that of the last release' abidiff; then
    scripts/abi.sh
    tests/abi_diff.sh
fi

if part 'Python' python3 venv; then
    venv "$target/venv"
    python_tests "$target/venv/bin/python"
    (python_lint)
    # Debian has one Python only; where the oldest that is supported is there too, it runs the same tests.
    oldest=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.9.*/bin/python 2>/dev/null | tail -n 1) || oldest=python3.9
    if "$oldest" -c 'import ctypes, venv' 2>/dev/null; then
        say 'Python 3.9'
        [ -x "$target/venv3.9/bin/python" ] || "$oldest" -m venv "$target/venv3.9"
        python_tests "$target/venv3.9/bin/python"
    fi
fi

if part 'Engines: Dask, Ray, Spark' python3 venv java; then
    venv "$target/engines"
    "$target/engines/bin/python" -m pip install --quiet --upgrade ./bindings/python -r tests/fleet/requirements.txt
    "$target/engines/bin/python" -m pytest -q -p no:cacheprovider -p no:logging tests/fleet
fi

if part 'Go' go; then
    for module in bindings/go examples/go-service tests/interop/go; do (go_lint "$module"); done
    (go_tests)
fi

if part 'Documentation: what it shows runs, links lead somewhere, nothing is left out, references can be made' \
    python3 venv go c++ git cmake pkg-config doxygen; then
    "$target/venv/bin/python" -m pytest -q -p no:cacheprovider tests/docs
    scripts/docs.sh
fi

if part "Interoperability: Alibaba Cloud's SDKs" python3 venv go; then
    tests/interop/run.sh
fi

if part 'Packages' c++ go python3 cmake pkg-config lintian dpkg-gensymbols openssl.pc; then
    scripts/test-packages.sh
fi

if [ ${#left_out[@]} -eq 0 ]; then
    say 'All tests passed'
else
    say 'All tests passed that this machine can run. Left out:'
    printf '  %s\n' "${left_out[@]}" >&2
    # Once more what is missing, and how to get it.
    SETUP=no scripts/setup.sh test >/dev/null
fi
