"""The command `oss-upload`, also `python -m oss_upload`: uploads a file, a stream, or many files."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, Callable, NoReturn, cast

import oss_upload
from oss_upload import _batch_arguments, _manifest_command, _output
from oss_upload._bar import Bar, size
from oss_upload._batch_arguments import of_kind
from oss_upload._handle import ClosedError
from oss_upload._input import CommandFailed, Input, Output
from oss_upload._library import library
from oss_upload._report import PROGRAM, ExitStatus, complain, exit_status, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType, TracebackType

    from _typeshed import SupportsWrite
    from typing_extensions import Buffer, Self

    from oss_upload.outcomes import BatchResult
    from oss_upload.results import Progress, UploadResult

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

USAGE = f"""\
{PROGRAM} [OPTION]... FILE oss://BUCKET/KEY
       {PROGRAM} [OPTION]... --exec COMMAND oss://BUCKET/KEY
       {PROGRAM} [OPTION]... -r FOLDER oss://BUCKET/PREFIX/
       {PROGRAM} [OPTION]... --files-from LIST oss://BUCKET/PREFIX/
       {PROGRAM} manifest merge OUT MANIFEST..."""
EPILOG = """\
The access key is never an argument, which other users of the machine could read. It comes from OSS_ACCESS_KEY_ID,
OSS_ACCESS_KEY_SECRET and, for a temporary key, OSS_SESSION_TOKEN in the environment, or from another source: see
--credentials. Sizes are in bytes, or have a unit: 8MiB or 8M is 8 * 1024 * 1024, 8MB is 8,000,000.

Ctrl-C and SIGTERM pause the upload, which takes about a second; a second Ctrl-C does not wait. With --resume,
--checkpoint or --checkpoint-dir, the same command resumes where it stopped, even after it was killed or failed.

With - as FILE, standard input is uploaded; with --exec, the output of a command, if it ends with status 0. Ctrl-C and
SIGTERM end both, and are passed on to the command, which has no terminal. Nothing is kept then, unless there is a
--checkpoint: if the same command produces the same bytes again, what the server has is not sent again.

With -r, FILE is a folder: oss-upload -r /data/photos oss://my-bucket/photos/ makes /data/photos/a/b.jpg the object
photos/a/b.jpg. Files that fail are named on standard error, and stop nothing. Ctrl-C pauses; with --manifest, the same
command goes on. With --json there is a line for each file, and then one for all.

exit status:
  0    the object is stored; of a batch: all files are as they should be
  1    a bug in this program
  2    an argument is invalid, or not supported by this version
  3    the server refused the request
  4    the server could not be reached, or did not respond, too often: try again later
  5    the local file cannot be read
  6    no credentials were found
  7    the local file changed during the upload
  8    the object's CRC-64 differs from the file's
  9    the checkpoint cannot be written, or another upload holds it
  10   the object is stored, but the application server's callback failed
  11   the object is stored, but standard output is full or a closed pipe: the report is lost
  12   the system could not create a thread: a process or memory limit is reached; try again later
  13   the command of --exec failed: no object is stored
  14   some files of a batch failed; each is named on standard error
  130  paused by Ctrl-C (143: by SIGTERM); without a file or a checkpoint, aborted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if _manifest_command.is_meant(given):
        return _manifest_command.main(given[2:])
    with Stop() as stop:
        return _run(_parse(given), stop)


def _run(options: argparse.Namespace, stop: Stop) -> int:
    command: Any = _Command(options)
    if _batch_arguments.are_for_a_batch(options):
        from oss_upload._batch_command import BatchCommand  # noqa: PLC0415 - one file does without it

        command = BatchCommand(options)
    try:
        with stop.at_the_end(), _client(options) as client, contextlib.ExitStack() as stack:
            result = command.upload(client, stack, stop)
    except CommandFailed as error:
        status = command.failed(error, ExitStatus.COMMAND)
    except (oss_upload.Paused, oss_upload.Cancelled) as error:
        status = command.failed(error, stop.exit_status)
    except oss_upload.OSSUploadError as error:
        status = command.failed(error, exit_status(error))
    else:
        status = command.stored(result)
    return cast("int", status)


