"""The command with many files: what it uploads, prints and ends with, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE, Server, wait_until
from test_batch import DENIED, make_files, make_many, stored
from test_command import Run, Start, interrupted, shown, terminal, unwritable

from oss_upload import BatchProgress, BatchResult, Outcome, _batch_lines

PART = 100 * 1024
SLOWLY = ("--max-requests-per-second", "50")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    make_files(root, "a", "b/1", "b/2", "b/c/3")
    return root


@pytest.fixture
def there(server: Server) -> str:
    return f"oss://{server.bucket}/p/"


def lines_of(output: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The outcomes by path, and the end."""
    *outcomes, end = map(json.loads, output.splitlines())
    return {outcome["path"]: outcome for outcome in outcomes}, end


def test_a_folder(run: Run, server: Server, tree: Path, there: str) -> None:
    done = run("-r", tree, there)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{there}: 4 stored (12 bytes) in ")
    stored(server, tree)
    assert run("-q", "-r", tree, f"oss://{server.bucket}").stdout == ""
    assert "b/c/3" in server.objects()


def test_failed_files_are_named(run: Run, server: Server, tree: Path, there: str, tmp_path: Path) -> None:
    server.faults(DENIED)
    (tree / "gone\x1b[2J").symlink_to("nowhere")
    manifest = ("--manifest", tmp_path / "manifest")
    done = run("-r", tree, there, *manifest)
    assert (done.returncode, done.stdout) == (14, "")
    errors = done.stderr.splitlines()
    assert sum(error.startswith("oss-upload: b/2: ") and "AccessDenied" in error for error in errors) == 1
    assert sum(error.startswith("oss-upload: gone?[2J: ") for error in errors) == 1
    assert "2 of 5 files failed" in errors[-2]
    assert f"{there}: 3 stored (9 bytes), 2 failed in " in errors[-1]
    server.faults()
    (tree / "gone\x1b[2J").unlink()
    done = run("-r", tree, there, *manifest, "--retry-failed", "--json")
    outcomes, _ = lines_of(done.stdout)
    assert (outcomes["b/2"]["status"], done.returncode) == ("stored", 14)
    assert run("-r", tree, there, *manifest, "--only-changed").stdout.startswith(f"{there}: 4 unchanged in ")
    assert run("-r", tree, there, *manifest, "--verify").stdout.startswith(f"{there}: 4 as they should be in ")
    assert run("-r", tree, there, *manifest, "--verify-full").returncode == 0


def test_json(run: Run, server: Server, tree: Path, there: str) -> None:
    server.faults(DENIED)
    (tree / os.fsdecode(b"m\xe9")).write_text("x")
    done = run("-r", tree, there, "--json", "--key-encoding", "percent", "--exclude", "b/c")
    outcomes, end = lines_of(done.stdout)
    assert {path: outcome["status"] for path, outcome in outcomes.items()} == {
        "a": "stored",
        "b/1": "stored",
        "b/2": "failed",
        "b/c": "skipped",
        "m\udce9": "stored",
    }
    assert set(outcomes["a"]) == set(Outcome.__dataclass_fields__)
    assert outcomes["a"]["crc64"] == server.objects()["p/a"]["crc64"]
    assert (outcomes["b/2"]["error"]["kind"], outcomes["b/2"]["error"]["code"]) == ("ServiceError", "AccessDenied")
    assert outcomes["b/c"]["rule"] == "exclude: b/c"
    assert outcomes["m\udce9"]["key"] == "p/m%E9"
    assert set(end["result"]) == set(BatchResult.__dataclass_fields__)
    assert (end["result"]["files_stored"], end["result"]["files_failed"]) == (3, 1)
    assert (end["ok"], end["exit_status"], end["file"], end["prefix"]) == (False, 14, str(tree), "p/")
    assert end["error"]["kind"] == "FilesFailedError"


@pytest.mark.parametrize("source", ["-", "list"])
@pytest.mark.parametrize("null", [False, True])
def test_lists(
    start: Start, server: Server, tree: Path, there: str, tmp_path: Path, source: str, *, null: bool
) -> None:
    make_files(tree, "c\nd")
    separator, odd = ("\0", f"{tree}/c\nd") if null else ("\r\n", f"{tree}/b/1")
    text = separator.join([f"{tree}/a\tkey of a", "", f"{odd}\todd", f"{tree}/b/2\t", f"{tree}/b/c/3"])
    (tmp_path / "list").write_bytes(text.encode())
    arguments = ["--files-from", tmp_path / "list" if source == "list" else "-", there, *(["-0"] if null else [])]
    with (tmp_path / "list").open("rb") as file, start(*arguments, stdin=file) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, "")
    assert server.objects().keys() == {"key of a", "odd", f"p{tree}/b/2", f"p{tree}/b/c/3"}
    assert server.read("odd") == (b"c\nd" if null else b"b/1")


