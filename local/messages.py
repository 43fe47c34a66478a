"""HTTP requests and responses as parts of the local stack pass them to each other. Rule: values only, no behaviour."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What came in over HTTP; header names in lower case, repeated ones joined by commas."""

    method: str
    raw_path: str
    query: str
    headers: dict[str, str]
    body: bytes
    source_ip: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What goes out; a stream, where there is one, in the place of a body."""

    status: int
    headers: dict[str, str]
    body: bytes
    stream: Iterator[bytes] | None = None


def json_response(status: int, value: object, headers: dict[str, str] | None = None) -> HttpResponse:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return HttpResponse(status, {"Content-Type": "application/json", **(headers or {})}, body)
