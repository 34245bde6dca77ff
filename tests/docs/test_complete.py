"""What must be told is told: every status, every code of the server, every reason, every option, the version."""

from __future__ import annotations

import re
import subprocess

import pytest
from pages import CHECKOUT


def read(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def without_tests(name: str) -> str:
    return read(name).partition("#[cfg(test)]")[0]


TROUBLES = read("docs/troubleshooting.md")
ROWS = [row for row in TROUBLES.splitlines() if row.startswith("| `")]
FIRST_CELLS = " ".join(row.split(" | ")[0] for row in ROWS)


def test_every_status_is_explained() -> None:
    header = read("include/oss_upload.h")
    enum = header[header.index("typedef enum {") : header.index("} oss_status;")]
    statuses = re.findall(r"^  (OSS_[A-Z_]+) = -?\d+,$", enum, re.MULTILINE)
    assert len(statuses) > 15
    assert [name for name in statuses if f"| `{name}` |" not in TROUBLES] == []


def test_every_status_has_its_name_in_python_and_go() -> None:
    for row in ROWS:
        cells = [cell.strip(" `") for cell in row.split("|")]
        if re.fullmatch("OSS_[A-Z_]+", cells[1]) and cells[2]:
            python, go = read("bindings/python/oss_upload/errors.py"), read("bindings/go/oss/errors.go")
            assert re.search(rf"^class {cells[2]}\(", python, re.MULTILINE), cells[2]
            assert re.search(rf"^\t{cells[3]} += errors.New", go, re.MULTILINE), cells[3]


def test_every_code_that_the_library_knows_is_explained() -> None:
    source = without_tests("src/oss/service_error.rs")
    what_to_do = source[source.index("pub fn is_retryable") : source.index("fn error_body")]
    codes = set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]*)*)"', what_to_do))
    assert {"AccessDenied", "InDebt", "QpsLimitExceeded"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in FIRST_CELLS) == []
    assert "`BadErrorResponse`" in TROUBLES


def test_every_reason_for_a_restart_is_explained() -> None:
    reasons = set()
    for source in ("run", "resume", "stream"):
        reasons |= set(re.findall(r'"([a-z]+-[a-z]+): ', without_tests(f"src/upload/{source}.rs")))
    assert len(reasons) > 4
    assert sorted(reason for reason in reasons if f"`{reason}`" not in FIRST_CELLS) == []
    assert 'format!("other-{what}: ' in read("src/upload/resume.rs")


@pytest.mark.parametrize(
    "name",
    [
        "include/oss_upload.h",
        "bindings/python/oss_upload/_version.py",
        "bindings/go/oss/client.go",
        "packaging/debian/changelog",
        "packaging/vcpkg/oss-upload/vcpkg.json",
        "tests/packages/CMakeLists.txt",
        "docs/packaging.md",
    ],
)
def test_the_version_is_the_same_everywhere(name: str) -> None:
    version = re.search(r'^version = "(.*)"$', read("Cargo.toml"), re.MULTILINE)
    assert version
    assert version[1] in read(name)


PAGES = ("README.md", *sorted(f"docs/{page.name}" for page in (CHECKOUT / "docs").glob("*.md")))

