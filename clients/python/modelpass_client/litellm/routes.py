"""Which requests a customer may send. Rule: pure, and what is not listed is denied.

Only these tell what they used. Everything else that LiteLLM serves (pass-through, audio, batches, files, realtime,
rerank, assistants, fine-tuning, its own management) is for the operator's master key alone.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["chat", "responses", "messages", "images", "embeddings", "models"]
Dialect = Literal["openai", "anthropic"]

_METERED: Final[dict[str, Kind]] = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/messages": "messages",
    "/images/generations": "images",
    "/embeddings": "embeddings",
}
_ONLY_WITH_VERSION: Final = frozenset({"/messages"})
_PUBLIC: Final = frozenset({"/health/liveliness", "/health/liveness", "/health/readiness"})
_MODELS: Final = "/models"
_VERSION: Final = "/v1"

ALLOWED_PATHS: Final = tuple(
    prefix + path
    for path in (*_METERED, _MODELS)
    for prefix in (("",) if path not in _ONLY_WITH_VERSION else ()) + (_VERSION,)
)
"""The paths of all kinds, for LiteLLM's own check of routes."""

CALL_TYPES: Final[dict[Kind, frozenset[str]]] = {
    "chat": frozenset({"acompletion", "completion"}),
    "responses": frozenset({"aresponses", "responses"}),
    "messages": frozenset({"anthropic_messages"}),
    "images": frozenset({"aimage_generation", "image_generation"}),
    "embeddings": frozenset({"aembedding", "embedding", "embeddings"}),
}
"""What LiteLLM calls each kind in its hooks."""


def kind_of(method: str, path: str) -> Kind | None:
    """The kind of request that a customer may send like this; None: it is none."""
    short = path[len(_VERSION) :] if path.startswith(_VERSION + "/") else path
    if short in _ONLY_WITH_VERSION and short == path:
        return None
    if method == "POST":
        return _METERED.get(short)
    if method == "GET" and (short == _MODELS or model_asked(path) is not None):
        return "models"
    return None


def model_asked(path: str) -> str | None:
    """The model of `/v1/models/{id}`; an id may hold slashes."""
    for prefix in (f"{_VERSION}{_MODELS}/", f"{_MODELS}/"):
        if path.startswith(prefix) and len(path) > len(prefix):
            return path[len(prefix) :]
    return None


def is_public(method: str, path: str) -> bool:
    """Whether anybody may send this: health checks that call no upstream, and a browser's question before a request."""
    if method == "OPTIONS":
        return kind_of("POST", path) is not None or kind_of("GET", path) is not None
    return method == "GET" and path in _PUBLIC


def dialect_of(path: str, headers: dict[str, str]) -> Dialect:
    """Whose error the client expects."""
    return "anthropic" if path.endswith("/messages") or "anthropic-version" in headers else "openai"
