"""A steady clock that stands still until it is moved, shared by processes. Rule: one process moves it, others look.

It is a file of eight bytes that each process maps: what is written in one is seen in all at once. Each process that is
under the clock has a file of its own beside it, in which it says until when it sleeps.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

NOW, UNTIL, WALL = "STEERED_NOW", "STEERED_UNTIL", "STEERED_WALL"
"""What a steered process is told: the file of the clock, its own file, and what the wall showed at 0."""
_MOMENT: Final = struct.Struct("d")


class Moment:
    """Seconds of the clock in a file that several processes map."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_MOMENT.pack(0.0))
        with path.open("r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), _MOMENT.size)
        self.path = path

    @property
    def seconds(self) -> float:
        """What the file says now."""
        found: float = _MOMENT.unpack_from(self._mapped)[0]
        return found

    @seconds.setter
    def seconds(self, value: float) -> None:
        _MOMENT.pack_into(self._mapped, 0, value)
