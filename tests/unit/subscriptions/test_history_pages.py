"""Pages of the daily usage: each entry once, whatever the limit, and cursors that are good for what gave them alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from modelpass.errors import Refused
from modelpass.subscriptions import history_pages
from modelpass.times import DAY_MS
from tests.support.builders import NOON, limits, ms, subscription

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.subscriptions.history_pages import HistoryPage
    from modelpass.subscriptions.model import Subscription

STORED = subscription(models=(limits("m-1"), limits("m-2"), limits("m-3")))  # from 2026-11-23 to 2027-02-23
BORN, TODAY = date(2026, 11, 23), date(2026, 12, 1)


def page(
    query: Mapping[str, str],
    limit: int = 1000,
    now_ms: int = NOON,
    stored: Subscription = STORED,
    models: tuple[str, ...] = (),
) -> HistoryPage:
    cursor = history_pages.cursor_of(query["cursor"], query) if "cursor" in query else None
    question = history_pages.question_of(query, cursor, stored, now_ms)
    return history_pages.page_of(question, models or tuple(line.model_id for line in stored.models), limit)


def refused(query: Mapping[str, str], now_ms: int = NOON) -> str | None:
    with pytest.raises(Refused) as caught:
        page(query, now_ms=now_ms)
    assert caught.value.refusal.code.code == "invalid_request"
    return caught.value.refusal.param


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 26, 27, 28])
def test_pages_have_every_entry_once_in_its_place_and_end(limit: int) -> None:
    whole = page({})
    assert whole.following is None
    assert whole.entries() == [(BORN + timedelta(days=n), m) for n in range(9) for m in ("m-1", "m-2", "m-3")]
    shown, following, count = [], page({}, limit), 0
    while True:
        shown += following.entries()
        count += 1
        assert following.days.first == following.entries()[0][0]
        assert following.days.last == following.entries()[-1][0]
        if following.following is None:
            break
        following = page({"cursor": following.following}, limit)
    assert shown == whole.entries()
    assert count == -(-27 // limit)


def test_no_day_is_a_page_without_entries_and_without_another() -> None:
    empty = page({"to": "2026-11-22"})
    assert (empty.entries(), empty.following) == ([], None)
    assert empty.days.first > empty.days.last


def test_following_pages_are_about_the_days_of_the_first_however_late_they_are_asked_for() -> None:
    cursor = page({}, 20).following
    assert cursor is not None
    rest = page({"cursor": cursor}, now_ms=NOON + 40 * DAY_MS)
    assert rest.entries() == page({}).entries()[20:]
    assert rest.span.open_day == TODAY + timedelta(days=40)
    earlier = page({"cursor": cursor}, now_ms=NOON - DAY_MS // 2 - 1)  # by a clock that is still in the day before
    assert earlier.entries() == rest.entries()


def test_bounds_of_the_first_page_may_be_sent_again_or_left_out_and_no_others_are_taken() -> None:
    query = {"from": "2026-11-01", "to": "2031-01-01"} | {"to": "2026-11-30"}
    cursor = page(query, 5).following
    assert cursor is not None
    rest = page(query).entries()[5:]
    for repeated in ({}, {"from": query["from"]}, {"to": query["to"]}, query):
        assert page({**repeated, "cursor": cursor}).entries() == rest
    for name in ("from", "to"):
        for other in ("2026-11-24", "", "x"):
            assert refused({**query, name: other, "cursor": cursor}) == name
    without = page({}, 5).following
    assert without is not None
    assert refused({"from": "2026-11-23", "cursor": without}) == "from"


WHOLE = "~~2026-11-23~2026-12-01~5"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~~2026-11-23~2026-12-01",
        "~~2026-11-23~2026-12-01~",
        "~~2026-11-23~2026-12-01~-1",
        "~~2026-11-23~2026-12-01~0",  # nothing was shown: that is the first page
        "~~2026-11-23~2026-12-01~27",  # everything was
        "~~2026-11-23~2026-12-01~99999",
        "~~2026-11-23~2026-12-01~5~4",  # of more models than there are
        "~~2026-11-23~2026-12-01~5~0",
        "~~2026-11-23~2026-12-01~999999",
        "~~2026-11-22~2026-12-01~5",  # before the subscription
        "~~2026-11-23~2026-12-03~5",  # after tomorrow
        "~~2026-12-01~2026-11-30~5",
        "~~2026-11-31~2026-12-01~5",
        "~~2026-11-23~2026-13-01~5",
        "~x~2026-11-23~2026-12-01~5",
        "~~2026-11-23~2026-12-01~\u0665",
        f"{WHOLE}~",
        f" {WHOLE}",
        f"{WHOLE}\n",
        "bought#000000000000001#000000001#sub_" + "a" * 24,
    ],
)
def test_cursor_that_no_page_gave_is_named(text: str) -> None:
    assert page({"cursor": WHOLE}).start == 5
    assert refused({"cursor": text}) == "cursor"


def test_cursor_is_about_no_more_days_than_a_question_may_be() -> None:
    years = subscription(models=(limits("m-1"),))._replace(created_at_ms=ms("2024-01-01T00:00:00Z"))
    assert page({"cursor": "~~2024-12-01~2025-12-01~5"}, stored=years).end == 366
    with pytest.raises(Refused, match="invalid_request"):
        page({"cursor": "~~2024-12-01~2025-12-02~5"}, stored=years)


def test_model_that_is_bought_between_two_pages_comes_last_in_the_days_that_follow() -> None:
    cursor = page({}, 4).following
    assert cursor is not None
    rest = page({"cursor": cursor}, models=("m-1", "m-2", "m-3", "m-4")).entries()
    second = BORN + timedelta(days=1)
    assert rest[:4] == [(second, "m-2"), (second, "m-3"), (second, "m-4"), (BORN + timedelta(days=2), "m-1")]
