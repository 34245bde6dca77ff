"""The command, as a process of its own: what it uploads, prints and ends with."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import DEADLINE, Server, wait_until

import oss_upload
from oss_upload import Phase, Progress, _bar, _command, _report

PART = 100 * 1024
SIZE = 20 * PART
# So SIZE takes four seconds.
SLOW = ("--max-rate", "500KiB", "--part-size", "100KiB")


Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


def test_it_uploads(run: Run, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(3 * PART)
    done = run(path, f"oss://{server.bucket}/some/key")
    assert (done.returncode, done.stderr) == (0, "")
    stored = server.objects()["some/key"]
    assert done.stdout == (
        f"stored oss://{server.bucket}/some/key: 300.0 KiB in {done.stdout.split()[5]} s, "
        f"CRC-64 {stored['crc64']}, ETag {stored['etag'].strip(chr(34))}\n"
    )
    assert server.read("some/key") == path.read_bytes()
    assert f"oss-upload/{oss_upload.__version__}" in server.log()[0]["user_agent"]


@pytest.mark.parametrize(("key", "stored"), [("", "5.bin"), ("/", "5.bin"), ("/a/b/", "a/b/5.bin"), ("/a b", "a b")])
def test_keys(run: Run, server: Server, make_file: Callable[[int], Path], key: str, stored: str) -> None:
    assert run("-q", make_file(5), f"oss://{server.bucket}{key}").returncode == 0
    assert list(server.objects()) == [stored]


def test_a_key_that_the_terminal_cannot_show(
    run: Run, server: Server, environment: dict[str, str], make_file: Callable[[int], Path]
) -> None:
    environment["PYTHONIOENCODING"] = "ascii"
    done = run(make_file(5), f"oss://{server.bucket}/空")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"stored oss://{server.bucket}/\\u7a7a: 5 bytes" in done.stdout


def test_quiet_is_quiet(run: Run, server: Server, make_file: Callable[[int], Path]) -> None:
    done = run("--quiet", make_file(5), f"oss://{server.bucket}/k")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verbose_tells_what_happens(run: Run, server: Server, make_file: Callable[[int], Path]) -> None:
    done = run("-vv", make_file(5), f"oss://{server.bucket}/k")
    assert "PutObject" in done.stderr


def test_json_of_a_result(run: Run, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(3 * PART)
    done = run(path, f"oss://{server.bucket}/k", "--json", "--part-size", "100KiB", "--routines", "2")
    response = json.loads(done.stdout)
    result = response.pop("result")
    assert response == {
        "ok": True,
        "exit_status": 0,
        "file": str(path),
        "bucket": server.bucket,
        "key": "k",
        "error": None,
    }
    assert (result["size"], result["parts"], result["crc64"]) == (3 * PART, 3, server.objects()["k"]["crc64"])
    assert set(result) == set(oss_upload.UploadResult.__dataclass_fields__)


def test_options_arrive(run: Run, server: Server, make_file: Callable[[int], Path]) -> None:
    done = run(
        make_file(5), f"oss://{server.bucket}/k", "--header", "Content-Type: text/x-own", "--header",
        "Cache-Control:no-cache", "--meta", "author=me=you", "--content-md5", "--signature-version", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    entry = server.log()[-1]
    expected = {"content-type": "text/x-own", "cache-control": "no-cache", "x-oss-meta-author": "me=you"}
    assert {name: entry["headers"].get(name) for name in expected} == expected
    assert "content-md5" in entry["headers"]
    assert entry["signature"] == "v1"


def test_credentials_from_a_source(
    run: Run, server: Server, environment: dict[str, str], make_file: Callable[[int], Path], tmp_path: Path
) -> None:
    key = {"AccessKeyId": environment.pop("OSS_ACCESS_KEY_ID")}
    key["AccessKeySecret"] = environment.pop("OSS_ACCESS_KEY_SECRET")
    (tmp_path / "key.json").write_text(json.dumps(key))
    source = f"process:cat {shlex.quote(str(tmp_path / 'key.json'))}"
    assert run(make_file(5), f"oss://{server.bucket}/k", "--credentials", source).returncode == 0


STATUSES: list[tuple[list[str], int, str]] = [
    (["/does/not/exist", "oss://{bucket}/k"], 5, "LocalFileNotFound"),
    (["{file}", "oss://no-such-bucket/k"], 3, "ServiceError"),
    (["{file}", "oss://{bucket}/k", "--endpoint", "http://127.0.0.1:9", "--max-attempts", "1"], 4, "NetworkError"),
    (["{file}", "oss://{bucket}/k", "--credentials", "process:false", "--max-attempts", "1"], 6, "CredentialsError"),
    (["{file}", "oss://{bucket}/k", "--checkpoint", "/does/not/exist/cp"], 9, "CheckpointError"),
    (["{file}", "oss://No_Bucket/k"], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--routines", "101"], 2, "InvalidArgument"),
    # These are seen before anything is tried.
    (["{file}", "s3://{bucket}/k"], 2, "InvalidArgument"),
    (["{file}"], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--part-size", "8XB"], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--max-rate", "9" * 400], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--header", "no-colon"], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--meta", "no-equals"], 2, "InvalidArgument"),
    (["{file}", "oss://{bucket}/k", "--proxy", "http://user:very-secret@host:1"], 2, "InvalidArgument"),
]


@pytest.mark.parametrize(("arguments", "status", "kind"), STATUSES)
def test_exit_statuses(
    run: Run, server: Server, make_file: Callable[[int], Path], arguments: list[str], status: int, kind: str
) -> None:
    names = {"bucket": server.bucket, "file": str(make_file(3 * PART))}
    spelled = [argument.format(**names) for argument in arguments]
    plain, as_json = run(*spelled), run(*spelled, "--json")
    assert (plain.returncode, as_json.returncode) == (status, status)
    assert (plain.stdout, plain.stderr) == ("", as_json.stderr)
    assert "very-secret" not in plain.stderr + as_json.stdout
    response = json.loads(as_json.stdout)
    assert (response["ok"], response["exit_status"], response["error"]["kind"]) == (False, status, kind)
    assert response["error"]["status"] == getattr(oss_upload, kind).status_name
    assert response["error"]["message"] in plain.stderr
    assert "Traceback" not in plain.stderr


def test_json_of_a_refusal_has_what_support_asks_for(
    run: Run, server: Server, make_file: Callable[[int], Path]
) -> None:
    error = json.loads(run(make_file(5), "oss://no-such-bucket/k", "--json").stdout)["error"]
    assert (error["status"], error["code"], error["http_status"]) == ("OSS_SERVICE", "NoSuchBucket", 404)
    assert error["request_id"] == server.log()[-1]["request_id"]
    assert error["retryable"] is False


def test_every_kind_of_error_has_an_exit_status_that_help_explains(run: Run) -> None:
    kinds = set(oss_upload.OSSUploadError.__subclasses__())
    own = {oss_upload.Paused, oss_upload.Cancelled, oss_upload.InternalError}
    assert set(_report.EXIT_STATUS) == kinds - own
    explained = re.findall(r"^  (\d+) ", run("--help").stdout.partition("exit status:")[2], re.MULTILINE)
    assert [int(status) for status in explained] == [*_report.ExitStatus, 130]


def test_version(run: Run) -> None:
    version = oss_upload.__version__
    assert run("--version").stdout == f"oss-upload {version} (liboss_upload {version})\n"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("102400", 102400),
        ("100KiB", 102400),
        ("100k", 102400),
        ("100 KB", 100_000),
        ("8MiB", 8 << 20),
        ("8m", 8 << 20),
        ("1.5GiB", 3 << 29),
        ("5G", 5 << 30),
        ("5gb", 5_000_000_000),
        ("5B", 5),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert _command._size(text) == size


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_pauses_and_the_same_command_goes_on(
    start: Start, run: Run, server: Server, make_file: Callable[[int], Path], stop: signal.Signals
) -> None:
    path = make_file(SIZE)
    command = (path, f"oss://{server.bucket}/k", "--resume", "--json")
    with start(*command, *SLOW) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 3, "three parts sent")
        process.send_signal(stop)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + stop
    assert "run the same command again to resume" in errors
    response = json.loads(output)
    assert (response["error"]["kind"], response["exit_status"]) == ("Paused", 128 + stop)
    assert 0 < response["result"]["bytes_sent"] < SIZE

    result = json.loads(run(*command).stdout)["result"]
    assert result["bytes_resumed"] >= 2 * PART
    assert result["bytes_sent"] == SIZE - result["bytes_resumed"]
    assert server.read("k") == path.read_bytes()
    assert list(path.parent.iterdir()) == [path]


def test_a_signal_that_a_parent_ignores_is_ignored(
    start: Start, server: Server, make_file: Callable[[int], Path]
) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        process = start(make_file(5 * PART), f"oss://{server.bucket}/k", *SLOW)
    finally:
        signal.signal(signal.SIGTERM, before)
    with process:
        wait_until(lambda: server.log("UploadPart"), "a part sent")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0


def test_without_a_checkpoint_ctrl_c_says_that_nothing_is_kept(
    start: Start, server: Server, make_file: Callable[[int], Path]
) -> None:
    with start(make_file(SIZE), f"oss://{server.bucket}/k", *SLOW) as process:
        wait_until(lambda: server.log("UploadPart"), "a part sent")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "oss-upload: nothing of it is kept: use --resume to keep it"
    assert server.open_uploads() == []


def checkpoint_choices(folder: Path) -> dict[str, list[str]]:
    """The ways to say where the checkpoint is."""
    folder.mkdir(exist_ok=True)
    return {
        "none": [],
        "beside": ["--resume"],
        "file": ["--checkpoint", str(folder / "a.cp")],
        "directory": ["--checkpoint-dir", str(folder)],
    }


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["none", "beside", "file", "directory"])
def test_of_a_file_of_one_request_nothing_is_kept(
    start: Start, server: Server, make_file: Callable[[int], Path], tmp_path: Path, where: str, stop: signal.Signals
) -> None:
    server.faults({"match": {"operation": "PutObject"}, "action": {"type": "stall", "at": "before_response"}})
    choice = checkpoint_choices(tmp_path / "checkpoints")[where]
    with start(make_file(5), f"oss://{server.bucket}/k", *choice) as process:
        wait_until(server.objects, "the object is stored, and the response stalls")
        process.send_signal(stop)
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (128 + stop, "")
    assert "nothing of it is kept: a file of one part" in errors
    assert "to resume" not in errors
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["5.bin", "checkpoints"]


@pytest.mark.parametrize("where", ["beside", "file", "directory"])
def test_what_a_stop_before_the_first_part_keeps(
    start: Start, run: Run, server: Server, make_file: Callable[[int], Path], tmp_path: Path, where: str
) -> None:
    path = make_file(SIZE)
    choice = checkpoint_choices(tmp_path / "checkpoints")[where]
    command = (path, f"oss://{server.bucket}/k", "--part-size", "100KiB", *choice)
    stall = {"type": "stall", "at": "before_response"}
    server.faults({"match": {"operation": "InitiateMultipartUpload"}, "action": stall})
    with start(*command) as process:
        wait_until(server.open_uploads, "the upload is opened, and the response stalls")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    kept = list(tmp_path.rglob("*.cp"))
    assert process.returncode == 130
    assert ("to resume" in errors, "nothing of it is kept" in errors) == (bool(kept), not kept)

    # An upload that was interrupted goes on, and is stopped before it knows what the server has.
    server.faults()
    with start(*command, *SLOW) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 3, "three parts sent")
        process.kill()
    server.faults({"match": {"operation": "ListParts"}, "action": stall})
    asked = len(server.log("ListParts"))
    with start(*command) as process:
        wait_until(lambda: len(server.log("ListParts")) > asked, "the parts are asked for, and the response stalls")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "oss-upload: run the same command again to resume where it stopped"
    server.faults()
    assert json.loads(run(*command, "--json").stdout)["result"]["bytes_resumed"] >= PART


def test_ctrl_c_while_the_report_waits_for_a_reader(
    start: Start, server: Server, make_file: Callable[[int], Path]
) -> None:
    reader, writer = os.pipe()
    fill(writer)
    os.set_blocking(writer, True)
    with start(make_file(5), f"oss://{server.bucket}/k", stdout=writer) as process:
        wait_until(lambda: "k" in server.objects(), "the object is stored")
        wait_until(lambda: interrupted(process), "the end")
        _, errors = process.communicate(timeout=DEADLINE)
    os.close(reader)
    os.close(writer)
    assert (process.returncode, errors) == (-signal.SIGINT, "")


def interrupted(process: subprocess.Popen[str]) -> bool:
    """Whether it has ended, after another Ctrl-C."""
    process.send_signal(signal.SIGINT)
    return process.poll() is not None


def fill(writer: int) -> None:
    """Leaves no room in a pipe, which is non-blocking afterwards."""
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n")


@pytest.mark.parametrize("where", ["beside", "file", "directory"])
def test_killed_and_resumed(
    start: Start, run: Run, server: Server, make_file: Callable[[int], Path], tmp_path: Path, where: str
) -> None:
    path = make_file(SIZE)
    command = (path, f"oss://{server.bucket}/k", *checkpoint_choices(tmp_path / "checkpoints")[where])
    with start(*command, *SLOW) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 4, "four parts sent")
        process.kill()
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "of it sent earlier" in done.stdout
    acknowledged = [entry["part_number"] for entry in server.log("UploadPart") if entry["stored"]]
    assert sorted(acknowledged) == list(range(1, 21)), "no part was sent twice"
    assert server.read("k") == path.read_bytes()


@contextlib.contextmanager
def terminal(columns: int) -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of so many columns: the side of the screen, and the side of the program."""
    screen, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        yield screen, program
    finally:
        os.close(screen)


