"""An exchange books its grant once, as what is known of it; what must be counted is counted in a thread."""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import pytest

from modelpass_client.grant import Grant
from modelpass_client.litellm.exchange import Counters, Exchange
from modelpass_client.policies import Policies
from modelpass_client.reports import VOID, Report
from tests.client.core.test_grant import ANSWER

PROMPT = 7


class Books:
    def __init__(self) -> None:
        self.reports: list[Report] = []

    def book(self, grant: Grant, report: Report) -> None:  # noqa: ARG002 - a sink's form
        self.reports.append(report)


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def exchange(books: Books) -> Exchange:
    made = Exchange("chat", "openai", "key", "m", {"messages": []}, 100)
    made.grant = Grant(
        ANSWER, request_id="r", sink=books, policies=Policies(), start_before=1e12, expires_at=1e12, calls=1
    )
    made.attempts = 1
    return made


@pytest.fixture(autouse=True)
def _litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM's counter: a prompt has seven tokens, and a text one for each letter."""

    def token_counter(*, text: str | None = None, **_: Any) -> int:
        return PROMPT if text is None else len(text)

    module = types.ModuleType("litellm")
    module.token_counter = token_counter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "litellm", module)


def concluded(exchange: Exchange, books: Books, **policies: Any) -> list[Report]:
    counters = Counters()
    for _ in range(3):
        exchange.conclude(counters, Policies(**policies))
    counters.close()
    return books.reports


def test_what_the_upstream_told_is_booked_with_its_tier(exchange: Exchange, books: Books) -> None:
    exchange.reported, exchange.served_tier = 12, "stable"
    assert concluded(exchange, books) == [Report(12, source="reported", served_tier="stable")]


def test_a_stream_without_usage_is_counted(exchange: Exchange, books: Books) -> None:
    exchange.seen.chunk({"choices": [{"delta": {"content": "abc"}}]})
    exchange.left = True
    assert concluded(exchange, books) == [Report(PROMPT + 3, source="counted")]


def test_a_prompt_that_the_upstream_told_is_not_counted(exchange: Exchange, books: Books) -> None:
    exchange.seen.chunk({"choices": [{"delta": {"content": "abc"}}]})
    exchange.seen.prompt_units = 100
    assert concluded(exchange, books) == [Report(103, source="counted")]


def test_who_leaves_before_output_pays_the_prompt_or_nothing(exchange: Exchange, books: Books) -> None:
    exchange.left = True
    assert concluded(exchange, books) == [Report(PROMPT, source="counted")]


def test_who_leaves_a_stream_that_failed_before_output_pays_nothing(exchange: Exchange, books: Books) -> None:
    exchange.left = exchange.seen.failed = True
    assert concluded(exchange, books) == [VOID]


def test_by_policy_who_leaves_before_output_pays_nothing(exchange: Exchange, books: Books) -> None:
    exchange.left = True
    assert concluded(exchange, books, cancelled_before_output="void") == [VOID]


def test_what_reached_no_upstream_or_failed_there_is_void(exchange: Exchange, books: Books) -> None:
    assert concluded(exchange, books) == [Report(0, 0, source="reported")]


def test_who_leaves_before_an_upstream_was_asked_pays_nothing(exchange: Exchange, books: Books) -> None:
    exchange.left, exchange.attempts = True, 0
    assert concluded(exchange, books) == [VOID]


def test_a_translated_stream_is_said_to_be_counted_and_void_without_output(exchange: Exchange, books: Books) -> None:
    exchange.translated, exchange.seen.units = True, 12
    assert concluded(exchange, books) == [VOID]


def test_a_translated_stream_with_output_is_booked_as_told(exchange: Exchange, books: Books) -> None:
    exchange.translated, exchange.seen.units, exchange.seen.output = True, 12, True
    assert concluded(exchange, books) == [Report(12, source="counted")]


def test_an_answer_that_nobody_can_read_is_booked_as_its_estimate(exchange: Exchange, books: Books) -> None:
    exchange.lost = True
    assert concluded(exchange, books) == [Report(ANSWER["heldUsage"], source="estimated")]


def test_counting_that_fails_books_the_estimate(
    exchange: Exchange, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.seen.output = True
    monkeypatch.delattr(sys.modules["litellm"], "token_counter")
    assert concluded(exchange, books) == [Report(ANSWER["heldUsage"], source="estimated")]


def test_what_is_too_long_to_count_is_estimated(exchange: Exchange, books: Books) -> None:
    exchange.size, exchange.seen.output = 4_000_000, True
    assert concluded(exchange, books) == [Report(1_000_000, source="estimated")]


def test_concluding_does_not_wait_for_the_count(
    exchange: Exchange, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_count = threading.Event()

    def slow(**_: Any) -> int:
        may_count.wait(10)
        return PROMPT

    monkeypatch.setattr(sys.modules["litellm"], "token_counter", slow)
    exchange.left = True
    counters = Counters()
    exchange.conclude(counters, Policies())
    assert books.reports == [], "it goes on while a thread counts"
    may_count.set()
    counters.close()
    assert books.reports == [Report(PROMPT, source="counted")]


def test_without_a_grant_nothing_is_booked(exchange: Exchange, books: Books) -> None:
    exchange.grant = None
    assert concluded(exchange, books) == []