def _stream(
    options: argparse.Namespace, client: oss_upload.Client, stack: contextlib.ExitStack, stop: Stop
) -> UploadResult:
    """Uploads what has no file. A command starts when the options are known to be right, and ends before the stream."""
    show = _shown(options, stack, sized=False)
    stream = stack.enter_context(client.open_stream(*options.destination, **_upload_options(options)))
    source = stack.enter_context(Input() if options.exec is None else Output(options.exec))

    def stopped(number: int) -> None:
        # First: a command may end well because of the signal.
        if options.checkpoint:
            stream.leave()
        else:
            stream.abort()
        source.signal(number)

    def read() -> Buffer | None:
        try:
            data = source.read()
        except CommandFailed:
            if not stop.stopped:
                raise
            data = None
        # Aborted or left: the end says so.
        return b"" if stop.stopped else data

    stop.watch(stopped)
    try:
        return stream._run(read, show)
    except ClosedError:
        raise oss_upload.Paused("the stream was stopped before its end: no object is stored") from None


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    named = {argument.partition("=")[0] for argument in arguments}
    has_command = "--exec" in named
    parser = _parser(as_json="--json" in arguments, has_file=named.isdisjoint({"--exec", "--files-from"}))
    options = parser.parse_args(arguments)
    _batch_arguments.check(parser, options, parser.of_a_batch)
    bucket, key = options.destination
    if _batch_arguments.are_for_a_batch(options):
        return options
    if has_command or options.file == "-":
        if not key or key.endswith("/"):
            parser.error("KEY must be complete: what is uploaded is no file, and has no name to add")
        if (options.resume or options.checkpoint_dir) and not options.checkpoint:
            parser.error("what is uploaded is no file, beside which a checkpoint could be: use --checkpoint PATH")
    elif not key or key.endswith("/"):
        from pathlib import Path  # noqa: PLC0415 - it takes a while, and is seldom needed

        key += Path(options.file).name
    options.destination = bucket, key
    return options


class _Parser(argparse.ArgumentParser):
    """Reports an invalid argument as JSON too, if requested."""

    as_json = False
    of_a_batch: Sequence[argparse.Action] = ()

    def error(self, message: str) -> NoReturn:
        if self.as_json:
            response = json_of(ExitStatus.USAGE, error=oss_upload.InvalidArgument(message))
            _output.write(sys.stdout, json.dumps(response) + "\n")
        super().error(message)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Prints help, version and usage for argparse, which leaves it to Python's end to say that this failed."""
        is_error = file is sys.stderr
        if is_error:
            _output.write(sys.stderr, message)
        elif error := _output.write(sys.stdout, message):
            complain(f"standard output cannot be written: {error.strerror}")
            self.exit(ExitStatus.OUTPUT)


