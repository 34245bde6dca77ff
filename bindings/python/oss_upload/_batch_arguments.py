"""The command's options for many files."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Those for one file or stream, which a batch does otherwise or not at all.
_OF_ONE = (
    "resume",
    "checkpoint",
    "checkpoint_dir",
    "routines",
    "verify_resume",
    "content_md5",
    "max_memory",
    "spool_dir",
    "spool_limit",
)
_MANIFEST_INSTEAD = "a batch goes on from its manifest: use --manifest PATH"
_INSTEAD = {
    "resume": _MANIFEST_INSTEAD,
    "checkpoint": _MANIFEST_INSTEAD,
    "checkpoint_dir": _MANIFEST_INSTEAD,
    "routines": "use --connections N",
}


def are_for_a_batch(options: argparse.Namespace) -> bool:
    """Whether many files are to be uploaded."""
    return options.recursive or options.files_from is not None


def add_to(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """Adds the options; returns those that make no sense without `-r` or `--files-from`."""
    group = parser.add_argument_group("many files (see docs/many-files.md)")
    group.add_argument(
        "-r", "--recursive", action="store_true", help="FILE is a folder: upload all files in it and below"
    )
    group.add_argument(
        "--files-from",
        metavar="LIST",
        help="upload the files that this file lists, a path or PATH<tab>KEY a line; - is standard input",
    )
    modes = group.add_mutually_exclusive_group()
    return [
        group.add_argument("-0", "--null", action="store_true", help="entries of LIST end with a zero byte"),
        group.add_argument(
            "--manifest",
            metavar="PATH",
            help="keep what became of every file here: the same command goes on where it stopped, and the options "
            "below compare with it",
        ),
        modes.add_argument(
            "--only-changed",
            dest="mode",
            action="store_const",
            const="changed",
            default="all",
            help="only files that are not as the manifest says",
        ),
        group.add_argument(
            "--compare-remote",
            action="store_true",
            help="with --only-changed: ask the bucket about files that the manifest does not know",
        ),
        modes.add_argument(
            "--retry-failed", dest="mode", action="store_const", const="retry_failed", help="only files that failed"
        ),
        modes.add_argument(
            "--verify",
            dest="mode",
            action="store_const",
            const="verify",
            help="upload nothing; compare the bucket's list with the manifest",
        ),
        modes.add_argument(
            "--verify-full",
            dest="mode",
            action="store_const",
            const="verify_full",
            help="upload nothing; compare the CRC-64 of every object and file with the manifest",
        ),
        group.add_argument("--dry-run", action="store_true", help="upload nothing; say what would be"),
        group.add_argument(
            "--exclude",
            metavar="RULE",
            action="append",
            default=[],
            help="leave files out, as a line of a .gitignore file does; may be repeated",
        ),
        group.add_argument(
            "--include", metavar="RULE", action="append", default=[], help="only files that such a rule names; same"
        ),
        group.add_argument("--ignore-files", action="store_true", help="also take rules from files named .ossignore"),
        group.add_argument(
            "--symlinks", choices=["follow", "skip", "refuse"], default="follow", help="(default follow)"
        ),
        group.add_argument(
            "--key-encoding",
            choices=["refuse", "percent"],
            default="refuse",
            help="names that cannot be keys fail (default), or are percent-encoded",
        ),
        group.add_argument("--empty-directories", action="store_true", help="store empty folders, as KEY/"),
        group.add_argument("--keep-mtime", action="store_true", help="store modification times as x-oss-meta-mtime"),
        group.add_argument("--stop-on-error", action="store_true", help="end with the first file that fails"),
        group.add_argument(
            "--connections",
            metavar="N",
            type=_connections,
            default="auto",
            help="requests at the same time: 1 to 100, or auto",
        ),
        group.add_argument("--max-requests-per-second", metavar="N", type=int, help="no limit by default"),
        group.add_argument(
            "--shard",
            metavar="I/N",
            type=_shard,
            default=(0, 0),
            help="only the files of shard I of N, from 1/N to N/N: for several machines",
        ),
    ]


def check(parser: argparse.ArgumentParser, options: argparse.Namespace, of_a_batch: Sequence[argparse.Action]) -> None:
    """Refuses what makes no sense together, by name."""
    _, prefix = options.destination
    if not are_for_a_batch(options):
        for action in of_a_batch:
            given = getattr(options, action.dest)
            if given != action.default and action.const in (None, True, given):
                parser.error(f"{action.option_strings[-1]} is for many files: use it with -r or --files-from")
        if os.path.isdir(options.file):  # noqa: PTH112 - pathlib takes a while to import
            parser.error(f"{options.file} is a folder: use -r to upload all files in it and below")
        return
    if options.exec is not None:
        parser.error("--exec uploads one stream: it cannot be used with -r or --files-from")
    if options.recursive and options.files_from is not None:
        parser.error("-r uploads a folder, --files-from a list: use one of them")
    if options.recursive and options.file == "-":
        parser.error("with -r, FILE must be a folder")
    if options.null and options.files_from is None:
        parser.error("--null is about a list: use it with --files-from")
    _check_mode(parser, options)
    for name in _OF_ONE:
        if getattr(options, name) != parser.get_default(name):
            why = _INSTEAD.get(name, "it is for one file or stream")
            parser.error(f"--{name.replace('_', '-')} cannot be used with -r or --files-from: {why}")
    if prefix and not prefix.endswith("/"):
        bucket, _ = options.destination
        parser.error(
            f"with -r or --files-from, the destination is what keys begin with, and must end with a slash: "
            f"oss://{bucket}/{prefix}/"
        )


def _check_mode(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.compare_remote and options.mode != "changed":
        parser.error("--compare-remote is about files that have changed: use it with --only-changed")
    if options.mode == "changed" and not (options.manifest or options.compare_remote):
        parser.error("--only-changed needs something to compare with: --manifest PATH, or --compare-remote")
    if options.mode in ("retry_failed", "verify", "verify_full") and not options.manifest:
        parser.error(f"--{options.mode.replace('_', '-')} needs --manifest PATH, which says what was stored")


def _connections(text: str) -> int | str:
    if text != "auto" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or auto")
    return text if text == "auto" else int(text)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    index, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form I/N, from 1/N to N/N")
    return index - 1, count


def of_kind(kind: type, options: argparse.Namespace) -> dict[str, Any]:
    """The arguments whose names are those of the package's options."""
    return {name: getattr(options, name) for name in kind.__annotations__ if hasattr(options, name)}
