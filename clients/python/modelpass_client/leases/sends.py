"""What a lease wants sent, and when it is sent again. Rule: values alone; no text tells a key or an id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from modelpass_client.leases.desk import Desk

Json = dict[str, Any]

_FIRST_PAUSE_MS: Final = 100
_LONGEST_PAUSE_MS: Final = 2000
_MOST_DOUBLINGS: Final = 8


def pause_ms(failures: int) -> int:
    """How long to wait after so many failures before this one."""
    return min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures, _MOST_DOUBLINGS))


@dataclass(frozen=True, eq=False)
class Send:
    """A request to the service; `desk` is None for the request for a hold, `number` 0 where it asks for no room."""

    function: Literal["authorize", "settle"]
    payload: Json
    number: int
    sent_ms: int
    desk: Desk | None = None

    def __repr__(self) -> str:
        """Tell no key and no id."""
        return f"Send({self.function}, {self.number})"


@dataclass(eq=False)
class Asking:
    """The request for a hold until it is answered. Its time is that of its first try: a repeat may show that grant."""

    send: Send
    again_ms: int = 0
    failures: int = 0
