"""Calls to the HTTP API of a stack, local or deployed. Rule: sends requests and returns answers; judges neither."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS: Final = 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Http:
    """Calls to the HTTP API at a URL, made with a token where there is one; a call takes `timeout_seconds` at most."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def call(
        self, method: str, path: str, body: object = None, more_headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of the answer, None for a body that is no JSON; raises `OSError` or `HTTPException`."""
        headers = dict(more_headers or {})
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path, raw, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=self.timeout_seconds) as response:  # noqa: S310
                return response.status, json_of(response.read())
        except HTTPError as error:
            with error:
                return error.code, json_of(error.read())


def json_of(raw: bytes) -> Any:
    """What a body holds; None when it is no JSON."""
    try:
        return json.loads(raw)
    except ValueError:
        return None