@pytest.mark.parametrize(("text", "words"), [(b"a\tk\xff\n", "is not UTF-8"), (b"a" * 20_000, "more than 16384")])
def test_lists_that_are_none(start: Start, there: str, text: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(text)
    with (tmp_path / "list").open("rb") as file, start("--files-from", "-", there, stdin=file) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert words in errors


def test_a_list_that_is_still_written(start: Start, server: Server, tree: Path, there: str) -> None:
    with start("--files-from", "-", there, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{tree}/a\tk\n")
        process.stdin.flush()
        wait_until(server.objects, "it is uploaded at once")
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE)
        assert process.stderr is not None
        assert "the same command starts again" in process.stderr.read()
    assert process.returncode == 130


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_pauses_and_the_same_command_goes_on(
    start: Start, run: Run, server: Server, there: str, tmp_path: Path, stop: signal.Signals
) -> None:
    make_many(tmp_path / "tree", 100)
    command = ("-r", tmp_path / "tree", there, "--manifest", tmp_path / "manifest", "--json")
    with start(*command, *SLOWLY) as process:
        wait_until(lambda: len(server.log("PutObject")) >= 10, "some files are sent")
        process.send_signal(stop)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + stop
    assert "run the same command again to go on" in errors
    outcomes, end = lines_of(output)
    assert end["error"]["kind"] == "Paused"
    assert 9 <= len(outcomes) == end["result"]["files_stored"] < 100
    _, again = lines_of(run(*command).stdout)
    assert (again["result"]["files_stored"], again["result"]["files_resumed"]) == (100, len(outcomes))
    stored(server, tmp_path / "tree")


def test_a_second_ctrl_c_does_not_wait(start: Start, server: Server, tree: Path, there: str) -> None:
    server.faults({"match": {"operation": "PutObject"}, "action": {"type": "stall", "at": "before_response"}})
    with start("-r", tree, there) as process:
        wait_until(server.objects, "an object is stored, and the response stalls")
        wait_until(lambda: interrupted(process), "the end")
    assert process.returncode in (130, -signal.SIGINT)


def test_killed_and_resumed(start: Start, run: Run, server: Server, there: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make_many(tree, 200)
    (tree / "large").write_bytes(os.urandom(20 * PART))
    command = ("-r", tree, there, "--manifest", tmp_path / "manifest", "--part-size", "100KiB", "--json")
    with start(*command, *SLOWLY, "--connections", 2) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 5 and len(server.log("PutObject")) >= 20, "some are sent")
        process.kill()
    sent = len(server.log("PutObject"))
    _, end = lines_of(run(*command).stdout)
    result = end["result"]
    assert (result["files_stored"], result["files_failed"]) == (201, 0)
    # Of each connection, the last one may not have been recorded.
    assert sent - 2 <= result["files_resumed"] <= sent
    assert len(server.log("PutObject")) == sent + 200 - result["files_resumed"]
    assert len([entry for entry in server.log("UploadPart") if entry["stored"]]) <= 22
    stored(server, tree)
    assert server.read("p/large") == (tree / "large").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest", "tree"]


def test_options_arrive(run: Run, server: Server, tree: Path, there: str) -> None:
    (tree / "link").symlink_to("a")
    (tree / "empty").mkdir()
    (tree / ".ossignore").write_text("b/2\n")
    done = run(
        "-r", tree, there, "--exclude", "b/*", "--exclude", "!b/1", "--include", "/[abl]*", "--ignore-files",
        "--symlinks", "skip", "--empty-directories", "--keep-mtime", "--header", "Cache-Control: no-cache",
        "--meta", "author=me", "--connections", 3, "--on-file-change", "fail",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert server.objects().keys() == {"p/a", "p/b/1", "p/empty/"}
    (entry,) = (entry for entry in server.log("PutObject") if entry["key"] == "p/a")
    assert entry["headers"]["cache-control"] == "no-cache"
    assert entry["headers"]["x-oss-meta-author"] == "me"
    assert float(entry["headers"]["x-oss-meta-mtime"]) == pytest.approx((tree / "a").stat().st_mtime)


def test_a_dry_run_says_what_would_be(run: Run, server: Server, tree: Path, there: str) -> None:
    done = run("-r", tree, there, "--dry-run", "--exclude", "b/")
    assert done.returncode == 0
    assert set(done.stdout.splitlines()[:-1]) == {
        f"would upload a to {there}a, 1 bytes",
        "would leave out b (exclude: b/)",
    }
    assert f"{there}: 1 left out, 1 to be uploaded in " in done.stdout
    assert server.log() == []


def test_shards(run: Run, server: Server, tree: Path, there: str) -> None:
    outputs = [run("-r", tree, there, "--shard", f"{shard}/2", "--json").stdout for shard in (1, 2)]
    shards = [lines_of(output)[0] for output in outputs]
    assert sorted([*shards[0], *shards[1]]) == ["a", "b/1", "b/2", "b/c/3"]
    stored(server, tree)


def test_what_the_bucket_has_is_left_out(run: Run, tree: Path, there: str) -> None:
    assert run("-r", tree, there).returncode == 0
    done = run("-r", tree, there, "--only-changed", "--compare-remote")
    assert done.stdout.startswith(f"{there}: 4 unchanged in ")


REFUSED = [
    (["-r", "{tree}", "oss://b/p"], "must end with a slash: oss://b/p/"),
    (["--files-from", "-", "oss://b/p"], "must end with a slash: oss://b/p/"),
    (["-r", "-", "oss://b/"], "FILE must be a folder"),
    (["-r", "--files-from", "x", "oss://b/"], "use one of them"),
    (["-r", "--exec", "true", "oss://b/"], "--exec uploads one stream"),
    (["-r", "{tree}", "oss://b/", "-0"], "--null is about a list"),
    (["-r", "{tree}", "oss://b/", "--resume"], "--resume cannot be used with -r or --files-from"),
    (["-r", "{tree}", "oss://b/", "--checkpoint-dir", "d"], "use --manifest PATH"),
    (["-r", "{tree}", "oss://b/", "--routines", "3"], "use --connections N"),
    (["-r", "{tree}", "oss://b/", "--spool-limit", "3"], "--spool-limit cannot be used"),
    (["-r", "{tree}", "oss://b/", "--verify"], "--verify needs --manifest"),
    (["-r", "{tree}", "oss://b/", "--retry-failed"], "--retry-failed needs --manifest"),
    (["-r", "{tree}", "oss://b/", "--only-changed"], "--only-changed needs something"),
    (["-r", "{tree}", "oss://b/", "--compare-remote"], "use it with --only-changed"),
    (["-r", "{tree}", "oss://b/", "--verify", "--verify-full"], "not allowed with argument"),
    (["-r", "{tree}", "oss://b/", "--shard", "0/3"], "from 1/N to N/N"),
    (["-r", "{tree}", "oss://b/", "--shard", "4/3"], "from 1/N to N/N"),
    (["-r", "{tree}", "oss://b/", "--connections", "some"], "is not a number or auto"),
    (["{tree}/a", "oss://b/k", "--manifest", "m"], "--manifest is for many files"),
    (["{tree}/a", "oss://b/k", "--dry-run"], "--dry-run is for many files"),
    (["{tree}/a", "oss://b/k", "--verify-full"], "--verify-full is for many files"),
    (["{tree}/a", "oss://b/k", "--only-changed"], "--only-changed is for many files"),
    (["{tree}/a", "oss://b/k", "--exclude", "x"], "--exclude is for many files"),
    (["{tree}/a", "oss://b/k", "--shard", "1/2"], "--shard is for many files"),
    (["{tree}", "oss://b/k"], "is a folder: use -r"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(run: Run, tree: Path, arguments: list[str], words: str) -> None:
    done = run(*(argument.format(tree=tree) for argument in arguments), "--json")
    assert done.returncode == 2
    assert words in done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "InvalidArgument"


def test_what_ends_a_batch_has_the_status_of_one_file(run: Run, tree: Path, tmp_path: Path, there: str) -> None:
    for arguments, status in (
        (["-r", tree, "oss://no-such-bucket/"], 3),
        (["-r", tmp_path / "nothing", there], 5),
        (["--files-from", tmp_path / "nothing", there], 5),
        (["-r", tree, there, "--manifest", tree / "a"], 9),
    ):
        done = run(*arguments, "--json")
        assert (done.returncode, lines_of(done.stdout)[1]["exit_status"]) == (status, status), done.stderr


@pytest.mark.parametrize("kind", ["closed pipe", "full"])
def test_a_report_that_cannot_be_written(start: Start, server: Server, tree: Path, there: str, kind: str) -> None:
    with unwritable(kind) as output, start("-r", tree, there, "--json", stdout=output) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, len(errors.splitlines())) == (11, 1), errors
    assert "all is done, but standard output cannot be written" in errors
    stored(server, tree)


@pytest.mark.parametrize(("columns", "term"), [(120, "xterm"), (30, "xterm"), (80, "dumb")])
def test_lines_on_a_terminal(
    start: Start, server: Server, environment: dict[str, str], tree: Path, there: str, columns: int, term: str
) -> None:
    environment["TERM"] = term
    (tree / "large").write_bytes(bytes(10 * PART))
    server.faults(DENIED)
    with terminal(columns) as (screen, program):
        options = ("--part-size", "100KiB", "--max-rate", "500KiB")
        with start("-r", tree, there, *options, stderr=program) as process:
            os.close(program)
            text = shown(screen)
            process.communicate(timeout=DEADLINE)
    assert process.returncode == 14
    if term == "dumb":
        assert "\x1b" not in text
        assert "large" not in text
    else:
        assert "\x1b[A\x1b[J" in text
        assert " % of 1000.0 KiB" in text
    # The message stands alone.
    assert [
        line for line in text.splitlines() if line.split("\r")[-1].split("\x1b[J")[-1].startswith("oss-upload: b/2: ")
    ]
    frames = [line for line in text.replace("\x1b[A", "\r").replace("\x1b[J", "\r").splitlines() if "files" in line]
    assert any(frame.startswith(("[###", "3 of", "4 of", "5 of")) for frame in frames), frames


USUAL: dict[str, Any] = {
    "files_found": 5000, "bytes_found": 4 << 30, "totals_known": True, "files_stored": 1200, "files_resumed": 0,
    "files_unchanged": 3, "files_skipped": 7, "files_failed": 0, "bytes_done": 1 << 30, "bytes_sent": 1 << 30,
    "requests": 1200, "retries": 0, "bytes_per_second": 60_000_000, "files_per_second": 50, "eta": 3723.4,
    "current_path": "", "current_done": 0, "current_size": 0, "ended": False,
}  # fmt: skip
LARGE = {"current_path": "videos/a.mp4", "current_done": 1 << 30, "current_size": 4 << 30}


@pytest.mark.parametrize(
    ("changes", "columns", "line"),
    [
        ({}, 84, "[####............]  1203 of 5000 files  1.0 GiB of 4.0 GiB  57.2 MiB/s  1:02:03 left"),
        ({}, 70, "1203 of 5000 files  1.0 GiB of 4.0 GiB  57.2 MiB/s  1:02:03 left"),
        ({"files_failed": 2}, 50, "1205 of 5000 files  2 failed  1.0 GiB of 4.0 GiB  "),
        (
            {"totals_known": False, "eta": None},
            200,
            "1203 of 5000+ files  1.0 GiB of 4.0 GiB+  57.2 MiB/s",
        ),
        ({"ended": True, "bytes_found": 0, "bytes_done": 0}, 200, "1203 of 5000 files  0 bytes of 0 bytes  57.2 MiB/s"),
    ],
)
def test_the_line_of_a_batch(changes: dict[str, Any], columns: int, line: str) -> None:
    assert _batch_lines.text(BatchProgress(**{**USUAL, **changes}), columns) == line


@pytest.mark.parametrize(
    ("changes", "columns", "line"),
    [
        ({}, 80, ""),
        (LARGE, 80, "  videos/a.mp4   25.0 % of 4.0 GiB"),
        (LARGE, 27, "  a.mp4   25.0 % of 4.0 GiB"),
        ({**LARGE, "current_path": "空空\x1b空"}, 26, "  ?空   25.0 % of 4.0 GiB"),
    ],
)
def test_the_line_of_a_large_file(changes: dict[str, Any], columns: int, line: str) -> None:
    assert _batch_lines.current(BatchProgress(**{**USUAL, **changes}), columns) == line
