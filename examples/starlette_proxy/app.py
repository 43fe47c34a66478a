"""A proxy before an OpenAI-compatible upstream, metered by Modelpass. Rule: nothing goes upstream without a grant.

`README.md` says how it is run, and what is booked in which case.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from modelpass_client import AsyncClient, Refused, openai_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

CLIENT: Final = AsyncClient.from_env()
UPSTREAM: Final = httpx.AsyncClient(timeout=httpx.Timeout(10, read=600))  # seconds, and below `hold_seconds`


class Chat:
    """`POST /v1/chat/completions`: whatever way a request ends, its grant and its upstream request end with it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for a grant, pass the request and the answer on, and report what it used."""
        async with contextlib.AsyncExitStack() as stack:
            response = await answered(Request(scope, receive), stack)
            await response(scope, receive, send)


async def answered(request: Request, stack: contextlib.AsyncExitStack) -> Response:
    """The answer to a request; what has to be ended after it goes into the stack."""
    raw = await request.body()
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        body, estimate = prepared(raw)
        asked = CLIENT.request(key, body["model"], estimate=estimate, prompt_units=len(raw) // 4)
    except (ValueError, TypeError, KeyError, AttributeError):
        return failure(400, "invalid_request_error", "The body must be a chat completion with nothing but text in it.")
    try:
        grant = await stack.enter_async_context(asked)
        url = os.environ["UPSTREAM_URL"].format(tier=grant.channel_tier) + "/chat/completions"
        headers = {"authorization": f"Bearer {os.environ['UPSTREAM_KEY']}"}
        answer = await stack.enter_async_context(UPSTREAM.stream("POST", url, json=body, headers=headers))
        content = b"" if body.get("stream") and answer.is_success else await answer.aread()
    except Refused as refused:
        shown = openai_response(refused)
        return JSONResponse(shown.body, shown.status, shown.headers)
    except httpx.HTTPError:
        grant.void()
        return failure(502, "api_error", "The upstream failed.")
    if not answer.is_success:
        grant.void()
        return Response(content, answer.status_code, media_type=answer.headers.get("content-type"))
    if body.get("stream"):
        events = CLIENT.stream(grant, events_of(answer), count=output, usage=total)
        sent = (f"data: {json.dumps(event) if event else '[DONE]'}\n\n" async for event in events)
        return StreamingResponse(sent, 200, grant.headers(), "text/event-stream")
    grant.delivered()  # from here on it has been paid for: what cannot be read is booked as the estimate
    grant.used(total(json.loads(content)) or -1)
    return Response(content, 200, grant.headers(), "application/json")


def prepared(raw: bytes) -> tuple[dict[str, Any], int]:
    """The body for the upstream, and the most that it can use: a token of text is a byte or more."""
    body = json.loads(raw)
    contents = [message.get("content") for message in body["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    choices = body.get("n") or 1
    if type(choices) is not int or any(part["type"] != "text" for part in parts):
        raise ValueError
    limits = [body.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    limit = limits[0] or limits[1]
    body["max_completion_tokens"] = CLIENT.policies.output_bound(limit)  # the upstream is held to what is estimated
    if body.get("stream"):
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body, len(raw) + CLIENT.policies.output_bound(limit, choices)


async def events_of(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream; the last one, `[DONE]`, is an empty one."""
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            yield {} if line.endswith("[DONE]") else json.loads(line[5:])


def total(answer: dict[str, Any]) -> int | None:
    """What an answer or an event says of usage."""
    return (answer.get("usage") or {}).get("total_tokens")


def output(event: dict[str, Any]) -> int:
    """How many tokens of output an event has: four characters are about one. It counts where no usage comes."""
    texts = [(choice.get("delta") or {}).get("content") or "" for choice in event.get("choices") or []]
    return sum((len(text) + 3) // 4 for text in texts)


def failure(status: int, kind: str, message: str) -> Response:
    """An error in OpenAI's form."""
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": None}}, status)


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Deliver every report before the process ends."""
    async with CLIENT, UPSTREAM:
        yield


app = Starlette(routes=[Route("/v1/chat/completions", Chat(), methods=["POST"])], lifespan=lifespan)
