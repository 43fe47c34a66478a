"""What the proxy in Python guarantees besides: what it makes of a request before it sends it upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.examples.gateways import MAX_TOKENS, starlette
from tests.client.examples.upstream import USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.examples.gateways import Customer, Gateway
    from tests.support.stack import Stack

TOTAL = USAGE["total_tokens"]


@pytest.fixture(scope="module")
def gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with starlette(stack, tmp_path_factory.mktemp("starlette"), "/v1/{tier}") as running:
        yield running


def test_a_stream_tells_its_usage_also_where_the_customer_did_not_ask(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    assert gateway.chat(customer.key, "answers", stream=True).complete
    customer.comes_to(1, TOTAL)


@pytest.mark.parametrize(
    ("said", "bound"),
    [
        ({}, MAX_TOKENS),
        ({"max_tokens": None}, 4096),
        ({"max_tokens": "50"}, 4096),
        ({"max_tokens": -5}, 4096),
        ({"max_completion_tokens": 7}, 7),
        ({"max_completion_tokens": 7, "max_tokens": 9000}, 7),
    ],
)
def test_the_upstream_is_held_to_what_was_reserved(
    gateway: Gateway, buy: Callable[..., Customer], said: dict[str, object], bound: int
) -> None:
    gateway.chat(buy().key, "answers", **said)
    body = gateway.upstream.asked[-1][1]
    assert body["max_completion_tokens"] == bound
    assert "max_tokens" not in body


def test_a_request_goes_to_the_upstream_of_its_tier(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    gateway.chat(buy().key, "answers")
    assert gateway.upstream.asked[-1][0][":path"] == "/v1/stable/chat/completions"


def test_a_request_whose_customer_left_is_booked_as_its_usage_says(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    gateway.upstream.begun.clear()
    gateway.leave(customer.key, "waits before it answers", lambda _: gateway.upstream.begun.wait(20))
    gateway.upstream.go_on.set()
    customer.comes_to(1, TOTAL)
