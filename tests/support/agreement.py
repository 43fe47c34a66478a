"""What callers see and what is stored, compared with the ledger. Rule: looks at everything, and changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from modelpass import times
from modelpass.entitlements import history
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.commands import queries as subscription_queries
from ops.audit import rows
from tests.support import listings, sales
from tests.support.ledger import UNITS, Line, rfc3339

if TYPE_CHECKING:
    from tests.support.ledger import Book, Share
    from tests.support.ledger_sales import Bought, Lines, Order, Plan
    from tests.support.world import World

Json = dict[str, Any]


def begun(every: list[Bought]) -> list[Bought]:
    """Those that have had a term."""
    return [bought for bought in every if bought.terms]


def by_model(models: list[Json]) -> list[Json]:
    """In an order that does not hang on how a list was changed."""
    return sorted(models, key=lambda model: str(model["modelId"]))


def assert_usage(world: World, every: list[Bought]) -> None:
    """The live counters and the status of every subscription."""
    now_ms = world.clock.now_ms
    for bought in begun(every):
        models = [
            {
                "modelId": book.model_id,
                "channelTier": book.tier(now_ms),
                "unit": UNITS[book.model_id],
                **book.windows(now_ms),
            }
            for book in bought.terms[-1].values()
            if book.in_force(now_ms)
        ]
        usage = subscription_queries.get_usage(world.deps, bought.account, bought.id)
        usage["models"] = by_model(usage["models"])
        expected = {"subscriptionId": bought.id, "status": bought.status(now_ms), "models": by_model(models)}
        assert usage == expected


def assert_keys(world: World, every: list[Bought]) -> None:
    """What each current key is good for; the one before it, of this term or the last, is good for nothing."""
    now_ms = world.clock.now_ms
    for bought in begun(every):
        for replaced in (*bought.keys[-2:-1], *bought.replaced[-1:], *(bought.keys[-1:] if bought.revoked else ())):
            assert world.describe_key(replaced)["error"]["code"] == "invalid_api_key"
        if bought.revoked:
            continue
        described = world.describe_key(bought.keys[-1])
        assert (described["subscriptionId"], described["accountId"]) == (bought.id, bought.account)
        assert (described["status"], described["term"]) == (bought.status(now_ms), len(bought.terms))
        models = [
            {
                "modelId": book.model_id,
                "channelTier": book.tier(now_ms),
                "unit": UNITS[book.model_id],
                "dailyCallLimit": book.limit(now_ms),
                "monthlyTokenCap": book.line(now_ms).cap,
                **book.windows(now_ms),
                "openHolds": len(book.open_holds(now_ms)),
            }
            for book in bought.terms[-1].values()
            if book.in_force(now_ms)
        ]
        assert by_model(described["models"]) == by_model(models)


def assert_lists(world: World, every: list[Bought]) -> None:
    """The term, the list in force and what waits, of every subscription."""
    now_ms = world.clock.now_ms
    for bought in begun(every):
        shown = sales.look(world, bought.id, bought.account)
        ends = bought.calendar
        assert (shown["startsAt"], shown["expiresAt"]) == (rfc3339(ends.starts_at_ms), rfc3339(ends.ends_at_ms))
        assert lines_shown(shown["models"]) == bought.in_force(now_ms)
        waits, change = shown["pendingChange"], bought.pending_change
        assert Fraction(shown["price"]["total"]) <= bought.charged[-1]
        if not bought.shows_part and change is None:
            assert Fraction(shown["price"]["total"]) == bought.charged[-1]
        if change is None:
            assert waits is None
        else:
            assert (waits["bindsAt"], lines_shown(waits["models"])) == (rfc3339(change.binds_at_ms), change.lines)


def lines_shown(models: list[Json]) -> Lines:
    return {m["modelId"]: Line(m["channelTier"], m["dailyCallLimit"], m["monthlyTokenCap"]) for m in models}


def assert_orders(world: World, orders: list[Order]) -> None:
    """Every sale of every account, newest first, with its price and how it ended."""
    now_ms = world.clock.now_ms
    for account in {order.account for order in orders}:
        page: Json = sales.orders(world, account, limit="100")
        shown = [
            (o["subscriptionId"], o["kind"], o["status"], o["at"], Fraction(o["price"]["total"]), o["reference"])
            for o in page["orders"]
        ]
        assert [row[3] for row in shown] == sorted((row[3] for row in shown), key=to_ms_of, reverse=True)
        expected = [
            (o.subscription_id, o.kind, o.status(now_ms), rfc3339(o.at_ms), o.total, o.reference)
            for o in orders
            if o.account == account
        ]
        assert Counter(shown) == Counter(expected)


def to_ms_of(time: str) -> int:
    return times.to_ms(datetime.fromisoformat(time))


def assert_windows(world: World, every: list[Bought]) -> None:
    """The calls and units of every day and month that had a grant, in every term ever sold."""
    closed = rows.Readings("")
    for row in world.all_items(world.tables.history):
        if not row["sk"]["S"].startswith(history.TICKET_PREFIX):
            rows.take_history(closed, row)
    for bought in begun(every):
        for number, term in enumerate(bought.terms, 1):
            for book in term.values():
                _assert_book(world, bought.id, number, book, closed)


def _assert_book(world: World, subscription_id: str, number: int, book: Book, closed: rows.Readings) -> None:
    """In the item while a window is stored, else in its row; where nothing happened, there is nothing."""
    stored = world.entitlement(subscription_id, number, book.model_id)
    beside = closed.of(stored.id)
    days, months = {**beside.days}, {number: row.used for number, row in beside.months.items()}
    counters = stored.counters
    days[stored.day] = (counters.day_calls, counters.day_units)  # the audit asks that no row has it, too
    months[stored.month] = counters.month_used
    ledger = book.calendar
    for day in {ledger.day(at_ms) for at_ms in book.active_at()}:
        expected = (book.calls(day), book.day_units(day))
        assert days.pop(ledger.date(day), (0, 0)) == expected, (day, book)
    assert set(days.values()) <= {(0, 0)}, days
    for month in {ledger.month(at_ms) for at_ms in book.active_at()}:
        assert months.pop(month, 0) == book.used(month), (month, book)
    assert set(months.values()) <= {0}, months


def assert_own_figures(world: World, every: list[Bought]) -> None:
    """What stands beside each entitlement of the units whose figure was the router's own."""
    stored = {item["pk"]["S"]: item for item in world.all_items(world.tables.entitlements)}
    for bought in begun(every):
        for number, term in enumerate(bought.terms, 1):
            for book in term.values():
                item = stored[f"{bought.id}#{number}#{book.model_id}"]
                for source, attribute in (("counted", "uc"), ("estimated", "ue")):
                    assert int(item.get(attribute, {"N": "0"})["N"]) == book.own_figures[source], (source, book)


