"""The command with `-r` or `--files-from`: uploads many files, and says what becomes of them."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any, cast

import oss_upload
from oss_upload import BatchOptions, OutcomeStatus, _list, _output
from oss_upload._bar import size
from oss_upload._batch_arguments import of_kind
from oss_upload._batch_lines import BatchLines, printable
from oss_upload._input import Input
from oss_upload._report import ExitStatus, complain, described, json_of

if TYPE_CHECKING:
    import argparse
    import contextlib
    from collections.abc import Iterable

    from oss_upload._command import Stop
    from oss_upload.batch import Pair
    from oss_upload.outcomes import BatchResult, Outcome


class BatchCommand:
    """One run of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        has_terminal = not (options.quiet or options.verbose) and sys.stderr is not None and sys.stderr.isatty()
        self._lines = BatchLines(sys.stderr if has_terminal else None)
        self._lost: OSError | None = None

    def upload(self, client: oss_upload.Client, stack: contextlib.ExitStack, stop: Stop) -> BatchResult:
        """Uploads the files, and tells what fails as it happens."""
        options, reads_list = self._options, self._options.files_from == "-"
        batch = client.start_batch(
            *options.destination,
            directory=options.file if options.recursive else None,
            list_path=None if reads_list else options.files_from,
            list_null_separated=options.null and not reads_list,
            **_batch_options(options),
        )
        stack.enter_context(batch)
        stop.watch(lambda _: batch.pause())
        stack.enter_context(self._lines)
        return batch._run(self._tell, self._lines.show, self._listed(stop) if reads_list else ())

    def stored(self, result: BatchResult) -> int:
        """The last words when all went well."""
        if self._options.json:
            self._write_json(self._json_of(ExitStatus.STORED, result, None))
        elif not self._options.quiet:
            self._write(self._summary(result))
        if self._lost is not None:
            complain(f"all is done, but standard output cannot be written: {self._lost.strerror}")
            return ExitStatus.OUTPUT
        return ExitStatus.STORED

    def failed(self, error: oss_upload.OSSUploadError, status: int) -> int:
        """The last words when it did not."""
        complain(error.message)
        result = error.result if isinstance(error.result, oss_upload.BatchResult) else None
        if result is not None:
            complain(self._summary(result))
        if isinstance(error, oss_upload.Paused):
            complain(self._how_to_go_on())
        if self._options.json:
            self._write_json(self._json_of(status, result, error))
        return status

    def _listed(self, stop: Stop) -> Iterable[Pair | None]:
        source = Input()
        return _list.pairs(lambda: b"" if stop.stopped else source.read(), null_separated=self._options.null)

    def _tell(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._lines.clear()
            complain(f"{printable(outcome.path)}: {outcome.error.message}")
        if self._options.json:
            self._write_json(
                {
                    **vars(outcome),
                    "status": outcome.status.name.lower(),
                    # Many readers of JSON would round it.
                    "crc64": str(outcome.crc64),
                    "error": described(outcome.error),
                }
            )
        elif self._options.dry_run and not self._options.quiet:
            self._tell_plan(outcome)

    def _tell_plan(self, outcome: Outcome) -> None:
        path, (bucket, _) = printable(outcome.path), self._options.destination
        if outcome.status is OutcomeStatus.PLANNED:
            self._write(f"would upload {path} to oss://{bucket}/{printable(outcome.key)}, {size(outcome.size)}")
        elif outcome.status is OutcomeStatus.SKIPPED:
            self._write(f"would leave out {path} ({printable(outcome.rule)})")

    def _summary(self, result: BatchResult) -> str:
        bucket, prefix = self._options.destination
        is_check = self._options.mode in ("verify", "verify_full")
        counts = {
            "as they should be" if is_check else "unchanged": result.files_unchanged,
            "left out": result.files_skipped,
            "to be uploaded": result.files_planned,
            "failed": result.files_failed,
        }
        words = [f"{count} {what}" for what, count in counts.items() if count]
        if result.files_stored:
            earlier = f", {result.files_resumed} of them earlier" if result.files_resumed else ""
            words.insert(0, f"{result.files_stored} stored ({size(result.bytes_stored)}{earlier})")
        if result.manifest_lines_damaged:
            words.append(f"{result.manifest_lines_damaged} damaged lines of the manifest, whose files were done again")
        return f"oss://{bucket}/{prefix}: {', '.join(words) or 'no files'} in {result.elapsed:.1f} s"

    def _how_to_go_on(self) -> str:
        if self._options.manifest:
            return "run the same command again to go on: what is stored is not sent again"
        return "the same command starts again: use --manifest PATH to go on where it stops"

    def _json_of(
        self, status: int, result: BatchResult | None, error: oss_upload.OSSUploadError | None
    ) -> dict[str, Any]:
        """The line of the end: as for one file, but for what is uploaded, and where to."""
        options = self._options
        bucket, prefix = options.destination
        told = json_of(status, options.file or options.files_from, (bucket, ""), None, error)
        del told["key"]
        return {**told, "prefix": prefix, "result": result and dataclasses.asdict(result)}

    def _write_json(self, told: dict[str, Any]) -> None:
        self._write(json.dumps(told))

    def _write(self, line: str) -> None:
        """A line of standard output; nothing more after one was lost."""
        if self._lost is None:
            self._lines.clear()
            self._lost = _output.write(sys.stdout, f"{line}\n")


def _batch_options(options: argparse.Namespace) -> BatchOptions:
    given = of_kind(BatchOptions, options)
    given["metadata"] = dict(options.metadata)
    given["shard_index"], given["shard_count"] = options.shard
    return cast("BatchOptions", given)
