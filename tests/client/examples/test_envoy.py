"""What the example for Envoy guarantees besides: its log, its ids, and customers who leave early."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.examples.gateways import asked, passage, until, with_envoy
from tests.client.examples.upstream import USAGE
from tests.support import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.examples.gateways import Customer, Gateway
    from tests.support.stack import Stack

TOTAL = USAGE["total_tokens"]
RETRYING = {"x_envoy_retry_on": "5xx,reset", "x_envoy_max_retries": "3"}


@pytest.fixture(scope="module")
def gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with with_envoy(stack, tmp_path_factory.mktemp("envoy")) as running:
        yield running


def test_a_customer_who_leaves_while_the_service_is_asked_pays_nothing(
    stack: Stack, tmp_path: Path, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    with passage(stack) as way, with_envoy(stack, tmp_path, MODELPASS_ENDPOINT=way.url) as gateway:
        way.go_on.clear()
        gateway.leave(customer.key, "answers", lambda _: way.waits.wait(20))
        gateway.log_has(1)
        way.go_on.set()
        customer.comes_to(0, 0)
        assert gateway.upstream.asked == []
        assert gateway.chat(customer.key, "answers").status == 200
        customer.comes_to(1, TOTAL)


def test_a_customer_who_leaves_before_an_answer_pays_the_prompt(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    gateway.upstream.begun.clear()
    gateway.leave(customer.key, "waits before it answers", lambda _: gateway.upstream.begun.wait(20))
    customer.comes_to(1, len(asked("waits before it answers")) // 4)
    gateway.upstream.go_on.set()


def test_a_line_that_is_lost_is_booked_as_the_estimate_before_its_hold_ends(
    stack: Stack, tmp_path: Path, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    soon = {"MODELPASS_HOLD_SECONDS": "3", "MODELPASS_LOST_USAGE_SECONDS": "2"}
    elsewhere = {"ACCESS_LOG": str(tmp_path / "another.jsonl"), **soon}
    with with_envoy(stack, tmp_path, changed=("", ""), **elsewhere) as gateway:
        assert gateway.chat(customer.key, "answers").status == 200
        customer.comes_to(1, gateway.estimate("answers"))


def test_lines_are_read_on_after_the_log_was_put_aside(
    stack: Stack, tmp_path: Path, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    with with_envoy(stack, tmp_path) as gateway:
        log = gateway.log
        assert log is not None
        gateway.chat(customer.key, "answers")
        log.rename(tmp_path / "before.jsonl")
        gateway.chat(customer.key, "answers")
        customer.comes_to(2, 2 * TOTAL)
        gateway.processes[1].send_signal(signal.SIGUSR1)  # Envoy opens its logs anew
        until(log.exists)
        gateway.chat(customer.key, "answers")
        customer.comes_to(3, 3 * TOTAL)


def test_a_line_that_cannot_be_read_stops_nothing(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    assert gateway.log is not None
    with gateway.log.open("ab") as log:
        log.write(b'no JSON\n{}\n{"request": "of-nobody"}\n')
    gateway.chat(customer.key, "answers")
    customer.comes_to(1, TOTAL)


def test_a_customer_names_no_request_of_envoys(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    for _ in range(2):
        gateway.send(customer.key, asked("answers"), x_request_id="mine")
    customer.comes_to(2, 2 * TOTAL)
    assert gateway.log is not None
    assert "mine" not in gateway.log.read_text("utf-8")


def test_a_grant_is_one_upstream_request_whatever_headers_ask_for(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    before = len(gateway.upstream.asked)
    assert gateway.send(customer.key, asked("fails"), **RETRYING).status == 500
    assert len(gateway.upstream.asked) == before + 1
    customer.comes_to(0, 0)


def test_a_customer_chooses_no_tier(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    customer = buy()
    gateway.send(customer.key, asked("answers"), x_modelpass_tier="enterprise")
    customer.comes_to(1, TOTAL)
    assert gateway.log is not None
    assert json.loads(gateway.log.read_text("utf-8").splitlines()[-1])["tier"] == "stable"
    assert "x-modelpass-tier" not in gateway.upstream.asked[-1][0]


def test_a_tier_without_a_cluster_is_an_error_that_costs_nothing(
    stack: Stack, tmp_path: Path, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    with with_envoy(stack, tmp_path, changed=("- name: stable", "- name: another")) as gateway:
        assert gateway.chat(customer.key, "answers").status == 503
        customer.comes_to(0, 0)
        assert gateway.upstream.asked == []


def test_a_body_that_is_too_large_is_refused_before_anything_is_granted(
    gateway: Gateway, buy: Callable[..., Customer]
) -> None:
    customer = buy()
    before = len(gateway.upstream.asked)
    answer: Any = gateway.send(customer.key, asked("a" * 4_194_304))
    assert answer.status == 413
    assert len(gateway.upstream.asked) == before
    assert customer.usage() == (0, 0, 0)


def test_the_log_holds_no_secret(gateway: Gateway, buy: Callable[..., Customer]) -> None:
    gateway.chat(buy().key, "answers")
    assert gateway.log is not None
    leaks.look_through("The access log", gateway.log.read_text("utf-8"))
