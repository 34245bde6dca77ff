#!/usr/bin/env bash
# Interoperability: Alibaba Cloud's SDKs for Python and Go against the local OSS, and on what this library uploads.
#
#     tests/interop/run.sh
#
# Needs cargo, cc, python3 (3.11 or newer, with venv) and go, and at the first time the registries of Python and Go.
# Works from any directory. OSS_SERVER names another oss-server, OSS_UPLOAD_LIB_DIR another place of liboss_upload.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/target/interop-venv

die() {
    echo "interop: $*" >&2
    exit 1
}

for tool in cargo "${CC:-cc}" python3 go; do
    command -v "$tool" >/dev/null || die "$tool is needed, and was not found"
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 must be 3.11 or newer"
python3 -c 'import ensurepip, venv' 2>/dev/null || die "python3 cannot make virtual environments: no python3-venv?"

if [[ -z ${OSS_SERVER:-} ]]; then
    (cd "$root" && cargo build --quiet --release --target-dir target -p oss-server)
fi
if [[ -z ${OSS_UPLOAD_LIB_DIR:-} ]]; then
    (cd "$root" && cargo build --quiet --release --target-dir target --lib)
fi
[[ -x ${OSS_SERVER:-$root/target/release/oss-server} ]] || die "no oss-server at ${OSS_SERVER:-$root/target/release}"

# Complete only when the list of what is in it stands beside it.
if ! cmp -s "$here/python/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
    cp "$here/python/requirements.txt" "$venv/requirements.txt"
fi

export PYTHONDONTWRITEBYTECODE=1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

echo "interop: oss2 and alibabacloud-oss-v2"
(cd "$here/python" && "$venv/bin/python" -m pytest --quiet --junit-xml="$results/python.xml") || status=1

echo "interop: aliyun-oss-go-sdk and alibabacloud-oss-go-sdk-v2"
(cd "$here/go" && go vet ./... && go test -count=1 -json ./... >"$results/go.json") || {
    status=1
    python3 - "$results/go.json" <<'END'
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
for line in path.read_text().splitlines() if path.exists() else []:
    event = json.loads(line)
    if event["Action"] == "output" and not event["Output"].startswith(("=== ", "--- PASS", "    --- PASS")):
        print(event["Output"], end="")
END
}

python3 - "$results" <<'END' || status=1
"""Prints how many tests there were; a run without tests is a failure."""
import json, pathlib, sys
from xml.etree import ElementTree

results = pathlib.Path(sys.argv[1])
good = True


def tell(name, passed, failed, skipped):
    global good
    print(f"interop: {name}: {passed} passed, {failed} failed, {skipped} skipped")
    good &= passed > 0 and failed == 0 and skipped == 0


xml, log = results / "python.xml", results / "go.json"
suite = next(ElementTree.parse(xml).iter("testsuite")).attrib if xml.exists() else {}
total, failed, errors, skipped = (int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped"))
tell("Python", total - failed - errors - skipped, failed + errors, skipped)
events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
outcomes = ("pass", "fail", "skip")
ended = {event["Test"]: event["Action"] for event in events if "Test" in event and event["Action"] in outcomes}
# A test with subtests is counted by these.
leaves = [action for name, action in ended.items() if not any(other.startswith(name + "/") for other in ended)]
tell("Go", *(leaves.count(outcome) for outcome in outcomes))
sys.exit(not good)
END
exit "$status"
