"""Reset: housekeeping of what is due. Rule: run late, twice, in parallel or never, it changes no decision.

It finds work in the sparse due indexes, shard by shard; its cost grows with activity, not with subscriptions. What
closes, tells or gives back is exact: whoever comes between makes it fail, and the item stays due for the next round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema, unfinished
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.errors import Refused
from modelpass.runtime import telemetry
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import slots
from modelpass.subscriptions import transactions as subscription_transactions
from modelpass.subscriptions.commands import repository
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.entitlements.model import Slot
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request

_PAGE: Final = 100
_STEPS: Final = 50  # a hold bound of 1,000, in batches of 40, and some races lost
_SHARD_BYTES: Final = 2


class _OutOfTimeError(Exception):
    """The run has used up its time while it looked for what is due."""


@dataclass(slots=True)
class Tally:
    """What one run did; `more` tells that work was left for the next, `lag_ms` how long the oldest had been due."""

    windows_rolled: int = 0
    subscriptions_expired: int = 0
    holds_released: int = 0
    more: bool = False
    lag_ms: int = 0

    def answer(self) -> dict[str, Any]:
        """The function's result."""
        return {
            "windowsRolled": self.windows_rolled,
            "subscriptionsExpired": self.subscriptions_expired,
            "holdsReleased": self.holds_released,
            "more": self.more,
        }


def reset(deps: Deps, stop_at: float) -> dict[str, Any]:
    """Do what is due until it is done, until the steady clock shows `stop_at` (seconds), or the store goes away.

    What cannot be read or is refused by the store is logged, left as it is, and passed over.
    """
    tally = Tally()
    try:
        _work_off(deps, stop_at, tally)
    except (Refused, _OutOfTimeError):
        tally.more = True  # the store is away, or slow: everything stays due
    if tally.lag_ms or not tally.more:  # who was stopped before anything was found knows of no lag, and says none
        telemetry.reset_lag(tally.lag_ms // MS_PER_SECOND)
    return tally.answer()


def _work_off(deps: Deps, stop_at: float, tally: Tally) -> None:
    for table, step in ((deps.tables.subscriptions, _conclude), (deps.tables.entitlements, _roll)):
        for key in _due(deps, table, stop_at, tally):
            if deps.pacing.monotonic() >= stop_at:
                tally.more = True
                return
            _carry_out(partial(step, deps, key, tally), tally)


def _carry_out(step: Callable[[], None], tally: Tally) -> None:
    try:
        step()
    except ConditionFailedError:
        return  # someone else did it, or changed the item: it is due again if need be
    except (StoreBusyError, Refused):
        tally.more = True
    except Exception as error:  # one item that cannot be read must not stop the others
        telemetry.surprised(error)


def _due(deps: Deps, table: str, stop_at: float, tally: Tally) -> Iterator[schema.Item]:
    """The primary keys of what is due now, a page at a time; the tally learns how long the oldest has been due.

    It begins at any shard and goes on by any step: a run which ends early leaves none behind for ever, and runs beside
    each other do not end up at the same shard, where each would find its work done by the other.
    """
    names = [name for name in ("pk", "sk") if name == "pk" or table == deps.tables.subscriptions]
    chance = int.from_bytes(deps.entropy(_SHARD_BYTES))
    step = chance // schema.DUE_SHARDS * 2 + 1  # odd: it comes to each of a power of two
    for turn in range(schema.DUE_SHARDS):
        shard = schema.due_shard_name((chance + turn * step) % schema.DUE_SHARDS)
        request = {
            "TableName": table,
            "IndexName": "due",
            "KeyConditionExpression": "#dp = :dp AND #da <= :now",
            "ExpressionAttributeNames": {"#dp": "dp", "#da": "da"},
            "ExpressionAttributeValues": {
                ":dp": schema.text(shard),
                ":now": schema.number(deps.now_ms()),
            },
            "Limit": _PAGE,
        }
        for page in transport.pages(_persisting(deps, stop_at), request):
            for item in page:
                tally.lag_ms = max(tally.lag_ms, deps.now_ms() - int(item["da"]["N"]))
                yield {name: item[name] for name in names}


def _persisting(deps: Deps, stop_at: float) -> Send:
    """A store whose pages are asked for again while it is busy, and no more once the run's time is over."""

    def send(operation: str, request: Request) -> Response:
        if deps.pacing.monotonic() >= stop_at:
            raise _OutOfTimeError
        # Each page with a time of its own: between two of them lies the work on what the first one named.
        return deps.attempts().persist(partial(deps.send, operation, request))

    return send


def _conclude(deps: Deps, key: schema.Item, tally: Tally) -> None:
    stored = transport.get(deps.send, deps.tables.subscriptions, key)
    if stored is None:
        return
    account_id = subscription_items.slot_account(stored)
    if account_id is not None:
        _end_plan(deps, account_id, subscription_items.slot_of(stored))
        return
    subscription = subscription_items.subscription_of(stored)
    if subscription.due_at_ms is None or subscription.due_at_ms > deps.now_ms():
        return
    attempts = deps.attempts()
    if subscription.cancelling_at_ms is not None:
        slot = repository.place_of(deps, attempts, subscription.account_id)
        unfinished.stop(deps, attempts, subscription, slot)
    elif subscription.key_pending:
        unfinished.bring_key(deps, attempts, subscription)
    else:
        deps.send("TransactWriteItems", subscription_transactions.expire(deps.tables, subscription))
        tally.subscriptions_expired += 1


def _end_plan(deps: Deps, account_id: str, slot: Slot) -> None:
    now_ms = deps.now_ms()
    if slot.due_at_ms is not None and slot.due_at_ms <= now_ms:
        actions = slots.write(deps.tables, account_id, slot, slots.freed(slot), now_ms)
        deps.send("TransactWriteItems", {"TransactItems": actions})


def _roll(deps: Deps, key: schema.Item, tally: Tally) -> None:
    for _ in range(_STEPS):
        stored = transport.get(deps.send, deps.tables.entitlements, key)
        if stored is None:
            return
        step = entitlement_rules.plan_reset(entitlement_items.entitlement_of(stored), deps.now_ms())
        if step is None:
            return
        operation, request = entitlement_transactions.request_of(deps.tables, step)
        try:
            deps.send(operation, request)
        except ConditionFailedError:
            continue  # a request came between: what is left is worked out anew
        tally.windows_rolled += (step.closed_day is not None) + (step.closed_month is not None)
        tally.holds_released += len(step.tickets)
    tally.more = True
