"""Shared uploads: one object from several hosts."""

from __future__ import annotations

from ctypes import byref, c_uint32, create_string_buffer
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from oss_upload import _ffi, _options, _progress, errors
from oss_upload._library import library
from oss_upload.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oss_upload._handle import Handle
    from oss_upload._options import Path, UploadOptions
    from oss_upload.results import Progress, UploadResult


def shared_upload_part_count(token: str) -> int:
    """The number of parts of a shared upload. Nothing is sent.

    Args:
        token: What `Client.begin_shared_upload()` returned.

    Raises:
        InvalidArgument: It is not a token, or is damaged. Also a ValueError.
        Unsupported: It comes from a newer version of the library.
        TypeError: It is not a str.
    """
    count, error = c_uint32(), _ffi.Error()
    if library.oss_shared_upload_part_count(_options.required("token", token), byref(count), byref(error)) != _ffi.OK:
        raise errors.from_struct(error)
    return count.value


@dataclass(frozen=True)
class Step:
    """A call of the library that starts a step, and what it takes between the options and the outputs."""

    upload: Upload
    options: _ffi.UploadOptions
    function: Callable[..., int]
    arguments: tuple[Any, ...] = ()


def begin(path: Path, bucket: str, key: str, options: UploadOptions) -> Step:
    """The step behind `Client.begin_shared_upload()`."""
    _options.file_path("path", path)
    return _step(path, bucket, key, options, library.oss_shared_upload_begin)


def send(source: tuple[Path, str, str], token: str, parts: tuple[int, int], options: UploadOptions) -> Step:
    """The step behind `Client.send_parts()`. The source is a path, a bucket and a key."""
    _options.file_path("path", source[0])
    first, last = _options.part_number("first", parts[0]), _options.part_number("last", parts[1])
    return _step(*source, options, library.oss_shared_upload_send_parts, _token(token), first, last)


def finish(source: tuple[Path | None, str, str], token: str, fragments: Iterable[str], options: UploadOptions) -> Step:
    """The step behind `Client.finish_shared_upload()`."""
    texts = _options.strings("fragments", fragments, _options.required)
    return _step(*source, options, library.oss_shared_upload_finish, _token(token), texts, len(texts))


def abort(bucket: str, key: str, token: str, options: UploadOptions) -> Step:
    """The step behind `Client.abort_shared_upload()`."""
    return _step(None, bucket, key, options, library.oss_shared_upload_abort, _token(token))


def run(
    client: Handle, step: Step, on_progress: Callable[[Progress], object] = _progress.ignore
) -> tuple[UploadResult, str]:
    """Carries out a step to its end: its result, and the token or the fragment."""
    with step.upload as upload:
        error, out = _ffi.Error(), byref(upload._handle.pointer)
        with client as pointer:
            if step.function(pointer, byref(step.options), *step.arguments, out, byref(error)) != _ffi.OK:
                raise errors.from_struct(error, path=upload.path)
        result = upload._run(on_progress)
        with upload._handle as pointer:
            size = library.oss_shared_upload_text(pointer, None, 0)
            text = create_string_buffer(size + 1)
            library.oss_shared_upload_text(pointer, text, len(text))
        return result, text.value.decode()


def _step(
    path: Path | None,
    bucket: str,
    key: str,
    options: UploadOptions,
    function: Callable[..., int],
    *arguments: Any,  # noqa: ANN401 - what C takes
) -> Step:
    struct = _options.upload_options(path, bucket, key, options)
    return Step(Upload(path, bucket, key), struct, function, arguments)


def _token(token: str) -> bytes:
    return _options.required("token", token)
