"""SIGTERM, for who asks for it. Rule: flush, then do what the signal did before, and never wait inside a running loop.

| before | now |
|---|---|
| the default, which ends the process | book open grants, flush for at most `exit_seconds`, then end by the signal |
| a handler, no loop runs in the main thread | flush, then call it |
| a handler, and a loop runs (uvicorn, `asyncio`) | call it at once, hurry without waiting: the server drains first |
| ignored | flush |

A server such as uvicorn ends by raising the signal again under the handlers of before, without `atexit`: there, close
the client when the loop ends, by `async with AsyncClient` in the application's lifespan. `loop.add_signal_handler`
takes the place of this handler when it is called later; called before, it goes on as ever.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from types import FrameType

    from modelpass_client.policies import Policies


class Flushed(Protocol):
    """What can be flushed: a `Client`."""

    policies: Policies

    def hurry(self) -> None:
        """Send without waiting."""

    def flush(self, timeout: float) -> bool:
        """Send and wait."""

    def settle_all(self, timeout: float) -> bool:
        """Book what is open, send and wait."""


def flush_at_sigterm(client: Flushed) -> None:
    """Put the flush before what SIGTERM does now; raises `ConfigurationError` outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        raise ConfigurationError("flush_at_sigterm must be called in the main thread.")
    before = signal.getsignal(signal.SIGTERM)
    known = weakref.ref(client)

    def at_sigterm(number: int, frame: FrameType | None) -> None:
        found = known()
        if callable(before) and _loop_runs():
            if found is not None:
                found.hurry()
            before(number, frame)
            return
        if found is not None:
            bring_home = found.settle_all if before == signal.SIG_DFL else found.flush
            bring_home(found.policies.exit_seconds)
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, at_sigterm)


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
