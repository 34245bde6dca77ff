"""The command `oss-upload manifest merge`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import oss_upload
from oss_upload._report import PROGRAM, ExitStatus, complain, exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = """\
Writes one manifest of those of all shards of a batch, each of which was uploaded with --shard. It is that of the same
batch without --shard, for --only-changed, --verify and --verify-full. Nothing is sent. Nothing is written either unless
the manifests are of the same batch, each shard is there once, and each has come to its end."""


def is_meant(arguments: Sequence[str]) -> bool:
    """No upload has these words: the second would be a destination."""
    return list(arguments[:2]) == ["manifest", "merge"]


def main(arguments: Sequence[str]) -> int:
    """Runs the command with what follows its two words; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} manifest merge",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("out", metavar="OUT", help="the manifest to write; an existing one of that batch is replaced")
    parser.add_argument("manifests", metavar="MANIFEST", nargs="+", help="the manifest of a shard")
    options = parser.parse_args(arguments)
    try:
        oss_upload.merge_manifests(options.out, options.manifests)
    except oss_upload.OSSUploadError as error:
        complain(str(error))
        return exit_status(error)
    return ExitStatus.STORED