def shown(screen: int) -> str:
    """What a program shows until it closes its terminal."""
    text = b""
    with contextlib.suppress(OSError):  # Linux tells the end so
        while chunk := os.read(screen, 65536):
            text += chunk
    return text.decode()


@pytest.mark.parametrize("columns", [200, 80, 30])
def test_the_bar_on_a_terminal(start: Start, server: Server, make_file: Callable[[int], Path], columns: int) -> None:
    path = make_file(10 * PART)
    with terminal(columns) as (screen, program):
        with start(path, f"oss://{server.bucket}/k", "--routines", 1, *SLOW, stderr=program) as process:
            os.close(program)
            text = shown(screen)
            output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert output.startswith("stored ")
    assert text.endswith("\r\n")
    frames = text.rstrip("\r\n").split("\r")
    assert len(frames) >= 3
    assert all(len(frame) < columns for frame in frames), "no line may wrap"
    assert frames[-1].startswith("[" + "#" * 10 if columns > 30 else "100.0 %")
    assert "100.0 %" in frames[-1]
    assert "KiB/s" in text


def test_ctrl_c_on_a_terminal(start: Start, server: Server, make_file: Callable[[int], Path]) -> None:
    with terminal(80) as (screen, program):
        options = {"stderr": program, "stdin": program, "start_new_session": True}
        with start(make_file(SIZE), f"oss://{server.bucket}/k", "--resume", *SLOW, **options) as process:
            os.close(program)
            wait_until(lambda: len(server.log("UploadPart")) >= 3, "three parts sent")
            process.send_signal(signal.SIGINT)
            text = shown(screen)
            process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    last = text.rstrip().splitlines()
    assert last[-1] == "oss-upload: run the same command again to resume where it stopped"
    assert "stopped" in last[-3]