# Where each option stands, and how. {field} is its name in C; {plain} has no unit; {dashed} has dashes in it; {go} has
# no underscores, and any case.
PLACES = {
    "src/capi/{what}.rs reads it": r"\bfrom\.{field}\b",
    "include/oss_upload.hpp has it": r"^    (?:std::|bool|signature|file_change|verify|pairs)[^(]*? {plain}(?:{{| = )",
    "include/oss_upload.hpp hands it on": r"\bto\.{field} = ",
    "bindings/go/oss/options.go has it": r"^\t(?i:{go}) +[\w\[]",
    "bindings/go/oss/options.go shows it": r"^\ts\.\w+\(\"(?i:{go})\"",
    "bindings/go/oss/ffi.go hands it on": r"\boptions\.{field}\b",
    "bindings/python/oss_upload/_options.py has it": r"^    {plain}: \w",
    "bindings/python/oss_upload/_options.py explains it": r"^        {plain}: [A-Z\"0]",
    "bindings/python/oss_upload/_options.py hands it on": r"^    \(\"{field}\", ",
    "bindings/python/oss_upload/_command.py takes it": r"\"--{dashed}\"|\bdest=\"{plain}\"",
    "tests/c/abi.c promises its place": r"FIELD\({struct}, {field}, ",
    "tests/scenarios/scenarios.json tries it": r"\"{field}\": ",
    "tests/scenarios/rust.rs reads it": r"\"{field}\"",
    "README.md or docs/*.md speaks of it": r"`{field}`",
}
# Where else options of a batch may stand.
OF_A_BATCH = {
    "bindings/go/oss/options.go": "bindings/go/oss/batch_options.go",
    "bindings/go/oss/ffi.go": "bindings/go/oss/ffi_batch.go",
    "bindings/python/oss_upload/_command.py": "bindings/python/oss_upload/_batch_arguments.py",
    "tests/scenarios/rust.rs": "tests/scenarios/rust_batch.rs",
}
# What stands for an option where it has no place of its own; "": nothing does.
ELSEWHERE = {
    "include/oss_upload.hpp hands it on": {"headers": "in.headers(from, to)"},
    "bindings/go/oss/options.go has it": {
        "object_key": "\tKey string",
        "file_path": "",
        "key_prefix": "\tPrefix string",
    },
    "bindings/go/oss/options.go shows it": {"object_key": '"Key"', "file_path": "", "key_prefix": '"Prefix"'},
    "bindings/python/oss_upload/_options.py has it": {
        **dict.fromkeys(("endpoint", "bucket", "object_key", "file_path"), "path: Path | None, bucket: str, key: str"),
        "checkpoint_path": "    checkpoint: bool | Path\n",
        "key_prefix": "bucket: str, prefix: str",
        "manifest_path": "    manifest: Path | None\n",
    },
    "bindings/python/oss_upload/_options.py explains it": {
        **dict.fromkeys(("endpoint", "bucket", "object_key", "file_path"), ""),
        "checkpoint_path": "A path: in this file.",
        "manifest_path": "        manifest: File that keeps",
        # client.py does.
        **dict.fromkeys(("key_prefix", "directory", "list_path", "list_null_separated", "outcomes"), ""),
    },
    "bindings/python/oss_upload/_command.py takes it": {
        # Not for others to read on a command line.
        **dict.fromkeys(("access_key_id", "access_key_secret", "security_token"), "OSS_ACCESS_KEY_SECRET"),
        **dict.fromkeys(("bucket", "object_key", "file_path"), "FILE oss://BUCKET/KEY"),
        "user_agent": "user_agent=f",
        "checkpoint": '"--resume"',
        "checkpoint_path": '"--checkpoint"',
        **dict.fromkeys(("key_prefix", "outcomes"), ""),
        "directory": '"--recursive"',
        "list_path": '"--files-from"',
        "list_null_separated": '"--null"',
        "manifest_path": '"--manifest"',
        **dict.fromkeys(("shard_index", "shard_count"), '"--shard"'),
    },
    "tests/scenarios/scenarios.json tries it": {"bucket": "", "file_path": ""},
    "tests/scenarios/rust.rs reads it": {"headers": '"header"'},
    "README.md or docs/*.md speaks of it": dict.fromkeys(("bucket", "object_key", "file_path", "mode"), ""),
}
KINDS = {"oss_client_options": "client", "oss_upload_options": "upload", "oss_batch_options": "batch"}


def options_of(struct: str) -> list[str]:
    header = read("include/oss_upload.h")
    end = header.index(f"}} {struct};")
    fields = re.findall(r"^  [a-z].*?\*?(\w+);$", header[header.rindex("typedef struct {", 0, end) : end], re.MULTILINE)
    return [field for field in fields if field not in {"struct_size", "reserved", "header_count"}]


