"""How far a restore has come, kept in a file, so that one that broke off goes on where it was.

Rule: the file never says more than what was done. It names the restore that it belongs to, the very tables included; a
restore of anything else refuses it. Without the file all is compared again, which is as right and takes longer.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self

from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelpass.schema import Item

_EVERY_SECONDS: Final = 1.0
_ALL: Final = "all"
"""What stands for a place when the whole segment is done."""


class Progress:
    """The place that each walk through a segment has reached, and how much was read and written.

    A walk's name says what it does; its places are keys, after which it goes on. Any number of threads may share it.
    """

    def __init__(
        self, file: Path, restore: dict[str, Any], known: dict[str, Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._restore = restore
        self._places: dict[str, Any] = known.get("places", {})
        self._counts: dict[str, int] = known.get("counts", {})
        self._clock = clock
        self._kept_at = clock()
        self._lock = threading.Lock()

    @classmethod
    def opened(cls, file: Path, restore: dict[str, Any], clock: Callable[[], float] = time.monotonic) -> Self:
        """What the file tells of this restore, nothing when there is none; raises `CommandError` for any other file."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            known = json.loads(file.read_text("utf-8"))
            told = known["restore"]
        except FileNotFoundError:
            return cls(file, restore, {}, clock)
        except OSError as error:
            raise CommandError(f"The progress cannot be kept in {file}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            raise CommandError(f"{file} holds no progress of a restore: remove it, or name another folder.") from None
        if told != restore:
            raise CommandError(
                f"{file} is the progress of another restore, which broke off: end that one, or remove the file, or "
                "name another folder with PROGRESS=…"
            )
        return cls(file, restore, known, clock)

    @property
    def begun(self) -> bool:
        """Whether an earlier run has come some way."""
        return bool(self._places)

    def place(self, walk: str, segment: int) -> tuple[bool, Item | None]:
        """Whether a segment is done, and if not, the key after which to go on, None at its beginning."""
        with self._lock:
            place = self._places.get(f"{walk} {segment}")
        return place == _ALL, None if place == _ALL else place

    def reach(self, walk: str, segment: int, place: Item | None, *, done: bool, **counts: int) -> None:
        """Note what a walk has counted, and that it has done all up to this key (None: no further than before), or all.

        Raises `CommandError` when the file cannot be written, which happens at most once a second and with a segment's
        end.
        """
        with self._lock:
            if done or place:
                self._places[f"{walk} {segment}"] = _ALL if done else place
            for name, count in counts.items():
                self._counts[f"{walk} {name}"] = self._counts.get(f"{walk} {name}", 0) + count
            if done or self._clock() - self._kept_at >= _EVERY_SECONDS:
                self._keep()

    def keep(self) -> None:
        """Let the file tell all that was reached; raises `CommandError` when it cannot be written."""
        with self._lock:
            self._keep()

    def count(self, walk: str, name: str) -> int:
        """What a walk has counted by this name, in all runs."""
        with self._lock:
            return self._counts.get(f"{walk} {name}", 0)

    def forget(self) -> None:
        """Remove the file: the restore has ended."""
        self._file.unlink(missing_ok=True)

    def _keep(self) -> None:
        """Write the file anew and let it take the old one's place in one step, so that it is whole at every moment."""
        new = self._file.with_name(f"{self._file.name}.new")
        told = {"restore": self._restore, "places": self._places, "counts": self._counts}
        try:
            new.write_text(json.dumps(told), "utf-8")
            new.replace(self._file)
        except OSError as error:
            raise CommandError(f"The progress cannot be kept in {self._file}: {error.strerror}.") from None
        self._kept_at = self._clock()
