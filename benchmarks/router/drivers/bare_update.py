"""The yardstick: one bare boto3 `update_item`, the least that such a call can be: no condition, nothing returned."""

from __future__ import annotations

import os
from typing import Any

import boto3

from benchmarks.router.drivers.loops import serve


class Bare:
    """A default client, and an item of its own."""

    reports = False

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb")

    def prepare(self, name: str, _: int, __: int, ___: int) -> Any:
        """An item that the update can find."""
        key = {"pk": {"S": name}}
        self.client.put_item(TableName=os.environ["ENTITLEMENTS_TABLE"], Item={**key, "rc": {"N": "0"}})
        return key

    def check(self, key: Any, _: int, __: str) -> Any:
        """Send it."""
        self.client.update_item(
            TableName=os.environ["ENTITLEMENTS_TABLE"],
            Key=key,
            UpdateExpression="SET #rc = #rc + :none",
            ExpressionAttributeNames={"#rc": "rc"},
            ExpressionAttributeValues={":none": {"N": "0"}},
        )
        return key

    def report(self, _: Any, __: Any, ___: int) -> Any:
        """Nothing is reported."""

    def left(self, _: Any) -> Any:
        """It decides nothing."""
        raise NotImplementedError


if __name__ == "__main__":
    serve(Bare())
