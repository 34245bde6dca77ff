"""_ffi.py says what include/oss_upload.h says: the C compiler and the header's text are the judges."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import oss_upload
from oss_upload import _ffi, _options, errors
from oss_upload._library import library

HEADER = Path(__file__).resolve().parents[3] / "include" / "oss_upload.h"
STRUCTS: dict[str, type[ctypes.Structure]] = {
    "oss_client_options": _ffi.ClientOptions,
    "oss_header": _ffi.Header,
    "oss_upload_options": _ffi.UploadOptions,
    "oss_error": _ffi.Error,
    "oss_result": _ffi.Result,
    "oss_progress": _ffi.Progress,
    "oss_event": _ffi.Event,
    "oss_batch_options": _ffi.BatchOptions,
    "oss_batch_progress": _ffi.BatchProgress,
    "oss_batch_result": _ffi.BatchResult,
    "oss_outcome": _ffi.Outcome,
}
NUMBERS = {
    "OSS_OK": _ffi.OK,
    "OSS_PENDING": _ffi.PENDING,
    "OSS_END": _ffi.END,
    "OSS_PART_SIZE_AUTO": _ffi.PART_SIZE_AUTO,
    "OSS_ROUTINES_AUTO": _ffi.ROUTINES_AUTO,
    "OSS_ETA_UNKNOWN": _ffi.ETA_UNKNOWN,
    **{f"OSS_PHASE_{phase.name}": phase.value for phase in oss_upload.Phase},
    **{f"OSS_EVENT_{kind.name}": kind.value for kind in oss_upload.EventKind},
    **{f"OSS_OUTCOME_{status.name}": status.value for status in oss_upload.OutcomeStatus},
    **{f"OSS_BATCH_{word.upper()}": number for number, word in enumerate(_options.MODES)},
    **{f"OSS_SYMLINKS_{word.upper()}": number for number, word in enumerate(_options.SYMLINKS)},
    **{f"OSS_KEY_{word.upper()}": number for number, word in enumerate(_options.KEY_ENCODINGS)},
    **{kind.status_name: status for status, kind in errors.KINDS.items()},
}


def run_c(expressions: list[str], folder: Path) -> list[int]:
    """What the C compiler makes of integer expressions over the header."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("no C compiler: this test needs `cc`", pytrace=False)
    source, program = folder / "layout.c", folder / "layout"
    lines = "".join(f'    printf("%lld\\n", (long long)({expression}));\n' for expression in expressions)
    source.write_text(f'#include <stdio.h>\n#include "{HEADER}"\nint main(void)\n{{\n{lines}    return 0;\n}}\n')
    subprocess.run([compiler, "-Wall", "-Werror", "-o", program, source], check=True)
    output = subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout
    return [int(line) for line in output.split()]


def header() -> str:
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("name", STRUCTS)
def test_structs_have_the_sizes_and_offsets_of_the_header(name: str, tmp_path: Path) -> None:
    struct = STRUCTS[name]
    fields = [field[0] for field in struct._fields_]
    expressions = [f"sizeof({name})"]
    ours = [ctypes.sizeof(struct)]
    for field in fields:
        expressions += [f"offsetof({name}, {field})", f"sizeof((({name} *)0)->{field})"]
        ours += [getattr(struct, field).offset, getattr(struct, field).size]
    assert ours == run_c(expressions, tmp_path)
    assert sum(ours[2::2]) == ours[0], "a field is missing, or there is padding"


def test_every_struct_of_the_header_is_here() -> None:
    assert set(re.findall(r"typedef struct \{.*?\} (\w+);", header(), re.DOTALL)) == set(STRUCTS)


def test_signed_fields_are_signed() -> None:
    # The compiler's sizes cannot tell int32_t from uint32_t.
    for name, struct in STRUCTS.items():
        body = re.search(rf"typedef struct \{{([^}}]*)\}} {name};", header())
        assert body is not None
        signed = set(re.findall(r"\bint32_t (\w+);", body[1]))
        assert {field[0] for field in struct._fields_ if field[1] is ctypes.c_int32} == signed


def test_numbers_are_those_of_the_header(tmp_path: Path) -> None:
    assert [number if number < 2**63 else number - 2**64 for number in NUMBERS.values()] == run_c(
        list(NUMBERS), tmp_path
    )


def test_every_constant_of_the_header_is_here() -> None:
    found = set(re.findall(r"^  (OSS_\w+) = ", header(), re.MULTILINE))
    found |= set(re.findall(r"#define (OSS_(?:PHASE|EVENT|OUTCOME|BATCH|SYMLINKS|KEY)_\w+)", header()))
    assert found <= set(NUMBERS)
    assert len(found) > 30


def test_functions_have_the_arguments_of_the_header() -> None:
    declarations = re.findall(r"^(\w[\w ]*?[ *]+)(oss_\w+)\(([^)]*)\);", header(), re.MULTILINE)
    assert {name for _, name, _ in declarations} == set(_ffi.FUNCTIONS)
    for result, name, arguments in declarations:
        c_arguments = [] if arguments == "void" else re.split(r",\s*", arguments)
        assert [c_type(argument) for argument in c_arguments] == list(_ffi.FUNCTIONS[name][1]), name
        assert c_type(result + "result") == _ffi.FUNCTIONS[name][0], name


def c_type(declaration: str) -> object:
    """What ctypes calls the type of a C declaration with a name."""
    words = re.fullmatch(r"(?:const )?(\w+) (\**)\w+", declaration.replace("*const *", "**").replace("* ", "*"))
    assert words is not None, declaration
    name, stars = words[1], len(words[2])
    if name in ("oss_client", "oss_upload", "oss_stream", "oss_batch"):
        return ctypes.c_void_p if stars == 1 else ctypes.POINTER(ctypes.c_void_p)
    plain = {
        ("char", 1): ctypes.c_char_p,
        ("char", 2): ctypes.POINTER(ctypes.c_char_p),
        ("uint32_t", 1): ctypes.POINTER(ctypes.c_uint32),
        ("void", 0): None,
        ("void", 1): ctypes.c_void_p,
        ("oss_progress_fn", 0): _ffi.ProgressFunction,
        ("uint32_t", 0): ctypes.c_uint32,
        ("size_t", 1): ctypes.POINTER(ctypes.c_size_t),
        ("int32_t", 0): ctypes.c_int32,
        ("size_t", 0): ctypes.c_size_t,
        ("oss_status", 0): ctypes.c_int32,
    }
    return ctypes.POINTER(STRUCTS[name]) if name in STRUCTS else plain[name, stars]


def test_versions_agree() -> None:
    version = re.search(r'#define OSS_VERSION "(.*)"', HEADER.read_text())
    assert version is not None
    assert oss_upload.__version__ == version[1] == library.oss_version().decode()


def test_the_library_names_statuses_as_we_do() -> None:
    for status, kind in errors.KINDS.items():
        assert library.oss_status_name(status).decode() == kind.status_name
    assert library.oss_status_name(-12345).decode() == errors.OSSUploadError.status_name
