"""The engine without an SDK, for tests that make, fill and look through thousands of tables: boto3 takes long for it.

Rule: only for an engine that this run started, which checks no signature. The service itself asks by its own clients.
"""

from __future__ import annotations

import http.client
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelpass.dynamodb import wire_json

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

_SECONDS = 20
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none"
)
_HEADERS = {
    "Authorization": _SIGNED,  # has to look like one, and is not checked
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
}


class PlainError(Exception):
    """What the engine refused, with its answer as boto3 would show it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response["Error"]["Code"])
        self.response = response


class _Exceptions:
    """Errors by their code, as a client of boto3 has them."""

    class ResourceInUseException(PlainError):  # noqa: N818 - its name there
        """The table is there already."""

    class ConditionalCheckFailedException(PlainError):  # noqa: N818 - its name there
        """A guard did not hold."""


class Plain:
    """As much of a DynamoDB client as tests need: `plain.put_item(TableName=…)`, from any thread."""

    exceptions = _Exceptions

    def __init__(self, endpoint: str) -> None:
        self._address = urlsplit(endpoint)
        self._idle: deque[http.client.HTTPConnection] = deque()  # any thread takes one and puts it back

    def __getattr__(self, method: str) -> Any:
        operation = "".join(word.capitalize() for word in method.split("_"))
        return lambda **request: self.call(operation, request)

    def call(self, operation: str, request: Request) -> Response:
        """Carry out one request; raises `PlainError`, or what a connection raises."""
        body = wire_json.encoded(request)
        headers = {**_HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._new()
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            answer: Response = wire_json.decoded(response.read())
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if response.status == http.client.OK:
            return answer
        code = answer.pop("__type").rpartition("#")[2]
        metadata = {"HTTPStatusCode": response.status}
        raise getattr(_Exceptions, code, PlainError)({"Error": {"Code": code}, "ResponseMetadata": metadata, **answer})

    def get_waiter(self, _: str) -> Plain:
        """Something to `wait` on until a table is there."""
        return self

    def wait(self, **table: str) -> None:
        """Wait until a table can be used."""
        while self.call("DescribeTable", table)["Table"]["TableStatus"] != "ACTIVE":
            pass

    def scan_all(self, table: str) -> list[Any]:
        """Every item of a table as it is now."""
        request: Request = {"TableName": table, "ConsistentRead": True}
        found: list[Any] = []
        while True:
            page = self.call("Scan", request)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def close(self) -> None:
        """Close what is kept open."""
        while self._idle:
            self._idle.pop().close()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=_SECONDS)
