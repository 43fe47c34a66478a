"""`make demo`: plays the story against the stack at PORT, or one of its own. Rule: ends what it started, and no other.

Exit status: 0 when every step was answered as it should be, 1 when one was not, or no stack could be started.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
from http.client import HTTPException
from typing import IO, TYPE_CHECKING
from urllib.error import URLError

from botocore.exceptions import BotoCoreError, ClientError

from local import settings
from local.demo.life import Life
from local.demo.narrator import Narrator, WrongAnswerError
from local.demo.router import Router
from local.demo.story import Story
from local.machine import HOST, free_port
from local.run import started
from local.token import claims_of, token_of
from local.web import controls
from modelpass.api.claims import DEFAULTS
from ops.api_client import Http
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERRUPTED = 130
_PROBE_SECONDS = 2.0


@contextlib.contextmanager
def _stack() -> Iterator[tuple[str, bool]]:
    """The URL of a stack, and whether it was running before; raises `CommandError`."""
    url = f"http://{HOST}:{settings.port()}"
    if _is_stack(url):
        yield url, True
        return
    port = free_port()
    with started(port, settings.template_file()):
        yield f"http://{HOST}:{port}", False


def _is_stack(url: str) -> bool:
    try:
        _, health = Http(url, timeout_seconds=_PROBE_SECONDS).call("GET", "/health")
    except (OSError, HTTPException):
        return False
    return isinstance(health, dict) and health.get("service") == controls.SERVICE


def _play(out: IO[str]) -> int:
    teller = Narrator(out)
    with _stack() as (url, running):
        whose = "the one that was running" if running else "started for this story, and stopped after it"
        account, another = (f"acct_demo_{secrets.token_hex(4)}" for _ in range(2))
        teller.heading(
            "Modelpass, from the price to cancelling, and a subscription that lives",
            {
                "Stack": f"{url} ({whose})",
                "Accounts": f"{account}, {another}",
                "Clock": "stopped, and moved forward by the story",
            },
        )
        story = Story(Http(url, token_of(claims_of(account))), Router(url), teller)
        operators = Http(url, token_of(claims_of("operator_demo", DEFAULTS.operator_value)))
        life = Life(Http(url, token_of(claims_of(another))), Router(url), teller, account=another, operators=operators)
        try:
            story.tell()
            life.tell()
        except WrongAnswerError as wrong:
            teller.failed(str(wrong))
        except (ConnectionRefusedError, ConnectionResetError, TimeoutError, URLError) as error:
            teller.failed(f"The stack does not answer: {error}")
        except (HTTPException, BotoCoreError, ClientError) as error:
            teller.failed(f"The stack does not answer as it should: {error}")
        else:
            teller.end("Every step was answered as it should be.")
            if running:
                teller.end(f"The stack's clock now stands at {life.now:%Y-%m-%dT%H:%M:%SZ}, until it is moved again.")
            return 0
    return 1


def _hush(out: IO[str]) -> None:
    """Send what is still in the buffer nowhere, so that writing it does not fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def main() -> int:
    """Play the story once, and give the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without these letters still gets its story
    try:
        return _play(sys.stdout)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:  # the reader of the output, such as `head`, has gone
        _hush(sys.stdout)
        return 1
    except OSError as error:
        _hush(sys.stdout)
        sys.stderr.write(f"The story cannot be told: {error.strerror or error}.\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
