"""What the provider remembers for some time, by secrets that it gave out. Rule: in memory, bounded, by digest alone."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Generic, TypeVar

MOST: Final = 4096
"""How many things of a kind are kept; the oldest goes first."""
Thing = TypeVar("Thing")


class Kept(Generic[Thing]):
    """Things by their secrets, each until its time is over. Times are in seconds."""

    def __init__(self) -> None:
        self._things: dict[bytes, tuple[Thing, int]] = {}

    def put(self, secret: str, thing: Thing, until: int) -> None:
        """Keep a thing until an instant, in the place of the oldest where there are too many."""
        self._things.pop(_digest(secret), None)
        while len(self._things) >= MOST:
            del self._things[next(iter(self._things))]
        self._things[_digest(secret)] = (thing, until)

    def get(self, secret: str, now: int) -> Thing | None:
        """The thing, None when there is none or its time is over."""
        thing, until = self._things.get(_digest(secret), (None, 0))
        return thing if now < until else None

    def drop(self, secret: str) -> None:
        """Forget a thing, if it is there."""
        self._things.pop(_digest(secret), None)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