def _parser(*, as_json: bool, has_file: bool = True) -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        usage=USAGE,
        description="Uploads a file, a stream or many files to Alibaba Cloud OSS: verified, and resumable.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.as_json = as_json
    version = f"{PROGRAM} {oss_upload.__version__} (liboss_upload {library.oss_version().decode()})"
    parser.add_argument("--version", action="version", version=version)
    if has_file:
        parser.add_argument("file", metavar="FILE", help="the local file; - is standard input")
    else:
        parser.set_defaults(file="")
    parser.add_argument(
        "destination",
        metavar="oss://BUCKET/KEY",
        type=_destination,
        help="the object; when KEY is missing or ends with /, the file's name is added, or the paths of many files",
    )

    upload = parser.add_argument_group("the upload")
    upload.add_argument(
        "--exec", metavar="COMMAND", help="run this shell command and upload its output instead of FILE"
    )
    upload.add_argument("--resume", action="store_true", help="keep a checkpoint next to the file, as FILE.cp")
    upload.add_argument("--checkpoint", metavar="PATH", help="keep the checkpoint in this file")
    upload.add_argument("--checkpoint-dir", metavar="DIR", help="keep the checkpoint in this directory")
    upload.add_argument("--part-size", metavar="SIZE", type=_part_size, default="auto", help="100KiB to 5GiB, or auto")
    upload.add_argument(
        "--routines", metavar="N", type=_routines, default="auto", help="parts sent at the same time: 1 to 100, or auto"
    )
    upload.add_argument(
        "--header",
        dest="headers",
        metavar="'NAME: VALUE'",
        type=_header,
        action="append",
        default=[],
        help="""such
        as 'Content-Type: video/mp4' or 'x-oss-object-acl: private'; may be repeated""",
    )
    upload.add_argument(
        "--meta",
        dest="metadata",
        metavar="NAME=VALUE",
        type=_meta,
        action="append",
        default=[],
        help="the object's own metadata; same",
    )
    upload.add_argument(
        "--on-file-change", choices=["restart", "fail"], default="restart", help="what to do if FILE changes"
    )
    upload.add_argument(
        "--verify-resume",
        choices=["in-doubt", "always", "never"],
        default="in-doubt",
        help="""whether
        what is on the server already is compared with FILE again""",
    )
    upload.add_argument("--content-md5", action="store_true", help="send MD5 too; CRC-64 is always checked")
    upload.add_argument("--max-memory", metavar="SIZE", type=_size, help="memory for a stream (default 64MiB)")
    upload.add_argument("--spool-dir", metavar="DIR", help="directory for what does not fit into memory")
    upload.add_argument("--spool-limit", metavar="SIZE", type=_size, help="maximum bytes of a stream in --spool-dir")

    parser.of_a_batch = _batch_arguments.add_to(parser)

    client = parser.add_argument_group("the server")
    client.add_argument(
        "--endpoint",
        metavar="HOST",
        default=os.environ.get("OSS_ENDPOINT") or None,
        help="such as oss-cn-hangzhou.aliyuncs.com (default: the variable OSS_ENDPOINT, or from the region)",
    )
    client.add_argument(
        "--region",
        default=os.environ.get("OSS_REGION") or None,
        help="such as cn-hangzhou (default: the variable OSS_REGION)",
    )
    client.add_argument(
        "--credentials",
        metavar="SOURCE",
        help="""env, profile[:NAME], process:COMMAND,
        ecs-role[:NAME], oidc, uri[:URL] or anonymous; else the first that is configured of
        env, oidc, profile, ecs-role, uri""",
    )
    client.add_argument(
        "--credentials-wait", metavar="SECONDS", type=float, help="how long to wait for new credentials"
    )
    client.add_argument(
        "--signature-version", type=int, choices=[1, 4], default=0, help="default: 4 if the region is known"
    )
    client.add_argument("--cname", action="store_true", help="the endpoint is a custom domain of the bucket")
    client.add_argument("--path-style", action="store_true", help="the bucket goes into the path")
    client.add_argument(
        "--max-rate",
        dest="max_bytes_per_second",
        metavar="SIZE",
        type=_size,
        help="bytes per second, such as 10MiB",
    )
    client.add_argument("--max-attempts", metavar="N", type=int, help="attempts for each request (default 8)")
    client.add_argument("--connect-timeout", metavar="SECONDS", type=float, help="to open a connection (default 10)")
    client.add_argument("--stall-timeout", metavar="SECONDS", type=float, help="without data transfer (default 30)")
    client.add_argument("--proxy", metavar="URL", type=_proxy, help="env reads https_proxy and similar variables")
    client.add_argument("--ca-file", metavar="PEM", help="authorities to trust; system: the platform's")
    client.add_argument("--insecure-skip-verify", action="store_true", help="for tests only")

    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="JSON on standard output, whatever happens")
    output.add_argument("-q", "--quiet", action="store_true", help="print only errors (and --json)")
    output.add_argument("-v", "--verbose", action="count", default=0, help="print internal events; -vv: all of them")
    return parser


def _client(options: argparse.Namespace) -> oss_upload.Client:
    if options.verbose:
        os.environ["OSS_UPLOAD_LOG"] = "info" if options.verbose == 1 else "debug"
    given = of_kind(oss_upload.ClientOptions, options)
    return oss_upload.Client(options.endpoint, user_agent=f"{PROGRAM}/{oss_upload.__version__}", **given)


def _upload_options(options: argparse.Namespace) -> oss_upload.UploadOptions:
    given = of_kind(oss_upload.UploadOptions, options)
    given["checkpoint"] = options.checkpoint or bool(options.resume)
    given["metadata"] = dict(options.metadata)
    return cast("oss_upload.UploadOptions", given)


def _shown(
    options: argparse.Namespace, stack: contextlib.ExitStack, *, sized: bool = True
) -> Callable[[Progress], object]:
    """What shows the progress: the bar on a terminal, else nothing."""
    terminal = sys.stderr
    if options.quiet or options.verbose or terminal is None or not terminal.isatty():
        return _nothing
    return stack.enter_context(Bar(terminal, sized=sized)).show


def _nothing(progress: Progress) -> None:
    pass


class Stop:
    """Ctrl-C and SIGTERM: the first stops the upload or the stream; the second ends the program at once.

    So does one after the end of the upload.
    """

    def __init__(self) -> None:
        self._signal = 0
        self._ended = False
        self._on_signal: Callable[[int], object] | None = None
        self._before: dict[int, Any] = {}

    @property
    def exit_status(self) -> int:
        return 128 + self._signal

    @property
    def stopped(self) -> bool:
        return self._signal != 0

    def watch(self, on_signal: Callable[[int], object]) -> None:
        self._on_signal = on_signal
        if self._signal:
            on_signal(self._signal)

    @contextlib.contextmanager
    def at_the_end(self) -> Iterator[None]:
        """What is left after the block cannot be paused: to write the report, which may take as long as it wants."""
        try:
            yield
        finally:
            self._ended = True

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            # A parent may want it ignored, as nohup and background jobs do.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._signal or self._ended:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._signal = number
        if self._on_signal is not None:
            self._on_signal(number)


