"""Errors by themselves: no library needed but to import the package."""

from __future__ import annotations

import copy
import errno
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest

import oss_upload
from oss_upload import OSSUploadError, UploadResult, _ffi, errors

LOCAL_FILE_KINDS = [oss_upload.LocalFileNotFound, oss_upload.LocalFilePermission]
KINDS: list[type[OSSUploadError]] = [OSSUploadError, *errors.KINDS.values(), *LOCAL_FILE_KINDS]
RESULT = UploadResult("etag", 1, "v", "r", "u", 5, 4, False, 2, 1, 1, 4, 2, "", 0.5)
FIELDS: dict[str, Any] = {
    "http_status": 403,
    "code": "AccessDenied",
    "ec": "0003-00000001",
    "request_id": "5C3D9175B6FC201293AD****",
    "os_errno": errno.ENOENT,
    "part_number": 7,
    "retryable": True,
    "filename": "a.mp4",
    "result": RESULT,
}


def test_every_kind_is_exported_and_has_a_status_of_its_own() -> None:
    assert {kind.__name__ for kind in KINDS} <= set(oss_upload.__all__)
    assert len(errors.KINDS) == len(OSSUploadError.__subclasses__()) == 17


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (oss_upload.InvalidArgument, ValueError),
        (oss_upload.LocalFileError, OSError),
        (oss_upload.LocalFileNotFound, FileNotFoundError),
        (oss_upload.LocalFilePermission, PermissionError),
        (oss_upload.CheckpointError, OSError),
        (oss_upload.NetworkError, ConnectionError),
        (oss_upload.TransferTimeout, TimeoutError),
    ],
)
def test_kinds_are_pythons_own_kinds_too(kind: type[OSSUploadError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match=r"^what happened$"):
        raise kind("what happened")


@pytest.mark.parametrize("kind", KINDS)
def test_fields_and_text(kind: type[OSSUploadError]) -> None:
    error = kind("what happened", **FIELDS)
    assert (str(error), error.message, error.args) == ("what happened", "what happened", ("what happened",))
    assert {name: getattr(error, name) for name in FIELDS} == FIELDS
    assert (error.status, error.status_name) == (kind.status, kind.status_name)
    assert "what happened" in repr(error)
    if isinstance(error, OSError):
        assert (error.errno, error.strerror) == (errno.ENOENT, "No such file or directory")


@pytest.mark.parametrize("kind", KINDS)
def test_defaults(kind: type[OSSUploadError]) -> None:
    error = kind("what happened")
    assert (error.http_status, error.code, error.ec, error.request_id) == (0, "", "", "")
    assert (error.os_errno, error.part_number, error.retryable) == (0, 0, False)
    assert (error.filename, error.result) == (None, None)
    if isinstance(error, OSError):
        assert (error.errno, error.strerror) == (None, None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_pickle_and_copy_keep_everything(kind: type[OSSUploadError], again: Callable[[Any], Any]) -> None:
    error = kind("what happened", status=-12345, **FIELDS)
    vars(error)["__notes__"] = ["added by a program, as add_note() of Python 3.11 does"]
    twin = again(error)
    assert type(twin) is kind
    assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))
    if isinstance(twin, OSError):
        assert (twin.errno, twin.strerror) == (errno.ENOENT, "No such file or directory")


def fail(kind: type[OSSUploadError]) -> None:
    raise kind("what happened", **FIELDS)


def test_errors_cross_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for kind in KINDS:
            error = pool.submit(fail, kind).exception()
            assert type(error) is kind
            assert {name: getattr(error, name) for name in FIELDS} == FIELDS
            # Where it was raised, which concurrent.futures keeps as the cause.
            assert "in fail" in str(error.__cause__)


def test_results_cross_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(copy.copy, RESULT).result() == RESULT == copy.deepcopy(RESULT)


@pytest.mark.parametrize(
    ("os_errno", "kind"),
    [
        (errno.ENOENT, oss_upload.LocalFileNotFound),
        (errno.EACCES, oss_upload.LocalFilePermission),
        (errno.EPERM, oss_upload.LocalFilePermission),
        (errno.EIO, oss_upload.LocalFileError),
        (0, oss_upload.LocalFileError),
    ],
)
def test_errors_of_local_files_name_the_file(os_errno: int, kind: type[OSSUploadError]) -> None:
    error = errors.from_struct(_ffi.Error(status=-2, os_errno=os_errno), path=Path("a.mp4"))
    assert (type(error), error.filename, error.status_name) == (kind, "a.mp4", "OSS_IO")
    assert errors.from_struct(_ffi.Error(status=-5), path="a.mp4").filename is None


@pytest.mark.parametrize("status", [*errors.KINDS, -12345])
def test_from_struct(status: int) -> None:
    struct = _ffi.Error(
        status=status,
        http_status=403,
        os_errno=errno.ENOENT,
        part_number=7,
        retryable=1,
        service_code=b"AccessDenied",
        ec=b"0003-00000001",
        request_id=b"5C3D9175B6FC201293AD****",
        message="Größe\xff".encode("latin-1") + "空".encode(),
    )
    error = errors.from_struct(struct, RESULT, "a.mp4")
    local = status == oss_upload.LocalFileError.status
    assert type(error) is (oss_upload.LocalFileNotFound if local else errors.KINDS.get(status, OSSUploadError))
    assert error.status == status
    assert error.filename == ("a.mp4" if local else None)
    error.filename = "a.mp4"
    assert {name: getattr(error, name) for name in FIELDS} == FIELDS
    assert error.message.endswith("空")
