"""From Python's values to the library's option structs.

Checked here is what C could not see: types, NULs, numbers that do not fit, words for numbers. Limits and combinations
are checked by the library, once for all languages.
"""

from __future__ import annotations

import ctypes
import math
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict, Union

from oss_upload import _ffi
from oss_upload.errors import InvalidArgument

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Headers = Union[Mapping[str, str], Iterable[tuple[str, str]]]
PartSize = Union[int, Literal["auto"], None]
Routines = Union[int, Literal["auto"], None]
OnFileChange = Literal["restart", "fail"]
VerifyResume = Literal["in-doubt", "always", "never"]


class UploadOptions(TypedDict, total=False):
    """The keyword arguments that say how a file is uploaded; `Client.upload_file()` explains each.

    For programs that keep them: `backup: UploadOptions = {"checkpoint": True, "part_size": "auto"}`, then
    `client.upload_file(path, bucket, key, **backup)`.
    """

    part_size: PartSize
    routines: Routines
    checkpoint: bool | Path
    checkpoint_dir: Path | None
    headers: Headers | None
    metadata: Mapping[str, str] | None
    on_file_change: OnFileChange
    verify_resume: VerifyResume
    content_md5: bool


UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1
ON_FILE_CHANGE = ("restart", "fail")
VERIFY_RESUME = ("in-doubt", "always", "never")


def client_options(
    *,
    endpoint: str | None,
    region: str | None,
    access_key_id: str | None,
    access_key_secret: str | None,
    security_token: str | None,
    credentials: str | None,
    signature_version: int,
    cname: bool,
    path_style: bool,
    connect_timeout: float | None,
    stall_timeout: float | None,
    max_attempts: int | None,
    max_bytes_per_second: int | None,
    proxy: str | None,
    ca_file: Path | None,
    insecure_skip_verify: bool,
    user_agent: str | None,
    credentials_wait: float | None,
) -> _ffi.ClientOptions:
    """The arguments of `Client`, checked."""
    return _ffi.ClientOptions(
        struct_size=ctypes.sizeof(_ffi.ClientOptions),
        endpoint=text("endpoint", endpoint),
        region=text("region", region),
        access_key_id=text("access_key_id", access_key_id),
        access_key_secret=text("access_key_secret", access_key_secret),
        security_token=text("security_token", security_token),
        credentials=text("credentials", credentials),
        signature_version=_number("signature_version", signature_version, UINT32_MAX),
        cname=_switch("cname", cname),
        path_style=_switch("path_style", path_style),
        connect_timeout_ms=_milliseconds("connect_timeout", connect_timeout),
        stall_timeout_ms=_milliseconds("stall_timeout", stall_timeout),
        max_attempts=_number("max_attempts", max_attempts, UINT32_MAX),
        max_bytes_per_second=_number("max_bytes_per_second", max_bytes_per_second, UINT64_MAX),
        proxy=text("proxy", proxy),
        ca_file=None if ca_file is None else _path("ca_file", ca_file),
        insecure_skip_verify=_switch("insecure_skip_verify", insecure_skip_verify),
        user_agent=text("user_agent", user_agent),
        credentials_wait_ms=_milliseconds("credentials_wait", credentials_wait),
    )


def upload_options(
    path: Path,
    bucket: str,
    key: str,
    *,
    part_size: PartSize = None,
    routines: Routines = None,
    checkpoint: bool | Path = False,
    checkpoint_dir: Path | None = None,
    headers: Headers | None = None,
    metadata: Mapping[str, str] | None = None,
    on_file_change: OnFileChange = "restart",
    verify_resume: VerifyResume = "in-doubt",
    content_md5: bool = False,
) -> _ffi.UploadOptions:
    """What, where to and the `UploadOptions`, with their defaults, checked."""
    pairs = _headers(headers, metadata)
    return _ffi.UploadOptions(
        struct_size=ctypes.sizeof(_ffi.UploadOptions),
        bucket=required("bucket", bucket),
        object_key=required("key", key),
        file_path=_path("path", path),
        checkpoint=checkpoint is not False,
        checkpoint_path=None if isinstance(checkpoint, bool) else _path("checkpoint", checkpoint),
        checkpoint_dir=None if checkpoint_dir is None else _path("checkpoint_dir", checkpoint_dir),
        headers=(_ffi.Header * len(pairs))(*pairs) if pairs else None,
        header_count=len(pairs),
        part_size=_number_or_auto("part_size", part_size, UINT64_MAX),
        routines=_number_or_auto("routines", routines, UINT32_MAX),
        on_file_change=_choice("on_file_change", on_file_change, ON_FILE_CHANGE),
        verify_resume=_choice("verify_resume", verify_resume, VERIFY_RESUME),
        content_md5=_switch("content_md5", content_md5),
    )