def places_without(struct: str, field: str) -> list[str]:
    """Where the option is missing."""
    plain = field.removesuffix("_ms")
    what = KINDS[struct]
    names = {
        "struct": struct,
        "field": field,
        "plain": plain,
        "dashed": plain.replace("_", "-"),
        "go": plain.replace("_", ""),
    }
    missing = []
    for place, pattern in PLACES.items():
        name = place.format(what=what).partition(" ")[0]
        files = PAGES if name == "README.md" else [name]
        if what == "batch" and name in OF_A_BATCH:
            files = [name, OF_A_BATCH[name]]
        text = "".join(map(read, files))
        instead = ELSEWHERE.get(place, {}).get(field)
        found = re.search(pattern.format(**names), text, re.MULTILINE) if instead is None else instead in text
        if not found:
            missing.append(f"{struct}.{field}: {place.format(what=what)}: it does not")
    return missing


@pytest.mark.parametrize("struct", KINDS)
def test_every_option_is_everywhere(struct: str) -> None:
    """CONTRIBUTING.md has the list for one more."""
    fields = options_of(struct)
    assert len(fields) >= 12
    assert [place for field in fields for place in places_without(struct, field)] == []


def test_an_option_that_is_nowhere_is_missed_everywhere() -> None:
    assert len(places_without("oss_upload_options", "no_such_option")) == len(PLACES)
    assert len(places_without("oss_client_options", "no_such_option_ms")) == len(PLACES)
    assert len(places_without("oss_batch_options", "no_such_option")) == len(PLACES)


LICENCE = "MIT OR Apache-2.0"


def test_the_licence_is_named_everywhere() -> None:
    assert f'license = "{LICENCE}"' in read("Cargo.toml")
    assert "license.workspace = true" in read("tests/oss-server/Cargo.toml")
    python = read("bindings/python/pyproject.toml")
    assert f'license = "{LICENCE}"\nlicense-files = ["LICENSE-*"]\n' in python
    assert "License: Expat or Apache-2.0\n" in read("packaging/debian/copyright")
    assert "[MIT](LICENSE-MIT) or [Apache-2.0](LICENSE-APACHE)" in read("README.md")


def test_the_licence_is_where_each_package_is_made() -> None:
    mit, apache = read("LICENSE-MIT"), read("LICENSE-APACHE")
    assert mit.startswith("MIT License\n\nCopyright (c) 2026 The liboss_upload authors\n")
    assert "Apache License" in apache
    assert "END OF TERMS AND CONDITIONS" in apache
    assert read("bindings/python/LICENSE-MIT") == mit
    assert read("bindings/python/LICENSE-APACHE") == apache
    # pkg.go.dev looks for this name beside go.mod, and knows both texts in it.
    assert read("bindings/go/LICENSE").endswith(f"\n\n{mit}\n{apache}")
    _, _, terms = mit.split("\n\n", 2)
    debian = "\n".join(f" {line}" if line else " ." for line in terms.rstrip().split("\n"))
    assert f"License: Expat\n{debian}\n" in read("packaging/debian/copyright")


def test_the_crate_has_the_licence() -> None:
    listed = subprocess.check_output(
        ["cargo", "package", "--list", "--allow-dirty", "--offline"], cwd=CHECKOUT, text=True
    )
    assert {"LICENSE-MIT", "LICENSE-APACHE"} <= set(listed.split())


@pytest.mark.parametrize(
    "name",
    [
        "src/credentials/source.rs",
        "include/oss_upload.h",
        "include/oss_upload.hpp",
        "bindings/go/oss/options.go",
        "bindings/python/oss_upload/_options.py",
        "bindings/python/oss_upload/_command.py",
    ],
)
def test_the_default_chain_is_the_same_everywhere(name: str) -> None:
    source = without_tests("src/credentials/chain.rs")
    order = re.findall(r'^    \("([a-z-]+)", ', source, re.MULTILINE)
    assert len(order) > 4
    page = read("docs/credentials.md")
    section = page[page.index("## The default chain") :]
    assert re.findall(r"^\d\. `([a-z-]+)`$", section, re.MULTILINE) == order
    assert re.findall(r"^\| `([a-z-]+)` \|", section[: section.index("\n## ", 3)], re.MULTILINE) == order
    # Without what begins a line of a comment.
    text = " ".join(re.sub(r"[/*]+", " ", read(name).replace("`", "")).split())
    assert ", ".join(order) in text
