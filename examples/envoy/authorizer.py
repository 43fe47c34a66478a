"""Envoy's authorization service, and the reader of its access log. Rule: what Envoy sent upstream is reported once.

Envoy asks before each request (`ext_authz`) and writes a line after it, whatever way it ended. The id that Envoy gives
a request joins the two. `README.md` says how it is run, and what is booked in which case.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelpass_client import AsyncClient, Grant, Refused, openai_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

CLIENT: Final = AsyncClient.from_env()
ACCESS_LOG: Final = Path(os.environ["ACCESS_LOG"])
PAUSE_SECONDS: Final = 0.1
LOGGER: Final = logging.getLogger("authorizer")

ASKING: Final[set[str]] = set()
"""The requests that the service is being asked about, by Envoy's ids."""
OPEN: Final[dict[str, Grant]] = {}
"""Those that were granted, and of which Envoy has not written a line."""


async def check(request: Request) -> Response:
    """Whether Envoy may send a request upstream: 200, or the answer that the customer gets."""
    number = request.headers["x-request-id"]
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        model, estimate, prompt = asked(await request.body())
    except (ValueError, TypeError, KeyError, AttributeError):
        return refused_as(Refused(UNMETERED))
    ASKING.add(number)
    try:
        grant = await CLIENT.authorize(key, model, estimate, prompt_units=prompt)
        if number in ASKING:
            OPEN[number] = grant
        else:  # its line is written: the customer left meanwhile, and Envoy sends nothing upstream
            grant.void()
    except Refused as refused:
        return refused_as(refused)
    finally:
        ASKING.discard(number)
    return Response(headers={"x-modelpass-tier": grant.channel_tier, **grant.headers()})


UNMETERED: Final = {
    "statusCode": 400,
    "error": {
        "message": "Only chat completions with nothing but text in them can be metered.",
        "type": "invalid_request_error",
        "code": "invalid_request",
    },
}


def asked(raw: bytes) -> tuple[str, int, int]:
    """The model, the most that a request can use, and about what its prompt uses: a token is a byte of text or more.

    The body goes upstream as it is. So `policies.unknown_output` has to be the most that a model brings of itself.
    """
    body = json.loads(raw)
    contents = [message.get("content") for message in body["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    choices = body.get("n") or 1
    model = body["model"]
    if not isinstance(model, str) or type(choices) is not int or any(part["type"] != "text" for part in parts):
        raise ValueError
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return model, len(raw) + CLIENT.policies.output_bound(limit, choices), len(raw) // 4


def refused_as(refused: Refused) -> Response:
    """A refusal as OpenAI's API tells it."""
    shown = openai_response(refused)
    return JSONResponse(shown.body, shown.status, shown.headers)


def settle(line: dict[str, Any]) -> None:
    """Report a request that Envoy has finished. Lines of requests that were not granted here report nothing."""
    ASKING.discard(line["request"])
    grant = OPEN.pop(line["request"], None)
    if grant is None:
        return
    if line["upstream"] is None or line["status"] >= HTTPStatus.BAD_REQUEST:  # it never went upstream, or failed there
        grant.void()
    elif line["tokens"] is not None:
        grant.used(int(line["tokens"]), served_tier=line["tier"])
        grant.settle()
    elif line["status"] == 0:  # the customer left before anything came back
        grant.finish(asyncio.CancelledError())
    else:  # it broke off, or the upstream told no usage
        grant.delivered()
        grant.settle()


class Lines:
    """The lines that are written to a file from now on, also after it was put aside and begun anew."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path, self._file, self._begun = path, path.open("rb"), b""
        self._file.seek(0, os.SEEK_END)

    def written(self) -> Iterator[bytes]:
        """Those since the last time."""
        while True:
            self._begun += self._file.readline()
            if self._begun.endswith(b"\n"):
                yield self._begun
                self._begun = b""
            elif self._put_aside():
                self._file.close()
                self._file, self._begun = self._path.open("rb"), b""
            else:
                return

    def _put_aside(self) -> bool:
        try:
            return self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False


async def follow(lines: Lines) -> None:
    """Settle as lines come."""
    while True:
        for line in lines.written():
            try:
                settle(json.loads(line))
            except (ValueError, TypeError, KeyError):
                LOGGER.warning("A line of the access log cannot be read: the estimate of its request is booked.")
            await asyncio.sleep(0)
        for number in [number for number, grant in OPEN.items() if grant.claimed]:
            del OPEN[number]  # no line came in time: the client has booked the estimate
        await asyncio.sleep(PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Read the log while requests are checked, and deliver every report before the process ends."""
    lines = Lines(ACCESS_LOG)
    async with CLIENT:
        following = asyncio.create_task(follow(lines))
        yield
        following.cancel()


app = Starlette(routes=[Route("/v1/chat/completions", check, methods=["POST"])], lifespan=lifespan)
