#!/usr/bin/env bash
# The recipe for Conan: it builds this checkout, as an archive and as a shared library, and a program links each.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need cmake 'apt-get install cmake'
venv "$target/conan"
"$target/conan/bin/python" -m pip install --quiet --disable-pip-version-check 'conan>=2.9,<3'
CONAN_HOME=$(mktemp -d)
export CONAN_HOME CARGO_TARGET_DIR=$target
trap 'rm -rf "$CONAN_HOME"' EXIT
"$target/conan/bin/conan" profile detect
for shared in False True; do
    "$target/conan/bin/conan" create packaging/conan --build 'oss_upload/*' -o "oss_upload/*:shared=$shared"
done
