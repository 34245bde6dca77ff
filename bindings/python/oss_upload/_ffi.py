"""The C API as ctypes sees it: the structs, numbers and functions of include/oss_upload.h, and nothing else.

tests/test_layout.py compares all of it with the header.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

OK = 0
PENDING = 1
END = 2
PART_SIZE_AUTO = 2**64 - 1
ROUTINES_AUTO = 2**32 - 1
ETA_UNKNOWN = 2**64 - 1


class ClientOptions(ctypes.Structure):
    """oss_client_options. Its fields are those of the table `_options.CLIENT`, which says what is put into each."""


class Header(ctypes.Structure):
    """oss_header."""

    _fields_ = (("name", c_char_p), ("value", c_char_p))


class UploadOptions(ctypes.Structure):
    """oss_upload_options. Its fields are those of the table `_options.UPLOAD`."""


class BatchOptions(ctypes.Structure):
    """oss_batch_options. Its fields are those of the table `_options.BATCH`."""


class Error(ctypes.Structure):
    """oss_error."""

    _fields_ = (
        ("status", c_int32),
        ("http_status", c_uint32),
        ("os_errno", c_int32),
        ("part_number", c_uint32),
        ("retryable", c_uint32),
        ("service_code", c_char * 64),
        ("ec", c_char * 32),
        ("request_id", c_char * 64),
        ("message", c_char * 768),
        ("reserved", c_uint32 * 19),
    )


class Result(ctypes.Structure):
    """oss_result."""

    _fields_ = (
        ("crc64", c_uint64),
        ("size", c_uint64),
        ("part_size", c_uint64),
        ("bytes_sent", c_uint64),
        ("bytes_resumed", c_uint64),
        ("elapsed_ms", c_uint64),
        ("parts", c_uint32),
        ("parts_resumed", c_uint32),
        ("attempts", c_uint32),
        ("part_size_raised", c_uint32),
        ("etag", c_char * 64),
        ("version_id", c_char * 128),
        ("request_id", c_char * 64),
        ("upload_id", c_char * 256),
        ("restart_reason", c_char * 160),
        ("callback_response_size", c_uint64),
        ("reserved", c_uint64 * 35),
    )


class Progress(ctypes.Structure):
    """oss_progress."""

    _fields_ = (
        ("phase", c_uint32),
        ("parts_total", c_uint32),
        ("parts_done", c_uint32),
        ("retries", c_uint32),
        ("total_bytes", c_uint64),
        ("done_bytes", c_uint64),
        ("resumed_bytes", c_uint64),
        ("sent_bytes", c_uint64),
        ("bytes_per_second", c_uint64),
        ("eta_ms", c_uint64),
        ("reserved", c_uint64 * 8),
    )


class BatchProgress(ctypes.Structure):
    """oss_batch_progress."""

    _fields_ = (
        ("files_found", c_uint64),
        ("bytes_found", c_uint64),
        ("files_stored", c_uint64),
        ("files_resumed", c_uint64),
        ("files_unchanged", c_uint64),
        ("files_skipped", c_uint64),
        ("files_failed", c_uint64),
        ("bytes_done", c_uint64),
        ("bytes_sent", c_uint64),
        ("requests", c_uint64),
        ("retries", c_uint64),
        ("bytes_per_second", c_uint64),
        ("files_per_second", c_uint64),
        ("eta_ms", c_uint64),
        ("current_done", c_uint64),
        ("current_size", c_uint64),
        ("totals_known", c_uint32),
        ("ended", c_uint32),
        ("current_path", c_char * 512),
        ("reserved", c_uint64 * 47),
    )


class BatchResult(ctypes.Structure):
    """oss_batch_result."""

    _fields_ = (
        ("files_stored", c_uint64),
        ("files_resumed", c_uint64),
        ("files_unchanged", c_uint64),
        ("files_skipped", c_uint64),
        ("files_failed", c_uint64),
        ("files_planned", c_uint64),
        ("bytes_stored", c_uint64),
        ("bytes_sent", c_uint64),
        ("requests", c_uint64),
        ("manifest_lines_damaged", c_uint64),
        ("elapsed_ms", c_uint64),
        ("reserved", c_uint64 * 21),
    )


class Outcome(ctypes.Structure):
    """oss_outcome."""

    _fields_ = (
        ("status", c_uint32),
        ("resumed", c_uint32),
        ("size", c_uint64),
        ("crc64", c_uint64),
        ("attempts", c_uint32),
        ("reserved", c_uint32),
        ("path", c_char * 4096),
        ("key", c_char * 1024),
        ("etag", c_char * 64),
        ("version_id", c_char * 128),
        ("request_id", c_char * 64),
        ("rule", c_char * 512),
        ("error", Error),
        ("reserved2", c_uint64 * 156),
    )


class Event(ctypes.Structure):
    """oss_event."""

    _fields_ = (
        ("kind", c_uint32),
        ("part_number", c_uint32),
        ("attempt", c_uint32),
        ("http_status", c_uint32),
        ("concurrency", c_uint32),
        ("reserved", c_uint32),
        ("upload", c_uint64),
        ("at_ms", c_uint64),
        ("elapsed_ms", c_uint64),
        ("bytes", c_uint64),
        ("dropped", c_uint64),
        ("operation", c_char * 32),
        ("service_code", c_char * 64),
        ("request_id", c_char * 64),
        ("object_key", c_char * 256),
        ("message", c_char * 512),
        ("reserved2", c_uint64 * 4),
    )


# The call that waits: oss_upload_file(), and oss_client_upload_file() for programs that have Alibaba Cloud's C SDK too.
# Client starts and waits in slices instead: between these Python sees Ctrl-C, a second one can leave at once, and what
# the callback was answered is told of started uploads only.
ProgressFunction = ctypes.CFUNCTYPE(c_int32, POINTER(Progress), c_void_p)
_UPLOAD_FILE: tuple[Any, tuple[Any, ...]] = (
    c_int32,
    (c_void_p, POINTER(UploadOptions), POINTER(Result), POINTER(Error), ProgressFunction, c_void_p),
)
# A library that was built without its feature upload-file-symbol lacks it.
OPTIONAL = frozenset({"oss_upload_file"})

# Result and arguments of every function of the header.
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "oss_client_new": (c_int32, (POINTER(ClientOptions), POINTER(c_void_p), POINTER(Error))),
    "oss_client_set_credentials": (c_int32, (c_void_p, c_char_p, c_char_p, c_char_p, POINTER(Error))),
    "oss_client_free": (None, (c_void_p,)),
    "oss_upload_file": _UPLOAD_FILE,
    "oss_client_upload_file": _UPLOAD_FILE,
    "oss_upload_start": (c_int32, (c_void_p, POINTER(UploadOptions), POINTER(c_void_p), POINTER(Error))),
    "oss_upload_wait": (c_int32, (c_void_p, c_uint32, POINTER(Progress), POINTER(Result), POINTER(Error))),
    "oss_upload_callback_response": (c_size_t, (c_void_p, c_char_p, c_size_t)),
    "oss_upload_pause": (None, (c_void_p,)),
    "oss_upload_cancel": (None, (c_void_p,)),
    "oss_upload_free": (None, (c_void_p,)),
    "oss_upload_memory": (
        c_int32,
        (
            c_void_p,
            POINTER(UploadOptions),
            c_void_p,
            c_size_t,
            POINTER(Result),
            POINTER(Error),
            ProgressFunction,
            c_void_p,
        ),
    ),
    "oss_upload_memory_start": (
        c_int32,
        (c_void_p, POINTER(UploadOptions), c_void_p, c_size_t, POINTER(c_void_p), POINTER(Error)),
    ),
    "oss_shared_upload_begin": (c_int32, (c_void_p, POINTER(UploadOptions), POINTER(c_void_p), POINTER(Error))),
    "oss_shared_upload_send_parts": (
        c_int32,
        (c_void_p, POINTER(UploadOptions), c_char_p, c_uint32, c_uint32, POINTER(c_void_p), POINTER(Error)),
    ),
    "oss_shared_upload_finish": (
        c_int32,
        (c_void_p, POINTER(UploadOptions), c_char_p, POINTER(c_char_p), c_size_t, POINTER(c_void_p), POINTER(Error)),
    ),
    "oss_shared_upload_abort": (
        c_int32,
        (c_void_p, POINTER(UploadOptions), c_char_p, POINTER(c_void_p), POINTER(Error)),
    ),
    "oss_shared_upload_text": (c_size_t, (c_void_p, c_char_p, c_size_t)),
    "oss_shared_upload_part_count": (c_int32, (c_char_p, POINTER(c_uint32), POINTER(Error))),
    "oss_stream_open": (c_int32, (c_void_p, POINTER(UploadOptions), POINTER(c_void_p), POINTER(Error))),
    "oss_stream_write": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(Error))),
    "oss_stream_try_write": (
        c_int32,
        (c_void_p, c_void_p, c_size_t, c_uint32, POINTER(c_size_t), POINTER(Error)),
    ),
    "oss_stream_finish": (c_int32, (c_void_p, POINTER(Result), POINTER(Error))),
    "oss_stream_try_finish": (c_int32, (c_void_p, c_uint32, POINTER(Result), POINTER(Error))),
    "oss_stream_abort": (None, (c_void_p,)),
    "oss_stream_pause": (None, (c_void_p,)),
    "oss_stream_resume": (None, (c_void_p,)),
    "oss_stream_progress": (c_int32, (c_void_p, POINTER(Progress))),
    "oss_stream_callback_response": (c_size_t, (c_void_p, c_char_p, c_size_t)),
    "oss_stream_free": (None, (c_void_p,)),
    "oss_batch_start": (c_int32, (c_void_p, POINTER(BatchOptions), POINTER(c_void_p), POINTER(Error))),
    "oss_batch_add": (c_int32, (c_void_p, c_char_p, c_char_p, POINTER(Error))),
    "oss_batch_try_add": (c_int32, (c_void_p, c_char_p, c_char_p, c_uint32, POINTER(Error))),
    "oss_batch_seal": (c_int32, (c_void_p, POINTER(Error))),
    "oss_batch_wait": (
        c_int32,
        (c_void_p, c_uint32, POINTER(BatchProgress), POINTER(BatchResult), POINTER(Error)),
    ),
    "oss_batch_next_outcome": (c_int32, (c_void_p, c_uint32, POINTER(Outcome))),
    "oss_batch_pause": (None, (c_void_p,)),
    "oss_batch_cancel": (None, (c_void_p,)),
    "oss_batch_free": (None, (c_void_p,)),
    "oss_manifest_merge": (c_int32, (c_char_p, POINTER(c_char_p), c_size_t, POINTER(Error))),
    "oss_client_next_event": (c_int32, (c_void_p, POINTER(Event))),
    "oss_upload_next_event": (c_int32, (c_void_p, POINTER(Event))),
    "oss_stream_next_event": (c_int32, (c_void_p, POINTER(Event))),
    "oss_version": (c_char_p, ()),
    "oss_version_number": (c_uint32, ()),
    "oss_status_name": (c_char_p, (c_int32,)),
}


def declare(library: ctypes.CDLL) -> None:
    """Tells ctypes the result and the arguments of every function; AttributeError when the library lacks one."""
    for name, (result, arguments) in FUNCTIONS.items():
        if name in OPTIONAL and not hasattr(library, name):
            continue
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


def callback_response(function: Any, pointer: c_void_p, size: int) -> bytes:  # noqa: ANN401 - a function of ctypes
    """What the application server answered, of `size` bytes, from oss_upload_callback_response() or that of streams."""
    if size == 0:
        return b""
    buffer = ctypes.create_string_buffer(size + 1)
    function(pointer, buffer, len(buffer))
    return buffer.raw[:size]


def text(array: bytes) -> str:
    """The text in a char array of the library, which is UTF-8."""
    return array.decode("utf-8", "replace")
