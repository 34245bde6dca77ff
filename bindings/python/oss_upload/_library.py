"""Finds liboss_upload and loads it, once, when something that needs it is imported."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

from oss_upload import _ffi
from oss_upload._version import __version__

ENVIRONMENT: Final = "OSS_UPLOAD_LIBRARY"
FILE_NAME: Final = {"darwin": "liboss_upload.dylib", "win32": "oss_upload.dll"}.get(sys.platform, "liboss_upload.so")


def find() -> str:
    """What to load: a path, or a bare name for the system's loader.

    In this order: what the environment variable OSS_UPLOAD_LIBRARY names; the library beside this file, where a wheel
    puts it; when this file lies in a checkout of the project, target/release there; the system's loader.
    """
    given = os.environ.get(ENVIRONMENT)
    if given:
        return given
    return next(filter(os.path.isfile, _places()), FILE_NAME)


def load() -> ctypes.CDLL:
    """The library with its functions declared; ImportError, saying what to do, when it is missing or does not fit."""
    path = find()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"{error}. {_where_it_was_sought()}", name="oss_upload", path=path) from error
    try:
        _check_version(library, path)
        _ffi.declare(library)
    except AttributeError as error:
        raise ImportError(f"{path} is not a liboss_upload: {error}", name="oss_upload", path=path) from error
    return library


def _places() -> list[str]:
    # Not by pathlib, which takes as long to import as this package.
    folder = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    places = [os.path.join(folder, FILE_NAME)]  # noqa: PTH118
    checkout, is_one, _ = folder.rpartition(os.path.join(os.sep, "bindings", "python", "oss_upload"))  # noqa: PTH118
    if is_one:
        places.append(os.path.join(checkout, "target", "release", FILE_NAME))  # noqa: PTH118
    return places


def _where_it_was_sought() -> str:
    given = os.environ.get(ENVIRONMENT)
    if given:
        return f"{ENVIRONMENT} names it."
    places = ", ".join(_places())
    return (
        f"oss_upload needs {FILE_NAME}; it is not in {places}, and the system's loader does not find it. Install a "
        f"wheel that brings it, or build it (cargo build --release) and set {ENVIRONMENT} to its path."
    )


def _check_version(library: ctypes.CDLL, path: str) -> None:
    library.oss_version_number.restype = ctypes.c_uint32
    number = library.oss_version_number()
    found = (number >> 16, number >> 8 & 0xFF)
    if found != tuple(map(int, __version__.split(".")[:2])):
        version = f"{found[0]}.{found[1]}.{number & 0xFF}"
        needed = __version__.rpartition(".")[0]
        message = f"{path} is liboss_upload {version}, but oss_upload {__version__} needs {needed}.x"
        raise ImportError(message, name="oss_upload", path=path)


library: Final = load()
