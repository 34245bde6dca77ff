#!/usr/bin/env bash
# A reference for each language, generated from the sources into target/docs: C and C++ with doxygen, Rust with rustdoc, Python
# with pdoc, Go with its own go doc. What is public and has no documentation is a failure; for Python and Go the lint and a test of `make test` say so.
#
#     scripts/docs.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' doxygen 'apt-get install doxygen' python3 'apt-get install python3 python3-venv' go 'https://go.dev/dl'
out=$target/docs
rm -rf "$out"
mkdir -p "$out"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)

say 'C and C++ (doxygen)'
# Everything must be documented; what is said of C applies to C++ too, so both are one reference.
PROJECT_NUMBER=$version OUTPUT_DIRECTORY=$out doxygen docs/reference/Doxyfile

say 'Rust (rustdoc)'
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --lib
cp -R "$target/doc" "$out/rust"

say 'Python (pdoc)'
venv "$target/venv-docs"
"$target/venv-docs/bin/python" -m pip install --quiet --disable-pip-version-check -r docs/reference/requirements.txt
PYTHONPATH=bindings/python "$target/venv-docs/bin/pdoc" --output-directory "$out/python" oss_upload 2>"$out/pdoc.log" ||
    { cat "$out/pdoc.log" >&2; exit 1; }

say 'Go (go doc)'
mkdir -p "$out/go"
{
    echo '<!doctype html><meta charset="utf-8"><title>packages oss and ossv1</title><pre>'
    (cd bindings/go && go doc -all ./oss && printf '\n\n' && go doc -all ./ossv1) | sed 's/&/\&amp;/g; s/</\&lt;/g'
} >"$out/go/index.html"

sed "s/@VERSION@/$version/" docs/reference/index.html >"$out/index.html"
say "The references are in $out/index.html"
