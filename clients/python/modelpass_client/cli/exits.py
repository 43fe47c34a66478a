"""The exit statuses of the command line. Rule: each says what happened, and none is given for two things."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_ALLOWED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    CONFLICT = 6
    DECLINED = 7
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.DONE: "done, or so already",
    Exit.REFUSED: "refused by a rule of the service: nothing has changed",
    Exit.USAGE: "not understood, or something is missing: nothing was sent",
    Exit.NOT_ALLOWED: "not signed in, the session has ended, or the token may not do this",
    Exit.NOT_FOUND: "there is no such thing",
    Exit.UNREACHABLE: "no answer, or one that says to try again later; a change may have been carried out",
    Exit.CONFLICT: "something else came first: look again, and decide anew",
    Exit.DECLINED: "you answered no: nothing was sent",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}
"""What each tells a script. The tools `audit`, `upgrade`, `restore` and `seed` end with the statuses of their own."""
