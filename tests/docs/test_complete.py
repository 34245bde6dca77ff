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
    for source in ("round", "engine", "reconcile"):
        reasons |= set(re.findall(r'"([a-z]+-[a-z]+): ', without_tests(f"src/upload/{source}.rs")))
    assert len(reasons) > 4
    assert sorted(reason for reason in reasons if f"`{reason}`" not in FIRST_CELLS) == []
    assert 'format!("other-{what}: ' in read("src/upload/reconcile.rs")


@pytest.mark.parametrize(
    "name",
    [
        "include/oss_upload.h",
        "bindings/python/oss_upload/_version.py",
        "bindings/go/oss/client.go",
        "packaging/debian/changelog",
        "tests/packages/CMakeLists.txt",
        "docs/packaging.md",
    ],
)
def test_the_version_is_the_same_everywhere(name: str) -> None:
    version = re.search(r'^version = "(.*)"$', read("Cargo.toml"), re.MULTILINE)
    assert version
    assert version[1] in read(name)


def test_every_option_is_spoken_of() -> None:
    header = read("include/oss_upload.h")
    pages = read("README.md") + "".join(page.read_text(encoding="utf-8") for page in (CHECKOUT / "docs").glob("*.md"))
    plain = {"struct_size", "reserved", "header_count", "bucket", "object_key", "file_path"}
    for name in ("oss_client_options", "oss_upload_options"):
        end = header.index(f"}} {name};")
        struct = header[header.rindex("typedef struct {", 0, end) : end]
        fields = set(re.findall(r"^  [a-z].*?\*?(\w+);$", struct, re.MULTILINE)) - plain
        assert len(fields) >= 9
        assert sorted(field for field in fields if f"`{field}`" not in pages) == [], name


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