def assert_history(world: World, every: list[Bought]) -> None:
    """The days of the last month, of all terms, and what these were sold at, as a customer sees them."""
    for bought in begun(every):
        shown = listings.history(world.deps, bought.account, bought.id)
        for term in shown["terms"]:
            assert Fraction(term["price"]["total"]) <= bought.charged[term["term"] - 1]
        for day in shown["days"]:
            books = [term[day["modelId"]] for term in bought.terms if day["modelId"] in term]
            days = [(b, b.calendar.number(day["date"])) for b in books]
            expected = sum(b.calls(d) for b, d in days), sum(b.day_units(d) for b, d in days)
            assert (day["calls"], day["units"]) == expected, day


def assert_one_active(world: World, every: list[Bought], plans: dict[str, Plan]) -> None:
    """No account has two active subscriptions, plan or custom, and those that are active are the ledger's."""
    now_ms = world.clock.now_ms
    rows = [r for r in world.all_items(world.tables.subscriptions) if r["sk"]["S"] == "subscription"]
    stored = map(subscription_items.subscription_of, rows)
    active = Counter(
        s.account_id for s in stored if s.status(now_ms).value in {"active", "suspended"} and not s.has_ended(now_ms)
    )
    assert active == Counter(b.account for b in every if b.runs(now_ms))
    with_plans = active + Counter(account for account, plan in plans.items() if now_ms < plan.until_ms)
    assert max(with_plans.values(), default=0) <= 1


def assert_events(
    world: World, every: list[Bought], plans: dict[str, Plan], orders: list[Order], expected: Counter[str]
) -> None:
    """Each fact is told once; an end by the clock once it was noticed, and at the latest when its place is taken."""
    now_ms = world.clock.now_ms
    told = Counter(world.events())
    del told["limit.threshold_reached"]
    expired = told.pop("subscription.expired", 0)
    ended = sum(len(b.terms) - (not b.expired(now_ms) or b.cancelled) for b in begun(every))
    assert expected["subscription.renewed"] <= expired <= ended
    unnoticed = sum(0 < plan.until_ms <= now_ms for plan in plans.values())
    assert expected["plan.ended"] <= told.pop("plan.ended", 0) <= expected["plan.ended"] + unnoticed
    lapsed = sum(order.status(now_ms) == "lapsed" for order in orders)
    assert told.pop("order.lapsed", 0) <= lapsed
    for kind in ("subscription.expiring", "model.changed"):
        told.pop(kind, 0)
    assert told == Counter({kind: count for kind, count in expected.items() if kind != "plan.ended" and count})


def assert_reminders(world: World) -> None:
    """A customer is reminded of each end at most twice, and not twice in the same words."""
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == "subscription.expiring"]
    said = Counter((row["pk"]["S"], row["data"]["S"]) for row in rows)
    assert set(said.values()) <= {1}, said
    ends = Counter((row["pk"]["S"], json.loads(row["data"]["S"])["expiresAt"]) for row in rows)
    assert max(ends.values(), default=0) <= 2, ends


def assert_thresholds(world: World, every: list[Bought]) -> None:
    """Each crossing that a request saw is told, and none more often than what was really used has crossed it."""
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == "limit.threshold_reached"]
    assert len({row["id"]["S"] for row in rows}) == len(rows), "each crossing is an event of its own"
    told: Counter[tuple[str, int, str, Share]] = Counter()
    for row in rows:
        data = json.loads(row["data"]["S"])
        share = (data["limit"], data["percent"], data["windowEndsAt"])
        told[row["pk"]["S"], data["term"], data["modelId"], share] += 1
    for bought in begun(every):
        for number, term in enumerate(bought.terms, 1):
            for book in term.values():
                book.look_everywhere(world.clock.now_ms)
                times = Counter(
                    {share: n for (*at, share), n in told.items() if at == [bought.id, number, book.model_id]}
                )
                assert book.seen.times <= times <= book.crossed.times, (book.seen, times, book.crossed)