@pytest.mark.parametrize("option", ["--quiet", "--verbose"])
def test_no_bar(start: Start, server: Server, make_file: Callable[[int], Path], option: str) -> None:
    with terminal(80) as (screen, program):
        with start(make_file(5), f"oss://{server.bucket}/k", option, stderr=program) as process:
            os.close(program)
            text = shown(screen)
            process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "%" not in text


def test_closed_outputs(environment: dict[str, str], server: Server, make_file: Callable[[int], Path]) -> None:
    command = shlex.join([sys.executable, "-m", "oss_upload", str(make_file(5))])
    for redirection in (">&-", "2>&-", ">&- 2>&-", "--json >&-", "<&- >&- 2>&-"):
        for bucket, status in ((server.bucket, 0), ("no-such-bucket", 3)):
            shell = f"{command} oss://{bucket}/k {redirection}"
            done = subprocess.run(
                ["sh", "-c", shell], env=environment, check=False, capture_output=True, timeout=DEADLINE
            )
            assert done.returncode == status, shell
            assert b"no-such-bucket" not in done.stdout
            assert b"Traceback" not in done.stderr


@contextlib.contextmanager
def unwritable(kind: str) -> Iterator[int]:
    """A descriptor that nothing can be written to."""
    if kind == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
    elif kind == "read-only":
        descriptor = os.open(os.devnull, os.O_RDONLY)
    else:
        reader, descriptor = os.pipe()
        os.close(reader)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


