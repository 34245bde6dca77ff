"""The rule of the library's pointers: freed once, after all other calls with them have returned."""

from __future__ import annotations

import copy
import gc
import pickle
from ctypes import c_void_p
from typing import Callable

import pytest

from oss_upload._handle import Handle


@pytest.fixture
def freed() -> list[int | None]:
    return []


@pytest.fixture
def handle(freed: list[int | None]) -> Handle:
    handle = Handle("the thing", lambda pointer: freed.append(pointer.value))
    handle.pointer.value = 42
    return handle


def test_close_frees_once(handle: Handle, freed: list[int | None]) -> None:
    with handle as pointer:
        assert pointer.value == 42
    assert handle.open
    handle.close()
    assert freed == [42]
    handle.close()
    del handle
    gc.collect()
    assert freed == [42]


def test_close_waits_for_the_last_user(handle: Handle, freed: list[int | None]) -> None:
    with handle:
        with handle:
            handle.close()
            assert not handle.open
            with pytest.raises(ValueError, match="the thing is closed"), handle:
                pass
        assert freed == []
    assert freed == [42]


def test_a_lost_handle_is_freed(freed: list[int | None]) -> None:
    handle = Handle("the thing", lambda pointer: freed.append(pointer.value))
    handle.pointer.value = 42
    del handle
    gc.collect()
    assert freed == [42]


def test_a_signal_handler_may_use_it_at_any_moment(handle: Handle, freed: list[int | None]) -> None:
    # It runs on a thread that may be anywhere, inside the lock too.
    with handle._lock:
        with handle:
            pass
        handle.close()
    assert freed == [42]


@pytest.mark.parametrize("again", [pickle.dumps, copy.copy, copy.deepcopy])
def test_another_process_must_make_its_own(handle: Handle, again: Callable[[Handle], object]) -> None:
    with pytest.raises(TypeError, match="the thing cannot be pickled or copied: make another client"):
        again(handle)


def test_an_empty_handle_is_not_open() -> None:
    freed: list[c_void_p] = []
    handle = Handle("the thing", freed.append)
    assert not handle.open
    handle.close()
    assert freed == []
