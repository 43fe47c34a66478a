"""What a forked child must not share with its parent. Rule: a child begins without threads, files and locks of others.

Servers fork their workers from a process that has a client already. Threads do not come along, a lock may have been
held by one of them, and SQLite forbids to carry a connection over.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol


class Forked(Protocol):
    """An object that starts anew in a child."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent; called in the child before anything else runs there."""


_known: weakref.WeakSet[Any] = weakref.WeakSet()
_hooked = threading.Lock()


def starts_anew(known: Forked) -> None:
    """Have `after_fork` of this object called in every child, for as long as the object lives."""
    _known.add(known)
    if _hooked.acquire(blocking=False) and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    for known in list(_known):
        known.after_fork()