UNWRITABLE = ("closed pipe", "full", "read-only")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("kind", UNWRITABLE)
def test_a_report_that_cannot_be_written(
    start: Start,
    server: Server,
    environment: dict[str, str],
    make_file: Callable[[int], Path],
    kind: str,
    options: tuple[str, ...],
    unbuffered: str,
) -> None:
    environment["PYTHONUNBUFFERED"] = unbuffered
    path = make_file(5)
    for bucket, status, complaint in ((server.bucket, 11, "the object is stored, but"), ("no-such-bucket", 3, "404")):
        with unwritable(kind) as output, start(path, f"oss://{bucket}/k", *options, stdout=output) as process:
            _, errors = process.communicate(timeout=DEADLINE)
        assert (process.returncode, len(errors.splitlines())) == (status, 1), errors
        assert errors.startswith("oss-upload: ")
        assert complaint in errors
    assert server.read("k") == path.read_bytes()


@pytest.mark.parametrize("kind", UNWRITABLE)
def test_quiet_needs_no_output(start: Start, server: Server, make_file: Callable[[int], Path], kind: str) -> None:
    with unwritable(kind) as output, start("-q", make_file(5), f"oss://{server.bucket}/k", stdout=output) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("kind", UNWRITABLE)
def test_errors_that_cannot_be_written(
    start: Start, server: Server, environment: dict[str, str], make_file: Callable[[int], Path], kind: str
) -> None:
    path = make_file(5)
    ends = [
        ((path, f"oss://{server.bucket}/k"), 0),
        ((path, f"oss://{server.bucket}/k", "-vv"), 0),
        ((path, "oss://no-such-bucket/k"), 3),
        ((path, "s3://no-such-bucket/k"), 2),
    ]
    environment["PYTHONUNBUFFERED"] = ""
    for arguments, status in ends:
        with unwritable(kind) as nowhere, start(*arguments, "--json", stderr=nowhere) as process:
            output, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == status
        assert json.loads(output)["exit_status"] == status
    for arguments, status in ends:
        with unwritable(kind) as nowhere, start(*arguments, stdout=nowhere, stderr=nowhere) as process:
            process.communicate(timeout=DEADLINE)
        assert process.returncode == status or (process.returncode, status) == (11, 0)


