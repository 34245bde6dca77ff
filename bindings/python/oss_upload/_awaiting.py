"""What is needed of asyncio. Importing that takes longer than all of this package: only who uses it pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


async def sleep(seconds: float) -> None:
    """Lets other tasks run for so long."""
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)


async def in_a_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns, which may block."""
    import asyncio  # noqa: PLC0415

    return await asyncio.to_thread(function, *args, **kwargs)
