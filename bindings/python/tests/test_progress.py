"""Progress bars: tqdm's, and others of their kind."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server, wait_until
from tqdm import tqdm

import oss_upload
from oss_upload import Client

PART = 100 * 1024


class PlainBar:
    """The least that a bar is."""

    total: float | None = None
    n: float = 0

    def update(self, n: float, /) -> None:
        assert n >= 0
        self.n += n


def make_bar(**options: Any) -> tqdm[Any]:
    return tqdm(unit="B", unit_scale=True, file=io.StringIO(), **options)


def paused(server: Server, path: Path) -> None:
    """Leaves some parts of an upload of a file on the server."""
    with server.client(max_bytes_per_second=5 * PART) as client:
        with client.start(path, server.bucket, "k", checkpoint=True) as upload:
            wait_until(lambda: upload.progress.parts_done >= 2, "two parts sent")


def test_a_bar_ends_at_the_size_of_the_file(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    with make_bar() as bar:
        client.upload_file(make_file(7 * PART + 1), server.bucket, "k", progress=bar)
        assert (bar.n, bar.total, bar.initial) == (7 * PART + 1, 7 * PART + 1, 0)
        # It is left open and shows its end, however seldom it draws.
        assert "100%" in bar.fp.getvalue().rsplit("\r", 1)[-1]
        assert not bar.disable


def test_resumed_bytes_do_not_count_for_the_rate(
    client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(20 * PART)
    paused(server, path)
    with make_bar() as bar:
        result = client.upload_file(path, server.bucket, "k", checkpoint=True, progress=bar)
        assert result.bytes_resumed >= 2 * PART
        assert (bar.n, bar.total, bar.initial) == (20 * PART, 20 * PART, result.bytes_resumed)


def test_a_bar_without_an_initial_counts_resumed_bytes_like_others(
    client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path, bar = make_file(20 * PART), PlainBar()
    paused(server, path)
    client.upload_file(path, server.bucket, "k", checkpoint=True, progress=bar)
    assert (bar.n, bar.total) == (20 * PART, 20 * PART)


def test_a_bar_that_has_moved_is_not_set_back(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    with make_bar() as bar:
        bar.update(7)
        client.upload_file(make_file(5), server.bucket, "k", progress=bar)
        assert (bar.n, bar.total) == (12, 5)


def test_a_bar_of_a_notebook_gets_its_total(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    class NotebookBar(PlainBar):
        widest: float | None = None

        def reset(self, total: float) -> None:
            self.total = self.widest = total

    bar = NotebookBar()
    client.upload_file(make_file(5), server.bucket, "k", progress=bar)
    assert (bar.n, bar.widest) == (5, 5)


def test_a_bar_with_a_total_is_shared_by_many_uploads(
    client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    paths = [make_file(3 * PART + n) for n in range(20)]
    total = sum(path.stat().st_size for path in paths)
    with make_bar(total=total) as bar, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: client.upload_file(path, server.bucket, path.name, progress=bar), paths))
        assert (bar.n, bar.total) == (total, total)


def test_a_bar_that_has_a_lock_is_moved_under_it(
    client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    lock = threading.Lock()

    class LockedBar(PlainBar):
        def get_lock(self) -> threading.Lock:
            return lock

        def update(self, n: float, /) -> None:
            assert lock.locked()
            super().update(n)

    bar = LockedBar()
    client.upload_file(make_file(5), server.bucket, "k", progress=bar)
    assert bar.n == 5


def test_a_failed_upload_leaves_the_bar_where_it_was(client: Client, make_file: Callable[[int], Path]) -> None:
    with make_bar() as bar:
        with pytest.raises(oss_upload.ServiceError):
            client.upload_file(make_file(3 * PART), "no-such-bucket", "k", progress=bar)
        assert bar.n < 3 * PART


@pytest.mark.parametrize("size", [0, 5])
def test_bars_that_show_nothing(client: Client, server: Server, make_file: Callable[[int], Path], size: int) -> None:
    with make_bar(disable=True) as bar:
        client.upload_file(make_file(size), server.bucket, "k", progress=bar)
    with make_bar() as bar:
        client.upload_file(make_file(size), server.bucket, "k", progress=bar)
        assert bar.n == size


@pytest.mark.parametrize(
    ("progress", "message"),
    [
        (tqdm, "not the class tqdm"),
        (1, "progress must be callable or a progress bar, not int"),
        ({"total": 5}, "not dict"),
    ],
)
def test_what_is_no_bar_is_refused(client: Client, server: Server, progress: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        client.upload_file("file", server.bucket, "k", progress=progress)
    assert server.log() == []
