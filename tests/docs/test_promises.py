"""docs/promises.md: the tests that it names are there, and its numbers are those of the code."""

from __future__ import annotations

import re

import pytest
from pages import CHECKOUT

PAGE = (CHECKOUT / "docs/promises.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"([\d,]+)(?: [a-z]+)* \(`([A-Z_]+)` in `([^`]+)`\)")
TESTS = re.compile(r"((?:`[a-z_0-9]{20,}`(?:, )?)+) in `([^`]+\.rs)`")


@pytest.mark.parametrize(("number", "constant", "name"), NUMBER.findall(PAGE))
def test_a_number_is_that_of_the_code(number: str, constant: str, name: str) -> None:
    source = (CHECKOUT / name).read_text(encoding="utf-8")
    found = re.search(rf"^\s*const {constant}: \w+ = ([\d_]+);", source, re.MULTILINE)
    assert found, f"{constant} is not in {name}"
    assert found[1].replace("_", "") == number.replace(",", "")


@pytest.mark.parametrize(("tests", "name"), TESTS.findall(PAGE))
def test_a_test_is_there(tests: str, name: str) -> None:
    source = (CHECKOUT / name).read_text(encoding="utf-8")
    for test in re.findall(r"`(\w+)`", tests):
        assert re.search(rf"#\[test\]\n\s*fn {test}\(", source), test


def test_every_fuzzer_is_told_of() -> None:
    fuzzers = sorted(target.stem for target in (CHECKOUT / "fuzz/fuzz_targets").glob("*.rs"))
    assert fuzzers == sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    for name in fuzzers:
        assert len(list((CHECKOUT / "fuzz/corpus" / name).iterdir())) >= 5, name


def test_there_is_something_to_check() -> None:
    assert len(NUMBER.findall(PAGE)) > 8
    assert len(TESTS.findall(PAGE)) > 6