def with_absolute_paths(path: Path, options: UploadOptions) -> tuple[Path, UploadOptions]:
    """The same paths for a call that is carried out later, when the working directory may be another one."""
    later = options.copy()
    checkpoint, directory = options.get("checkpoint"), options.get("checkpoint_dir")
    if checkpoint is not None and not isinstance(checkpoint, bool):
        later["checkpoint"] = _absolute(checkpoint)
    if directory is not None:
        later["checkpoint_dir"] = _absolute(directory)
    return _absolute(path), later


def _absolute(path: Path) -> Path:
    """The path as it is meant now.

    Not `os.path.abspath()`, which drops "..": behind a symbolic link, that is another file. Nor pathlib, which drops a "/"
    at the end.
    """
    try:
        given = os.fsencode(path)
        return os.path.join(os.getcwdb(), given) if given else path  # noqa: PTH109, PTH118
    except (TypeError, ValueError, OSError):
        # Told when it is used: it is no path, or the working directory is gone.
        return path


def text(name: str, value: str | None) -> bytes | None:
    """UTF-8 without NUL, or None."""
    return None if value is None else required(name, value)


def required(name: str, value: str) -> bytes:
    """UTF-8 without NUL."""
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a str")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        # Not chained: that error holds the whole text, which may be a secret.
        raise InvalidArgument(f"{name} is not valid Unicode: it has a lone surrogate") from None
    return _without_nul(name, encoded)


def _path(name: str, value: Path) -> bytes:
    try:
        encoded = os.fsencode(value)
    except TypeError:
        raise _wrong_type(name, value, "a str, bytes or os.PathLike") from None
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{name} cannot be encoded for the file system: {error}") from None
    if not encoded:
        raise InvalidArgument(f"{name} is empty")
    return _without_nul(name, encoded)


def _without_nul(name: str, value: bytes) -> bytes:
    if b"\0" in value:
        raise InvalidArgument(f"{name} has a NUL character in it")
    return value


def _switch(name: str, value: bool) -> bool:
    # No other truth values: insecure_skip_verify="no" must not mean yes.
    if not isinstance(value, bool):
        raise _wrong_type(name, value, "a bool")
    return value


def _number(name: str, value: int | None, most: int) -> int:
    """A number that the C type holds (which would otherwise be cut without a word); None is 0, the default."""
    if value is None:
        return 0
    try:
        number = operator.index(value)
    except TypeError:
        raise _wrong_type(name, value, "an int") from None
    if isinstance(value, bool):
        raise _wrong_type(name, value, "an int")
    if not 0 <= number <= most:
        raise InvalidArgument(f"{name} is {number}; it must be 0 to {most}")
    return number


def _number_or_auto(name: str, value: int | str | None, auto: int) -> int:
    if isinstance(value, str):
        if value != "auto":
            raise InvalidArgument(f'{name} is {value!r}; it must be a number or "auto"')
        return auto
    return _number(name, value, auto - 1)


def _milliseconds(name: str, seconds: float | None) -> int:
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _wrong_type(name, seconds, "a number of seconds")
    if not 0 < seconds <= UINT32_MAX / 1000:
        raise InvalidArgument(f"{name} is {seconds}; it must be more than 0 and at most {UINT32_MAX // 1000} seconds")
    return math.ceil(seconds * 1000)


def _choice(name: str, value: str, choices: tuple[str, ...]) -> int:
    try:
        return choices.index(value)
    except ValueError:
        known = ", ".join(f'"{choice}"' for choice in choices)
        raise InvalidArgument(f"{name} is {value!r}; it must be one of {known}") from None


def _headers(headers: Headers | None, metadata: Mapping[str, str] | None) -> list[_ffi.Header]:
    given = headers.items() if isinstance(headers, Mapping) else headers or ()
    pairs = [_pair("headers", b"", pair) for pair in given]
    return pairs + [_pair("metadata", b"x-oss-meta-", pair) for pair in (metadata or {}).items()]


def _pair(option: str, prefix: bytes, pair: tuple[str, str]) -> _ffi.Header:
    if isinstance(pair, (str, bytes)):
        raise _wrong_type(option, pair, "a mapping or pairs of str")
    name, value = pair
    encoded = required(f"a name in {option}", name)
    return _ffi.Header(prefix + encoded, required(f"{option}[{name!r}]", value))


def _wrong_type(name: str, value: object, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
