"""How an upload, a stream or a batch ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Generic, TypeVar

from oss_upload import _ffi, errors

if TYPE_CHECKING:
    from oss_upload._options import Path
    from oss_upload.outcomes import BatchProgress, BatchResult
    from oss_upload.results import Progress, UploadResult

ProgressType = TypeVar("ProgressType", "Progress", "BatchProgress")
ResultType = TypeVar("ResultType", "UploadResult", "BatchResult")


@dataclass(frozen=True)
class End(Generic[ProgressType, ResultType]):
    """What the library told last."""

    path: Path | None
    progress: ProgressType
    result: ResultType
    error: _ffi.Error | None

    def outcome(self) -> ResultType:
        """The result, or the failure, which it raises."""
        if self.error is None:
            return self.result
        # A new one each time: an error that is raised twice collects the tracebacks of both.
        raise errors.from_struct(self.error, self.result, self.path)

    def report(self, on_progress: Callable[[ProgressType], object]) -> ResultType:
        """The outcome, after the last report. What that raises has the failure as its context."""
        try:
            return self.outcome()
        finally:
            on_progress(self.progress)
