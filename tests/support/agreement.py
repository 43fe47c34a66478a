"""What callers see and what is stored, compared with the ledger. Rule: looks at everything, and changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from modelpass import changes, commands_read, items
from tests.support.ledger import UNITS

if TYPE_CHECKING:
    from tests.support.ledger import Book, Bought
    from tests.support.world import World


def assert_usage(world: World, every: list[Bought]) -> None:
    """The live counters and the status of every subscription."""
    now_ms = world.clock.now_ms
    for bought in every:
        models = [
            {
                "modelId": book.model_id,
                "channelTier": book.tier,
                "unit": UNITS[book.model_id],
                **book.windows(now_ms),
            }
            for book in bought.terms[-1].values()
        ]
        status = "expired" if bought.expired(now_ms) else "active"
        usage = commands_read.get_usage(world.deps, bought.account, bought.id)
        assert usage == {"subscriptionId": bought.id, "status": status, "models": models}


def assert_windows(world: World, every: list[Bought]) -> None:
    """The calls and units of every day and month that had a grant, in every term ever sold."""
    closed = world.all_items(world.tables.history)
    for bought in every:
        for number, term in enumerate(bought.terms, 1):
            for book in term.values():
                _assert_book(world, bought.id, number, book, closed)


def _assert_book(world: World, subscription_id: str, number: int, book: Book, closed: list[items.Item]) -> None:
    """In the item while a window is stored, else in its row; where nothing happened, there is nothing."""
    stored = world.entitlement(subscription_id, number, book.model_id)
    days, months = _closed_windows(subscription_id, number, book.model_id, closed)
    segment, counters = changes.stored_segment(stored), stored.counters
    assert segment.day not in days, "a window is stored in one place"
    assert segment.month not in months
    days[segment.day] = (counters.day_calls, counters.day_units)
    months[segment.month] = counters.month_used
    ledger = book.calendar
    for day in {ledger.day(g.granted_at_ms) for g in book.grants}:
        expected = (book.calls(day), sum(g.used for g in book.of_day(day)))
        assert days.pop(ledger.date(day), (0, 0)) == expected, (day, book)
    assert set(days.values()) <= {(0, 0)}, days
    for month in {ledger.month(g.granted_at_ms) for g in book.grants}:
        assert months.pop(month, 0) == book.used(month), (month, book)
    assert set(months.values()) <= {0}, months


def _closed_windows(
    subscription_id: str, number: int, model_id: str, closed: list[items.Item]
) -> tuple[dict[str, tuple[int, int]], dict[int, int]]:
    """The rows of one model of one term: date -> (calls, units), and month -> units."""
    days, months = {}, {}
    for row in closed:
        kind, *rest = row["sk"]["S"].split("#")
        if kind == "day" and (row["pk"]["S"], rest[1:]) == (subscription_id, [str(number), model_id]):
            days[rest[0]] = (int(row["calls"]["N"]), int(row["units"]["N"]))
        if kind == "month" and (row["pk"]["S"], rest[0], rest[2]) == (subscription_id, str(number), model_id):
            months[int(rest[1])] = int(row["used"]["N"])
    return days, months


def assert_one_active(world: World, every: list[Bought]) -> None:
    """No account has two active subscriptions, and those that are active are the ledger's."""
    now_ms = world.clock.now_ms
    rows = [r for r in world.all_items(world.tables.subscriptions) if r["sk"]["S"] == "subscription"]
    stored = map(items.subscription_of, rows)
    active = Counter(s.account_id for s in stored if s.status(now_ms).value == "active")
    assert active == Counter(b.account for b in every if not b.expired(now_ms))
    assert max(active.values(), default=0) <= 1


def assert_events(world: World, every: list[Bought], expected: Counter[str]) -> None:
    """Each fact is told once; an expiry once it was noticed, and at the latest by the renewal after it."""
    told = Counter(world.events())
    expired = told.pop("subscription.expired", 0)
    ended = sum(len(b.terms) - (not b.expired(world.clock.now_ms)) for b in every)
    assert expected["subscription.renewed"] <= expired <= ended
    assert told == +expected