@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("kind", UNWRITABLE)
def test_help_that_cannot_be_written(start: Start, kind: str, option: str) -> None:
    with unwritable(kind) as output, start(option, stdout=output) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 11
    assert errors.startswith("oss-upload: standard output cannot be written: ")
    assert len(errors.splitlines()) == 1


def test_a_pipe_that_another_program_made_non_blocking(
    start: Start, server: Server, make_file: Callable[[int], Path]
) -> None:
    reader, writer = os.pipe()
    fill(writer)
    with start(make_file(5), f"oss://{server.bucket}/k", "--json", stdout=writer) as process:
        os.close(writer)
        wait_until(lambda: "k" in server.objects(), "the object is stored")
        with os.fdopen(reader, encoding="utf-8") as output:
            response = json.loads(output.read())
        process.communicate(timeout=DEADLINE)
    assert (process.returncode, response["exit_status"]) == (0, 0)


def test_a_terminal_that_goes_away_does_not_stop_the_upload(
    start: Start, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(10 * PART)
    screen, program = pty.openpty()
    with start(path, f"oss://{server.bucket}/k", "--routines", 1, *SLOW, stderr=program) as process:
        os.close(program)
        assert os.read(screen, 1)
        os.close(screen)
        output, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output.split()[0]) == (0, "stored")
    assert server.read("k") == path.read_bytes()


EMPTY = {"total_bytes": 0, "done_bytes": 0, "resumed_bytes": 0}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "[=====##########.....]   75.0 %  57.2 MiB/s  1:02:03 left"),
        ({}, " 75.0 %  57.2 MiB/s  1:02:03 left"),
        ({}, " 75.0 %  57.2 MiB/s "),
        ({"eta": 59.6}, "[=====##########.....]   75.0 %  57.2 MiB/s  1:00 left"),
        ({"eta": None}, "[=====##########.....]   75.0 %  57.2 MiB/s"),
        ({"phase": Phase(77)}, "[=====##########.....]   75.0 %  57.2 MiB/s  1:02:03 left"),
        ({"phase": Phase.COMPLETING, "done_bytes": 100}, "[=====###############]  100.0 %  57.2 MiB/s  completing"),
        ({"phase": Phase.ENDED, "done_bytes": 100}, "[=====###############]  100.0 %  57.2 MiB/s  done"),
        ({"phase": Phase.ENDED}, "[=====##########.....]   75.0 %  57.2 MiB/s  stopped"),
        ({"phase": Phase.PREPARING, **EMPTY}, "[....................]    0.0 %  57.2 MiB/s  preparing"),
        ({"phase": Phase.ENDED, **EMPTY}, "[####################]  100.0 %  57.2 MiB/s  done"),
    ],
)
def test_lines_of_the_bar(changes: dict[str, Any], line: str) -> None:
    usual: dict[str, Any] = {
        "phase": Phase.UPLOADING, "total_bytes": 100, "done_bytes": 75, "resumed_bytes": 25, "sent_bytes": 50,
        "parts_total": 4, "parts_done": 3, "bytes_per_second": 60_000_000, "eta": 3723.4, "retries": 0,
    }  # fmt: skip
    assert _bar.text(Progress(**{**usual, **changes}), len(line)) == line


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB"), (5 << 50, "5120.0 TiB")],
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert _bar.size(count) == text


