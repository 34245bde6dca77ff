"""What the command sends without a file: its standard input, or the output of another command."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

from oss_upload.errors import Cancelled, LocalFileError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Buffer, Self

SIZE = 2**20
# Of Linux; Python knows the name since 3.10.
_F_SETPIPE_SZ = 1031
SLICE = 0.1
# Seconds that a command has to end after it was asked to.
PATIENCE = 5.0


class CommandFailed(Cancelled):
    """The command whose output was uploaded has failed; so the upload was aborted."""


class Input:
    """Standard input."""

    name = "standard input"

    def __init__(self) -> None:
        self._open(0)

    def _open(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._block = memoryview(bytearray(SIZE))
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - only there

            msvcrt.setmode(descriptor, os.O_BINARY)
            return
        import fcntl  # noqa: PLC0415 - not there

        # A pipe of 64 KiB wakes both ends for every piece. What is no pipe refuses that, and so may the system.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, SIZE)

    def read(self) -> Buffer | None:
        """What is there, until the next call; None when nothing came for a while; nothing at the end."""
        try:
            if sys.platform == "win32":
                # Windows cannot wait for a pipe: it is read until something comes.
                return os.read(self._descriptor, SIZE)
            if not select.select((self._descriptor,), (), (), SLICE)[0]:
                return None
            return self._block[: os.readv(self._descriptor, [self._block])]
        except BlockingIOError:
            return None
        except OSError as error:
            message = f"{self.name} cannot be read: {error.strerror}"
            raise LocalFileError(message, os_errno=error.errno or 0) from None

    def signal(self, number: int) -> None:
        """A signal came."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to clean up."""


class Output(Input):
    """The standard output of a command that the shell runs. It ends well only when the command does."""

    name = "the output of the command"

    def __init__(self, command: str) -> None:
        # A group of its own, to which signals are passed on; and a session, since a group in the background would be
        # stopped when it reads from the terminal.
        import subprocess  # noqa: PLC0415 - standard input does without

        self._process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S602
        self._still_runs = subprocess.TimeoutExpired
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self._open(self._process.stdout.fileno())
        self._ended = False

    def read(self) -> Buffer | None:
        """As of standard input. At the end of the output it waits for that of the command."""
        if not self._ended:
            data = super().read()
            if data is None or memoryview(data).nbytes:
                return data
            self._ended = True
        try:
            status = self._process.wait(SLICE)
        except self._still_runs:
            return None
        if status:
            raise CommandFailed(f"the command {_said(status)}: no object is stored")
        return b""

    def signal(self, number: int) -> None:
        """Passes it on to the command and all that it has started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform == "win32":
                    self._process.terminate()
                else:
                    os.killpg(self._process.pid, number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the command if it still runs."""
        if self._process.stdout is not None:
            self._process.stdout.close()
        deadline = time.monotonic() + PATIENCE
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(SLICE / 10)


def _said(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
