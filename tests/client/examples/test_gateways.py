"""What both examples of a gateway guarantee, seen from their customers, their upstream and the service."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.examples.gateways import GATEWAYS, passage, until
from tests.client.examples.upstream import KEY, TEXT, USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.examples.gateways import Customer, Gateway
    from tests.support.stack import Stack

Json = dict[str, Any]
TOTAL = USAGE["total_tokens"]


@pytest.fixture(scope="module", params=sorted(GATEWAYS))
def gateway(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with GATEWAYS[request.param](stack, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def events(text: str) -> list[Json]:
    """The events of a stream that is complete."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_an_answer_is_booked_as_its_usage_says(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    answer = gateway.chat(customer.key, "answers")
    assert answer.status == 200
    assert answer.headers["x-ratelimit-remaining-requests"] == "49"
    assert answer.json["usage"] == USAGE
    customer.comes_to(1, TOTAL)


def test_a_stream_is_booked_as_its_usage_says(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    answer = gateway.chat(customer.key, "answers", stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.body.decode())
    assert "".join(choice["delta"]["content"] for event in found for choice in event["choices"]) == "".join(TEXT)
    assert found[-1]["usage"] == USAGE
    customer.comes_to(1, TOTAL)


def test_the_upstream_gets_the_key_of_the_provider_and_none_of_the_customer(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    gateway.chat(customer.key, "answers")
    headers, body = gateway.upstream.asked[-1]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert customer.key not in json.dumps([headers, body])
    assert "gzip" not in headers.get("accept-encoding", "") or gateway.name == "starlette"  # Envoy unpacks nothing


@pytest.mark.parametrize("stream", [False, True])
def test_what_fails_upstream_costs_nothing(gateway: Gateway, buy: Callable[..., Customer], *, stream: bool) -> None:
    customer = buy()
    assert gateway.chat(customer.key, "fails", stream=stream).status == 500
    customer.comes_to(0, 0)
    answer = gateway.chat(customer.key, "hangs up", stream=stream)
    assert answer.status in {502, 503}
    customer.comes_to(0, 0)


def test_an_answer_without_usage_is_booked_as_the_estimate(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    gateway.chat(customer.key, "tells no usage")
    customer.comes_to(1, gateway.estimate("tells no usage"))


def test_a_stream_that_breaks_off_is_booked_and_seen_to_break(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    answer = gateway.chat(customer.key, "breaks off", stream=True)
    assert (answer.complete, b"[DONE]" in answer.body) == (False, False)
    until(lambda: customer.usage()[2] == 0 and customer.usage()[1] > 0, customer.usage)
    assert customer.usage()[1] <= gateway.estimate("breaks off", stream=True)


def test_a_customer_who_leaves_a_stream_pays_for_what_was_delivered_and_the_upstream_stops(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    gateway.upstream.go_on.clear()
    gateway.upstream.left.clear()
    gateway.leave(
        customer.key, "goes on and on", lambda connection: until(lambda: b"more" in connection.recv(65536)), stream=True
    )
    assert gateway.upstream.left.wait(20)
    until(lambda: customer.usage()[2] == 0 and customer.usage()[1] > 0, customer.usage)
    assert customer.usage()[0] == 1


def test_a_refusal_is_openais_error_with_its_headers_and_reaches_no_upstream(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy(calls=1)
    gateway.chat(customer.key, "answers")
    before = len(gateway.upstream.asked)
    answer = gateway.chat(customer.key, "answers")
    assert answer.status == 429
    error = answer.json["error"]
    assert (error["code"], error["type"]) == ("daily_call_limit_reached", "rate_limit_error")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(gateway.upstream.asked) == before
    customer.comes_to(1, TOTAL)


def test_a_key_that_nobody_has_is_401(gateway: Gateway) -> None:
    answer = gateway.chat("sk-custom-nobody", "answers")
    assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"model": "claude-opus-4-6"}',
        b'{"model": "claude-opus-4-6", "messages": ["a"]}',
        b'{"model": 1, "messages": []}',
        b'{"model": "claude-opus-4-6", "messages": [], "n": "2"}',
        b'{"model": "claude-opus-4-6", "messages": [{"content": [{"type": "image_url"}]}]}',
    ],
)
def test_what_cannot_be_metered_is_refused(gateway: Gateway, buy: Callable[..., Customer], body: bytes) -> None:
    customer = buy()
    before = len(gateway.upstream.asked)
    answer = gateway.send(customer.key, body)
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert len(gateway.upstream.asked) == before
    assert customer.usage() == (0, 0, 0)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/models", "/", "/v1/chat/completions/"])
def test_what_is_not_metered_is_not_let_through(gateway: Gateway, buy: Callable[..., Customer], path: str) -> None:
    before = len(gateway.upstream.asked)
    answer = gateway.send(buy().key, b'{"model": "claude-opus-4-6", "messages": []}', path)
    assert answer.status in {307, 404, 405}
    assert len(gateway.upstream.asked) == before


def test_every_choice_is_reserved(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy(cap=400)
    assert gateway.chat(customer.key, "answers", n=10).status == 400  # more than the whole limit
    assert gateway.chat(customer.key, "answers", n=3).status == 200
    customer.comes_to(1, TOTAL)


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_reports_that_wait_are_delivered_at_sigterm(
    name: str, stack: Stack, tmp_path: Path, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    with passage(stack) as way, GATEWAYS[name](stack, tmp_path, MODELPASS_ENDPOINT=way.url) as gateway:
        way.failing.set()
        for _ in range(3):
            gateway.chat(customer.key, "answers")
        until(lambda: way.failures >= 12)  # by now the next try is seconds away
        assert customer.usage()[1] == 0
        way.failing.clear()
        gateway.end(signal.SIGTERM)
    assert customer.usage() == (3, 3 * TOTAL, 0)


def test_a_service_that_does_not_answer_closes_the_gateway(
    gateway: Gateway, buy: Callable[..., Customer], stack: Stack, tmp_path: Path
) -> None:
    customer = buy()
    nowhere = {"MODELPASS_ENDPOINT": "http://127.0.0.1:9", "MODELPASS_AUTHORIZE_SECONDS": "0.5"}
    with GATEWAYS[gateway.name](stack, tmp_path, **nowhere) as closed:
        answer = closed.chat(customer.key, "answers")
        assert answer.status == 503
        assert answer.json["error"]["code"] == "temporarily_unavailable"
        assert answer.headers["retry-after"] == "1"
        assert closed.upstream.asked == []
