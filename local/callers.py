"""A customer and a router, as the demo plays them: plain HTTP, and `lambda.invoke` with boto3."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

from local.template import REGION

_TIMEOUT_SECONDS: Final = 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Http:
    """Calls to the HTTP API of a stack; with a token, those of a customer."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = _TIMEOUT_SECONDS

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of the answer; None for a body that is no JSON. Raises OSError when nobody answers."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path, raw, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=self.timeout_seconds) as response:  # noqa: S310
                return response.status, _json(response.read())
        except HTTPError as error:
            with error:
                return error.code, _json(error.read())


class Router:
    """The model router: asks before every request, and reports what it used."""

    def __init__(self, url: str) -> None:
        self._client = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 (the stack checks none)
            config=Config(retries={"total_max_attempts": 1}, read_timeout=_TIMEOUT_SECONDS),
        )

    def invoke(self, function: str, payload: Json) -> Any:
        """The result of a function, or the report of its failure, which no step expects."""
        response = self._client.invoke(FunctionName=function, Payload=json.dumps(payload))
        return _json(response["Payload"].read())


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
