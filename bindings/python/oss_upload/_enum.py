"""Numbers that the library names, and may name more of when it is newer than this package."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class OpenIntEnum(enum.IntEnum):
    """An IntEnum that takes numbers that are not listed: `EventKind(77)` is `EventKind.UNKNOWN_77`."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or value < 0:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_, unknown._value_ = f"UNKNOWN_{value}", value
        return unknown

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[int]]:
        """By number: some versions of Python pickle by name, which only listed ones have."""
        return type(self), (self._value_,)
