"""The memory of an object that has the buffer protocol: where it is, without a copy."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_ssize_t, c_void_p
from typing import TYPE_CHECKING

from oss_upload.errors import InvalidArgument

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Buffer, Self

# Nothing but the bytes, one after the other; read-only ones too.
_SIMPLE = 0


class _PyBuffer(ctypes.Structure):
    """Py_buffer of Python's C API."""

    _fields_ = (
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    )


class Export:
    """Holds the memory of an object: meanwhile it stays where it is, and a bytearray cannot be resized.

    ctypes' own from_buffer() takes memory that can be written only, and a memoryview does not tell its address.
    """

    def __init__(self, name: str, data: Buffer) -> None:
        self._view = _PyBuffer()
        try:
            ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(data), ctypes.byref(self._view), c_int(_SIMPLE))
        except TypeError:
            raise TypeError(f"{name} must be bytes or have the buffer protocol, not {type(data).__name__}") from None
        except (BufferError, ValueError) as error:
            message = f"{name} is not one block of bytes ({error}): copy it into one first, as bytes(...) does"
            raise InvalidArgument(message) from None
        self.address: int = self._view.buf or 0
        self.size: int = self._view.len

    def release(self) -> None:
        """Lets the memory go. May be called more than once."""
        # Python does nothing when there is nothing (left) to release.
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(self._view))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()
