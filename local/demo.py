"""`make demo`: plays the whole story against the stack of PORT, or against one of its own, and tells it.

Exit status: 0 when every step was answered as it should be, 1 when one was not, or no stack could be started.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from http.client import HTTPException
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local import controls, settings
from local.__main__ import started
from local.callers import Http, Router
from local.engine import HOST, free_port
from local.problems import StartError
from local.story import Story
from local.telling import Teller, WrongAnswerError
from local.token import token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERRUPTED = 130


@contextlib.contextmanager
def _stack() -> Iterator[tuple[str, str]]:
    """The URL of a stack, and a word on whose it is; raises `StartError`."""
    url = f"http://{HOST}:{settings.port()}"
    if _is_stack(url):
        yield url, "the one that was running"
        return
    port = free_port()
    with started(port, settings.template_file()):
        yield f"http://{HOST}:{port}", "started for this story, and stopped after it"


def _is_stack(url: str) -> bool:
    try:
        _, health = Http(url).call("GET", "/health")
    except (OSError, HTTPException):
        return False
    return isinstance(health, dict) and health.get("service") == controls.SERVICE


def _play(out: IO[str]) -> int:
    teller = Teller(out)
    with _stack() as (url, whose):
        account = f"acct_demo_{secrets.token_hex(4)}"
        teller.heading(
            "Modelpass, from purchase to renewal",
            {"Stack": f"{url} ({whose})", "Account": account, "Clock": "stopped, and moved forward by the story"},
        )
        story = Story(Http(url, token_of({"sub": account})), Router(url), teller)
        try:
            story.tell()
        except WrongAnswerError as wrong:
            teller.failed(str(wrong))
        except BrokenPipeError:
            raise
        except (OSError, HTTPException, BotoCoreError, ClientError) as error:
            teller.failed(f"The stack does not answer as it should: {error}")
        else:
            teller.end("Every step was answered as it should be.")
            teller.end(f"The stack's clock now stands at {story.now:%Y-%m-%dT%H:%M:%SZ}, until it is moved again.")
            return 0
    return 1


def main() -> int:
    """Play the story once."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without these letters still gets its story
    try:
        return _play(sys.stdout)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:  # whoever read the story has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