@pytest.mark.parametrize(("option", "exit_status"), [("-", 0), ("--exec=cat", 0), ("--exec=cat; exit 3", 13)])
def test_streams(start: Start, server: Server, make_file: Callable[[int], Path], option: str, exit_status: int) -> None:
    path = make_file(3 * PART)
    with path.open("rb") as file:
        with start(option, f"oss://{server.bucket}/k", "--json", "--max-memory", "8MiB", stdin=file) as process:
            output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, json.loads(output)["exit_status"]) == (exit_status, exit_status), errors
    assert list(server.objects()) == ([] if exit_status else ["k"])
    assert ("the command ended with status 3" in errors) == bool(exit_status)
    if not exit_status:
        assert server.read("k") == path.read_bytes()


def test_a_command_that_a_signal_ends(run: Run, server: Server) -> None:
    done = run("--exec", "echo a; kill -9 $$", f"oss://{server.bucket}/k")
    assert done.returncode == 13
    assert "the command was ended by SIGKILL" in done.stderr
    assert server.objects() == {}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("option", ["-", "--exec"])
def test_a_signal_aborts_a_stream(
    start: Start, server: Server, tmp_path: Path, option: str, stop: signal.Signals
) -> None:
    trap = f"trap 'touch {tmp_path}/told; exit' INT TERM; touch {tmp_path}/runs; while :; do echo; sleep 0.1; done"
    source = ("--exec", trap) if option == "--exec" else ("-",)
    with start(*source, f"oss://{server.bucket}/k", "-vv", stdin=subprocess.PIPE) as process:
        if option == "--exec":
            wait_until((tmp_path / "runs").exists, "the command runs")
        else:
            assert process.stderr is not None
            assert process.stdin is not None
            process.stdin.write("a" * 3 * 2**20)
            wait_until(lambda: server.log("UploadPart"), "a part is sent")
        process.send_signal(stop)
        process.wait(DEADLINE)
    assert process.returncode == 128 + stop
    assert server.objects() == {}
    assert server.open_uploads() == []
    assert (tmp_path / "told").exists() == (option == "--exec")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("has_command", [False, True])
def test_a_stream_with_a_checkpoint_goes_on(
    start: Start, server: Server, make_file: Callable[[int], Path], stop: signal.Signals, has_command: bool
) -> None:
    path = make_file(20 * PART)
    checkpoint = path.with_suffix(".cp")
    source = f"--exec=cat {path}" if has_command else "-"
    arguments = (source, f"oss://{server.bucket}/k", "--part-size", PART, "--checkpoint", checkpoint)
    with path.open("rb") as file, start(*arguments, *SLOW, "--routines", 1, stdin=file) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 3, "parts are sent")
        process.send_signal(stop)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + stop
    assert "no object is stored" in errors
    assert "run the same command again" in errors
    assert (server.objects(), len(server.open_uploads()), checkpoint.exists()) == ({}, 1, True)
    with path.open("rb") as file, start(*arguments, "--json", stdin=file) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert json.loads(output)["result"]["parts_resumed"] >= 2
    assert (server.read("k"), checkpoint.exists()) == (path.read_bytes(), False)


@pytest.mark.parametrize("arguments", [("oss://b/a/",), ("oss://b",), ("oss://bucket/k", "--resume")])
@pytest.mark.parametrize("source", [("-",), ("--exec", "true")])
def test_what_a_stream_needs(run: Run, source: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    done = run(*source, *arguments)
    assert done.returncode == 2
    assert "what is uploaded is no file" in done.stderr


def test_a_stream_has_no_bar_before_its_end() -> None:
    progress = Progress(Phase.UPLOADING, 0, 3 << 20, 0, 0, 0, 0, 1 << 20, None, 0)
    assert _bar.text(progress, 80, sized=False) == "3.0 MiB  1.0 MiB/s"
