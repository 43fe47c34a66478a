"""With one template parameter, authorize and settle use boto3 in place of the lean client, and answer the same."""

from __future__ import annotations

import http.client
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import pytest

from tests.support import stack as support
from tests.support.loopback import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OF_A_HOLD = b'":hold"'
"""What requests have by which authorize and settle write, and no others."""


class Relay(BaseHTTPRequestHandler):
    """Passes requests on to an engine, and notes what the programs that write call themselves."""

    protocol_version = "HTTP/1.1"
    engine: ClassVar[str]
    writers: ClassVar[list[str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if OF_A_HOLD in body:
            self.writers.append(self.headers.get("User-Agent", ""))
        to_engine = http.client.HTTPConnection(urlsplit(self.engine).netloc)
        to_engine.request("POST", self.path, body, dict(self.headers))
        reply = to_engine.getresponse()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.read())
        to_engine.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def relay(engine: str) -> Iterator[tuple[str, list[str]]]:
    """Another address of the engine, and what the programs that wrote there call themselves."""
    writers: list[str] = []
    with listening(type("OfThisTest", (Relay,), {"engine": engine, "writers": writers})) as url:
        yield url, writers


@pytest.mark.parametrize(("parameters", "called"), [("StoreClient=boto3", "Boto3/"), ("", "")])
def test_requests_are_decided_through_the_sdk_where_a_parameter_says_so_and_else_not(
    relay: tuple[str, list[str]], tmp_path: Path, new_account: Callable[[], str], parameters: str, called: str
) -> None:
    url, writers = relay
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=url, DATA=str(tmp_path), PARAMETERS=parameters) as stack:
        bought = stack.buy(new_account())
        writers.clear()
        granted = stack.authorize(bought["apiKey"], "r-1", 4000)
        assert granted["allowed"]
        assert stack.settle(granted["authorizationId"], 1234)["monthly"]["used"] == 1234
        assert stack.settle(granted["authorizationId"], 1234) == {"settled": True, "replayed": True}
        stack.note_permissions()
    assert len(writers) == 3
    assert {writer[: len("Boto3/")] for writer in writers} == {called}
