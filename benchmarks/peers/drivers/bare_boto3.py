"""The yardstick: boto3's `update_item` with the requests that authorize and settle send. Rule: nothing is around it."""

from __future__ import annotations

import base64
import json
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.peers.drivers.protocol import serve


def decoded(value: dict[str, Any]) -> Any:
    """Binary values travel as base64."""
    return {"B": base64.b64decode(value["B"])} if set(value) == {"B"} else value


class Bare:
    """The key is the pair of requests; each check opens a hold under a name of its own, each report ends it."""

    reports = True

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        self.requests: tuple[Any, Any] | None = None

    def prepare(self, name: str, _: int, __: int, ___: int) -> Any:
        """Read the requests, which are the name; caps and window do not matter."""
        self.requests = tuple(json.loads(name, object_hook=decoded))
        return name

    def check(self, _: Any, __: int, number: str) -> Any:
        """Send authorize's request."""
        assert self.requests is not None
        request = self.requests[0]
        names = {**request["ExpressionAttributeNames"], "#k": number}
        self.client.update_item(**{**request, "ExpressionAttributeNames": names})
        return number

    def report(self, _: Any, grant: Any, __: int) -> Any:
        """Send settle's request."""
        assert self.requests is not None
        request = self.requests[1]
        names = {**request["ExpressionAttributeNames"], "#k": grant}
        self.client.update_item(**{**request, "ExpressionAttributeNames": names})

    def left(self, _: Any) -> Any:
        """It decides nothing."""
        raise NotImplementedError


if __name__ == "__main__":
    serve(Bare())
