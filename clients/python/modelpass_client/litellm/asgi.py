"""The layer around LiteLLM's application. Rule: what it does not know does not pass, and what ends is booked.

| it | so that |
|---|---|
| lets in what `routes` lists, other paths only with the master key, and no web socket | nothing unmetered is called |
| hands LiteLLM a body, headers and a path of its own making | LiteLLM obeys its operator alone |
| answers model lists by what the key may use | customers see the ids that they bought |
| renders refusals, and adds what is left of the limits to answers | OpenAI's and Anthropic's clients understand them |
| concludes the exchange when the answer has ended, whatever way | each grant is booked once |
| holds back the end of the shutdown until reports are delivered | SIGTERM loses nothing |

    CONFIG_FILE_PATH=config.yaml uvicorn modelpass_client.litellm.asgi:app
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.asking import refusal
from modelpass_client.errors import ConfigurationError, Refused
from modelpass_client.litellm import answers, bodies, listing, runtime
from modelpass_client.litellm.exchange import CURRENT, Exchange
from modelpass_client.litellm.routes import dialect_of, is_public, kind_of, model_asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from modelpass_client.litellm.routes import Kind

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOG: Final = logging.getLogger("modelpass_client.litellm")

_MOST_BYTES: Final = 32 * 2**20
_LARGE_BYTES: Final = 65_536  # parsed in a thread
_KEPT_HEADERS: Final = frozenset(
    {b"host", b"accept", b"accept-encoding", b"user-agent", b"anthropic-version", b"anthropic-beta", b"traceparent"}
)
_POLICY_CLOSE: Final = 1008


class Layer:
    """An ASGI application around LiteLLM's."""

    def __init__(self, application: Application) -> None:
        """Wrap LiteLLM's application."""
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_CLOSE, "reason": "This cannot be metered."})

    # -- beginning and end

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def held_back(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                try:
                    running = runtime.start()
                    check_setup()
                    check_groups(running)
                    check_timeout(running.client.policies.hold_seconds)
                    forbid_hidden_retries()
                except ConfigurationError as error:
                    await asyncio.to_thread(runtime.stop)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
            elif message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await asyncio.to_thread(runtime.stop)
            await send(message)

        await self._application(scope, receive, held_back)

    # -- requests

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        kind = kind_of(method, path)
        dialect = dialect_of(path, headers)
        key = _key_of(headers)
        if is_public(method, path):
            await self._application(scope, receive, send)
        elif kind in {None, "models"} and _is_operator(key):
            await self._application({**scope, "modelpass": "operator"}, receive, send)
        else:
            try:
                if not answers.looks_like_a_key(key):
                    raise answers.no_such_key()
                if kind is None:
                    raise refusal(400, "invalid_request", "This cannot be metered, so it is not served.")
                if kind == "models":
                    await answers.send_json(send, 200, await listing.models_of(key, dialect, model_asked(path)))
                    return
                exchange = await _opened(kind, dialect, key, headers, receive)
            except Refused as error:
                await answers.send_refusal(send, error, dialect)
                return
            await self._metered(exchange, scope, receive, send)

    async def _metered(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps(exchange.body).encode()
        kept = [(name, value) for name, value in scope["headers"] if name.lower() in _KEPT_HEADERS]
        own = {"authorization": f"Bearer {exchange.key}", "content-type": "application/json"}
        kept += [(name.encode(), value.encode()) for name, value in own.items()]
        kept.append((b"content-length", str(len(body)).encode()))
        inner: Scope = {**scope, "headers": kept, "query_string": b"", "modelpass": "customer"}
        token = CURRENT.set(exchange)
        try:
            answer = answers.Answer(exchange, send)
            await self._application(inner, _replayed(body, answer, receive), answer)
        finally:
            CURRENT.reset(token)
            conclude(exchange)


def conclude(exchange: Exchange) -> None:
    """Book what an exchange used, once; never raises."""
    running = runtime.running()
    if running is not None:
        exchange.conclude(running.counters, running.client.policies)


def check_setup() -> None:
    """Raise `ConfigurationError` unless LiteLLM's configuration names the auth and the callback, once."""
    import litellm  # noqa: PLC0415 - takes seconds; the application has loaded it by then
    from litellm.proxy import proxy_server  # noqa: PLC0415

    from modelpass_client.litellm.auth import user_api_key_auth  # noqa: PLC0415
    from modelpass_client.litellm.callback import modelpass  # noqa: PLC0415

    if proxy_server.user_custom_auth is not user_api_key_auth:
        raise ConfigurationError(
            "general_settings.custom_auth must be modelpass_client.litellm.auth.user_api_key_auth."
        )
    if sum(callback is modelpass for callback in litellm.callbacks) != 1:
        raise ConfigurationError(
            "litellm_settings.callbacks must name modelpass_client.litellm.callback.modelpass, once."
        )


def check_timeout(hold_seconds: int) -> None:
    """Log a warning where a request may outlast its hold."""
    import litellm  # noqa: PLC0415

    if litellm.request_timeout >= hold_seconds:
        LOG.warning("litellm_settings.request_timeout is not below MODELPASS_HOLD_SECONDS: requests may outlast holds.")


def forbid_hidden_retries() -> None:
    """Have OpenAI's SDK send a customer's request once: retrying is the router's part, which knows the tier.

    LiteLLM tells the SDK how often to retry, but not for images and embeddings, where the SDK's own default holds.
    """
    from openai._models import FinalRequestOptions  # noqa: PLC0415 - the application has loaded it by then

    configured = FinalRequestOptions.get_max_retries

    def get_max_retries(self: Any, max_retries: int) -> int:
        return 0 if CURRENT.get() is not None else configured(self, max_retries)

    FinalRequestOptions.get_max_retries = get_max_retries


def check_groups(running: runtime.Runtime) -> None:
    """Log an error for each sold tier that the proxy has no group for."""
    from modelpass_client.litellm.callback import groups_of_proxy  # noqa: PLC0415
    from modelpass_client.litellm.groups import missing, parts_of, sold_groups  # noqa: PLC0415

    there = groups_of_proxy()
    for group in sorted(there):
        if parts_of(group) is None:
            LOG.warning("The model group %r is not named model::tier: no customer can be served by it.", group)
    if running.settings.catalogue is not None:
        for group in missing(sold_groups(running.settings.catalogue), there):
            LOG.error("%r is sold, but there is no such model group: it cannot be served.", group)


async def _opened(kind: Kind, dialect: Any, key: str, headers: dict[str, str], receive: Receive) -> Exchange:
    if headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
        raise refusal(400, "invalid_request", "The body must be JSON.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise refusal(400, "invalid_request", "The body must not be compressed.")
    raw = await _read(receive)
    parsed = await asyncio.to_thread(_parsed, kind, raw) if len(raw) > _LARGE_BYTES else _parsed(kind, raw)
    return Exchange(kind, dialect, key, parsed["model"], parsed, len(raw))


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise refusal(400, "invalid_request", "The body is not complete.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MOST_BYTES:
            raise refusal(400, "invalid_request", "The body is too large.")
        if not message.get("more_body"):
            return b"".join(parts)


def _parsed(kind: Kind, raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise refusal(400, "invalid_request", "The body must be JSON.") from None
    return bodies.passed(kind, body)


def _no_number(text: str) -> None:
    raise ValueError(text)


def _replayed(body: bytes, answer: answers.Answer, receive: Receive) -> Receive:
    """Give the body that was made, then what really comes: that the customer leaves, or that all was sent."""
    waiting = [body]

    async def received() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        message = await receive()
        if message["type"] == "http.disconnect":
            answer.disconnected()
        return message

    return received


def _key_of(headers: dict[str, str]) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return headers.get("x-api-key", "").strip()


def _is_operator(key: str) -> bool:
    from modelpass_client.litellm.auth import is_master_key  # noqa: PLC0415 - loads LiteLLM

    return is_master_key(key)


def _litellm() -> Application:
    from litellm.proxy.proxy_server import app as litellm_app  # noqa: PLC0415 - takes seconds

    application: Application = litellm_app
    return application


def __getattr__(name: str) -> Layer:
    """`app`, made when a server asks for it: importing this module loads no proxy."""
    if name == "app":
        made = Layer(_litellm())
        globals()["app"] = made
        return made
    raise AttributeError(name)