class _Command:
    """Uploads one file or stream, and reports the outcome, for people or as JSON."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    def upload(self, client: oss_upload.Client, stack: contextlib.ExitStack, stop: Stop) -> UploadResult:
        options = self._options
        if _has_no_file(options):
            return _stream(options, client, stack, stop)
        upload = client.start(options.file, *options.destination, **_upload_options(options))
        stack.enter_context(upload)
        stop.watch(lambda _: upload.pause())
        return upload._run(_shown(options, stack))

    def stored(self, result: UploadResult) -> int:
        error = self._tell_stored(result)
        if error is not None:
            complain(f"the object is stored, but standard output cannot be written: {error.strerror}")
            return ExitStatus.OUTPUT
        return ExitStatus.STORED

    def _tell_stored(self, result: UploadResult) -> OSError | None:
        if self._options.json:
            return self._tell_json(ExitStatus.STORED, result)
        if self._options.quiet:
            return None
        if result.restart_reason:
            complain(f"all parts were sent again: {result.restart_reason}")
        resumed = f" ({size(result.bytes_resumed)} of it sent earlier)" if result.bytes_resumed else ""
        bucket, key = self._options.destination
        return _output.write(
            sys.stdout,
            f"stored oss://{bucket}/{key}: {size(result.size)}{resumed} in {result.elapsed:.1f} s, "
            f"CRC-64 {result.crc64}, ETag {result.etag}\n",
        )

    def failed(self, error: oss_upload.OSSUploadError, status: int) -> int:
        complain(error.message)
        if isinstance(error, oss_upload.Paused):
            complain(self._what_is_kept(error.result))
        if self._options.json:
            # The status says that it failed, whether this can be read or not.
            self._tell_json(status, error.result, error)
        return status

    def _tell_json(
        self, status: int, result: UploadResult | BatchResult | None, error: oss_upload.OSSUploadError | None = None
    ) -> OSError | None:
        response = json_of(status, self._options.file, self._options.destination, result, error)
        return _output.write(sys.stdout, json.dumps(response) + "\n")

    def _what_is_kept(self, result: UploadResult | BatchResult | None) -> str:
        options = self._options
        if _checkpoint_exists(options):
            if _has_no_file(options):
                return "run the same command again: of the same bytes, it sends only what the server does not have"
            return "run the same command again to resume where it stopped"
        if isinstance(result, oss_upload.UploadResult) and result.parts == 1:
            return "nothing of it is kept: a file of one part is sent in one request; the same command sends it again"
        if options.resume or options.checkpoint or options.checkpoint_dir:
            return "nothing of it is kept: it was stopped before the first part; the same command starts again"
        return "nothing of it is kept: use --resume to keep it"


def _has_no_file(options: argparse.Namespace) -> bool:
    """Whether a stream is uploaded."""
    return options.exec is not None or options.file == "-"


def _checkpoint_exists(options: argparse.Namespace) -> bool:
    """Whether there is a checkpoint from which the same command would go on.

    The options alone do not tell: a file of one request has none, nor has what was stopped before anything was sent.
    """
    if options.checkpoint:
        return os.path.lexists(options.checkpoint)
    if options.checkpoint_dir:
        import hashlib  # noqa: PLC0415 - as above
        from pathlib import Path  # noqa: PLC0415

        # The library names it by the source and the destination.
        destination = "oss://{}/{}".format(*options.destination).encode("utf-8", "surrogateescape")
        name = hashlib.md5(destination, usedforsecurity=False).hexdigest()
        return any(Path(options.checkpoint_dir).glob(f"*-{name}.cp"))
    return bool(options.resume) and os.path.lexists(options.file + ".cp")


def _destination(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"oss://([^/]+)(?:/(.*))?", text, re.DOTALL)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form oss://BUCKET/KEY")
    return found[1], found[2] or ""


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:([KMGT])(?:IB|(B))?|B)?", text.upper())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, such as 8388608, 8MiB or 8M")
    number, letter, decimal = found.groups(default="")
    bytes_ = float(number) * UNITS[letter + decimal]
    if math.isinf(bytes_):
        raise argparse.ArgumentTypeError(f"{text!r} is too large")
    return round(bytes_)


def _part_size(text: str) -> int | str:
    return text if text == "auto" else _size(text)


def _routines(text: str) -> int | str:
    if text != "auto" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or auto")
    return text if text == "auto" else int(text)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 'NAME: VALUE'")
    return name.strip(), value.strip()


def _meta(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _proxy(text: str) -> str:
    if "@" in text:
        raise argparse.ArgumentTypeError("a password must not be an argument: set https_proxy, and use --proxy env")
    return text
