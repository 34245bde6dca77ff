#!/usr/bin/env bash
# What uploading costs and how fast it is, beside Alibaba Cloud's SDKs, curl and a floor that do the same in the same run.
# Prints tables and what of the targets was met; writes bench.json and bench.svg to target/bench.
#
#     benches/run.sh [--quick] [--no-wan] [--only SCENARIO]... [--rounds N] [--files N]
#
# Needs cargo, cc, python3, go, node, npm and curl; the first run gets the peers from their registries. The long fat links
# need root, for two network namespaces. About twenty-five minutes; do nothing else on the machine meanwhile.
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
need cargo 'https://rustup.rs' "${CC:-cc}" 'apt-get install gcc' python3 'apt-get install python3' \
    curl 'apt-get install curl' go 'https://go.dev/dl' node 'apt-get install nodejs' npm 'apt-get install npm'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'python3 must be 3.10 or newer' >&2; exit 1; }

here=$root/benches bench=$target/bench
mkdir -p "$bench"

say 'Building the library, the local OSS, the floor and the link'
build_shared_library
cargo build --quiet --release -p oss-server
for crate in floor wan; do
    cargo build --quiet --release --locked --target-dir "$target" --manifest-path "$here/$crate/Cargo.toml"
done
strict='-std=c99 -O2 -Wall -Wextra -Wpedantic -Werror'
for program in measure tree; do
    ${CC:-cc} $strict "$here/$program.c" -o "$bench/$program"
done
for program in "$root/examples/upload.c" "$here/many.c" "$here/batch.c" "$here/source.c"; do
    ${CC:-cc} $strict -Iinclude "$program" -L"$target/release" -loss_upload -lpthread \
        -Wl,-rpath,"$target/release" -o "$bench/$(basename "$program" .c)"
done

say 'Getting the peers'
for version in v1 v2; do
    (cd "$here/peers/go" && go build -o "$bench/go-$version" "./$version")
done
# Complete only when the list of what is in it stands beside it.
if ! cmp -s "$here/peers/python/requirements.txt" "$bench/venv/requirements.txt"; then
    rm -rf "$bench/venv"
    venv "$bench/venv"
    "$bench/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/peers/python/requirements.txt"
    cp "$here/peers/python/requirements.txt" "$bench/venv/requirements.txt"
fi
mkdir -p "$bench/node"
cp "$here/peers/node/peer.mjs" "$bench/node/"
if ! cmp -s "$here/peers/node/package.json" "$bench/node/package.json"; then
    cp "$here/peers/node/package-lock.json" "$bench/node/"
    cp "$here/peers/node/package.json" "$bench/node/package.json.new"
    mv "$bench/node/package.json.new" "$bench/node/package.json"
    (cd "$bench/node" && npm ci --silent --no-audit --no-fund) || { rm "$bench/node/package.json"; exit 1; }
fi

export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/bench.py" "$target" "$@"
