"""Replies that say nothing of the service's time, and no replies at all: nothing is granted, and nothing raised."""

from __future__ import annotations

import contextlib
import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from modelpass.embedded.decisions import Decisions
from modelpass.runtime.telemetry import Output
from tests.support.embedded import given, settings_of
from tests.support.wire import Do, Wire, reply, serving
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.embedded import Json
    from tests.support.world import World

THROTTLED = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as running:
        yield running


def ask(live: World, wire: Wire, lines: list[str] | None = None) -> Json:
    decisions = Decisions(settings_of(live, wire.url), given, Output(lines.append if lines is not None else None))
    payload = {"apiKey": live.buy()["apiKey"], "requestId": "r-1", "estimatedUsage": 1, "modelId": TEXT_MODEL}
    with contextlib.closing(decisions):
        return decisions.authorize(payload)


@pytest.mark.parametrize("date", [None, "yesterday", "Fri, 31 Jun 2026 19:30:55 GMT"])
def test_a_store_that_tells_no_time_gets_no_write(live: World, wire: Wire, date: str | None) -> None:
    lines: list[str] = []
    wire.sends(reply(b"{}", date=date))
    assert ask(live, wire, lines)["error"]["code"] == "temporarily_unavailable"
    assert {asked.operation for asked in wire.asked} == {"GetItem"}
    assert json.loads(lines[-1])["clock"] == "unknown"


@pytest.mark.parametrize("ahead", [-3, 3])
def test_a_store_whose_date_is_three_seconds_off_gets_no_write(live: World, wire: Wire, ahead: int) -> None:
    wire.answer = lambda _: [reply(b"{}", date=formatdate(int(time.time() + ahead * 1.5), usegmt=True))]
    assert ask(live, wire)["error"]["code"] == "temporarily_unavailable"
    assert {asked.operation for asked in wire.asked} == {"GetItem"}


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_store_whose_date_is_a_second_off_gets_one(live: World, wire: Wire, ahead: int) -> None:
    wire.answer = lambda _: [reply(b"{}", date=formatdate(int(time.time() + ahead), usegmt=True))]
    ask(live, wire)
    assert "UpdateItem" in {asked.operation for asked in wire.asked}


def test_a_reply_that_tells_of_an_error_tells_the_time_as_well(live: World, wire: Wire) -> None:
    lines: list[str] = []
    wire.answer = lambda _: [reply(json.dumps(THROTTLED).encode(), 400, date=formatdate(time.time() - 60, usegmt=True))]
    decisions = Decisions(settings_of(live, wire.url), given, Output(lines.append))
    with contextlib.closing(decisions):
        decisions.settle(
            {"authorizationId": live.authorize(live.buy()["apiKey"], "r")["authorizationId"], "actualUsage": 1}
        )
        assert 58_000 < (decisions.clock_difference_ms() or 0) <= 61_000


@pytest.mark.parametrize("what", [Do.CLOSE, Do.RESET])
def test_a_store_that_does_not_answer_grants_nothing(live: World, wire: Wire, what: Do) -> None:
    wire.sends(what)
    assert ask(live, wire)["error"]["code"] == "temporarily_unavailable"
