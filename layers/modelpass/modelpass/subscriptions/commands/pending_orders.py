"""The orders of all accounts that wait for their confirmation. Rule: nothing is changed, and what is shown waits now.

An order that waits is in the due index until it ends, at the time when it lapses. So its shards tell which orders there
are; what is shown of them is read strongly consistent from the table. The index follows the table within moments, so an
order that was just made may be missing, and one that has just ended is found, read and left out.

The index has more than orders. A look reads at most `_MOST_KEYS` of each shard, but for those of one same millisecond:
where that cuts a shard, the page ends before what was cut, whatever other shards have.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.dynamodb import pages, transport
from modelpass.dynamodb.pages import Listing
from modelpass.order_ids import ORDER_ID_PATTERN, order_id_of
from modelpass.runtime import unreadable
from modelpass.runtime.deps import MOST_ORDER_MINUTES
from modelpass.subscriptions import answers, order_items
from modelpass.subscriptions.order_records import OrderStatus

if TYPE_CHECKING:
    from modelpass.dynamodb.pages import Page
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item
    from modelpass.subscriptions.answers import Json

LISTING: Final = Listing("", re.compile(rf"[0-9]{{15}}#({ORDER_ID_PATTERN})?"), rising=True)
"""The listing of all orders that wait, for its cursors: when an order lapses, and its id."""
_MOST_KEYS: Final = 1000
"""How many keys one look reads of a shard, unless more are due in one same millisecond."""
_LONGEST_MS: Final = MOST_ORDER_MINUTES * 60_000


class _Place(NamedTuple):
    """Where an order stands in the listing; with no id, before all orders that lapse then (milliseconds)."""

    lapses_at_ms: int
    order_id: str


class _Entry(NamedTuple):
    place: _Place
    key: Item


class _Found(NamedTuple):
    """The orders that the index names, in no order, and the time from which on some may be missing, if there is one."""

    entries: list[_Entry]
    complete_until_ms: int | None


def look_at_pending_orders(deps: Deps, page: Page) -> Json:
    """A page of the orders that wait at this moment, the one that lapses next first, each with whose it is.

    It is shorter by those that have ended, and by those that cannot be read, which are reported. Raises
    `temporarily_unavailable` while the store cannot be read.
    """
    budget, table, after = deps.retry_budget(), deps.tables.subscriptions, _place_of(page.after)
    found = _find(deps, budget, after)
    end_ms = found.complete_until_ms
    entries = sorted(e for e in found.entries if e.place > after and (end_ms is None or e.place.lapses_at_ms < end_ms))
    shown = entries[: page.limit]
    wanted = [entry.key for entry in shown]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, wanted)) if wanted else []
    orders = unreadable.read_each(table, stored, order_items.order_of)
    now_ms = deps.now_ms()
    waiting = {one.id: one for one in orders if one.status(now_ms) is OrderStatus.PENDING}
    following = shown[-1].place if len(entries) > page.limit else None if end_ms is None else _Place(end_ms, "")
    return {
        "orders": [
            answers.order_of_an_account(waiting[e.place.order_id], now_ms) for e in shown if e.place.order_id in waiting
        ],
        "next": None if following is None else pages.cursor_of(f"{following.lapses_at_ms:015d}#{following.order_id}"),
    }


def _find(deps: Deps, budget: RetryBudget, after: _Place) -> _Found:
    """What all shards have from a place on that lapses later than now."""
    now_ms = deps.now_ms()
    from_ms, until_ms = max(after.lapses_at_ms, now_ms + 1), now_ms + _LONGEST_MS
    shards = [_find_in(deps, budget, shard, from_ms, until_ms) for shard in range(schema.DUE_SHARDS)]
    cut = [shard.complete_until_ms for shard in shards if shard.complete_until_ms is not None]
    return _Found([entry for shard in shards for entry in shard.entries], min(cut, default=None))


def _find_in(deps: Deps, budget: RetryBudget, shard: int, from_ms: int, until_ms: int) -> _Found:
    """What one shard has; where that is too much, at least all of the first millisecond: the next page gets on."""
    request = schema.due_query(deps.tables.subscriptions, shard, from_ms, until_ms, _MOST_KEYS)
    table, entries = request["TableName"], list[_Entry]()
    for keys in transport.pages(lambda name, asked: budget.persist(partial(deps.send, name, asked)), request):
        entries += unreadable.read_each(table, filter(order_items.is_order, keys), _entry_of)
        last_ms = int(keys[-1]["da"]["N"]) if len(keys) == _MOST_KEYS else from_ms
        if last_ms > from_ms:
            return _Found(entries, last_ms)
    return _Found(entries, None)


def _entry_of(key: Item) -> _Entry:
    primary = schema.key_of(key)
    name = order_id_of(*order_items.numbered((primary["pk"]["S"], primary["sk"]["S"])))
    return _Entry(_Place(int(key["da"]["N"]), name), primary)


def _place_of(after: str | None) -> _Place:
    lapses_at, _, order_id = (after or "0#").partition("#")
    return _Place(int(lapses_at), order_id)
