"""Sell: the one pipeline that every sale goes through. Rule: one order in one transaction, and a repeat sells nothing.

It looks for a repeat first, then brings the subscription up to its moment, asks the catalogue, and refuses in this
order: by status, what is not offered, another total than expected, an order that waits, the place, the day's count.
What is written is the very price that was compared. What a sale of some kind refuses, costs and changes is said by that
kind (`sales`). When a reply was lost, the invocation recognises its own sale by a nonce that only it knows.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from modelpass import schema
from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.encoding import base64url
from modelpass.entitlements import items as entitlement_items
from modelpass.errors import ErrorCode, Refusal, Refused, raise_if_refused
from modelpass.ids import is_subscription_id
from modelpass.runtime import unreadable
from modelpass.subscriptions import (
    approval,
    items,
    order_events,
    order_items,
    pricing,
    sale_rules,
    slots,
    transactions,
)
from modelpass.subscriptions.answers import Outcome
from modelpass.subscriptions.commands import conform, upkeep
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_items import Mark
from modelpass.subscriptions.sales.kinds import Effect
from modelpass.subscriptions.sales.renewal import Renewal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import EntitlementId
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item, Request
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.sales.kinds import SaleKind
    from modelpass.subscriptions.transactions import SaleWritten

_T = TypeVar("_T")
_NONCE_BYTES: Final = 12


class Asked(NamedTuple):
    """What a call says besides what it buys: the total it expects, and by what a repeat of it is told.

    `digest` is that of its Idempotency-Key, None where it had none; `body` is the digest of its body. `in_row` are both
    as a subscription's row notes them of a renewal, from code that wrote no marks.
    """

    expected_total: str | None
    digest: str | None
    body: bytes
    in_row: tuple[bytes, bytes | None] | None = None


class Sold(NamedTuple):
    """What a sale has come to: the subscription as the clock has it, and the order; None of a sale before orders.

    `replayed` tells that an earlier call with the same Idempotency-Key did the work, `now_ms` when all this was so.
    """

    subscription: Subscription
    order: Order | None
    replayed: bool
    now_ms: int


class _Read(NamedTuple):
    """What is stored, as it is at one moment."""

    stored: Subscription | None
    slot: Slot | None
    mark: Mark | None


def sell(deps: Deps, account_id: str, subscription_id: str, kind: SaleKind, asked: Asked) -> Sold:
    """Sell something to a subscription of this account.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    what the kind refuses, `price_changed`, `order_pending`, and `too_many_purchases`. After `temporarily_unavailable`
    it may have been sold all the same; a repeat under the same Idempotency-Key tells.
    """
    if not is_subscription_id(subscription_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    budget, nonce = deps.retry_budget(), deps.entropy(_NONCE_BYTES)
    sold = budget.until_done(_Sale(deps, budget, account_id, subscription_id, kind, asked, nonce).attempt)
    return _binding(deps, budget, sold)


def _binding(deps: Deps, budget: RetryBudget, sold: Sold) -> Sold:
    """A sale once what it has changed binds every request: the first call for it may have broken off before.

    What another sale has still to bring about is left to that.
    """
    changed = sold.order is not None and sold.order.kind is OrderKind.CHANGE
    if not (changed and sold.subscription.change_pending):
        return sold
    row = conform.finish_change(deps, budget, sold.subscription)
    now_ms = deps.now_ms()
    return sold._replace(subscription=row.at(now_ms), now_ms=now_ms)


def sell_first(deps: Deps, draft: Subscription, kind: SaleKind, asked: Asked) -> Sold:
    """Sell a new subscription, of which `draft` is all that is known before; raises as `sell` does."""
    budget = deps.retry_budget()
    return budget.until_done(_Sale(deps, budget, draft.account_id, draft.id, kind, asked, b"", draft).attempt)


def outcome_of(sold: Sold, api_key: str | None = None) -> Outcome:
    """A sale as it is answered, with the key that this call has made, if it may be shown."""
    status = sold.subscription.status(sold.now_ms)
    return Outcome(sold.subscription, status, api_key, sold.replayed, sold.order, sold.now_ms)


class _Sale(NamedTuple):
    """One invocation. `draft` is the subscription that a purchase begins, None for a sale to one that is there."""

    deps: Deps
    budget: RetryBudget
    account_id: str
    subscription_id: str
    kind: SaleKind
    asked: Asked
    nonce: bytes
    draft: Subscription | None = None

    def attempt(self) -> Sold:
        deps, read = self.deps, self._read_brought_up()
        repeat = self._repeat(read)
        if repeat is None and read.stored is not None:
            decided = self._brought_up(read, read.stored)
            # What was read again may hold what a call under the same key has sold meanwhile.
            repeat, read = None if decided is read else self._repeat(decided), decided
        if repeat is not None:
            return repeat
        base = read.stored or self.draft
        if base is None:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        offered = catalogue_repository.offered(deps, self.budget, self.kind.model_ids(base.at(deps.now_ms())))
        now_ms = deps.now_ms()
        upkeep.require_decided(base, now_ms)
        found = base.at(now_ms) if self.draft is None else base._replace(created_at_ms=now_ms)
        raise_if_refused(self.kind.refuse(found, now_ms))
        order = self.kind.order(found, offered, now_ms)
        raise_if_refused(pricing.refuse_total(order.price, self.asked.expected_total))
        raise_if_refused(sale_rules.refuse_beside_pending_order(read.slot, now_ms))
        raise_if_refused(self.kind.refuse_place(found, read.slot, now_ms))
        raise_if_refused(sale_rules.refuse_count(read.slot, order.kind, now_ms))
        return self._carry_out(read, found, order, now_ms)

    def _carry_out(self, read: _Read, found: Subscription, order: Order, now_ms: int) -> Sold:
        waits = self.deps.sale_approval and not pricing.is_free(order.price)
        effect, order = (self._put_off if waits else self._done)(read, found, order, now_ms)
        written = transactions.SaleWritten(
            stored=read.stored,
            slot=read.slot,
            effect=effect,
            order=order,
            mark=self._mark(read, order),
            now_ms=now_ms,
        )
        write(self.deps, self.budget, written)
        return Sold(effect.row, order, replayed=False, now_ms=now_ms)

    def _done(self, read: _Read, found: Subscription, order: Order, now_ms: int) -> tuple[Effect, Order]:
        """The order carried out at once."""
        tables = self.deps.tables
        effect = self.kind.effect(tables, found, read.slot, order, now_ms)
        row = effect.row.counted(order.number, tables.version, now_ms)
        return effect._replace(row=row, slot=slots.counted(read.slot, effect.slot, order.kind, now_ms)), order

    def _put_off(self, read: _Read, found: Subscription, order: Order, now_ms: int) -> tuple[Effect, Order]:
        """The order as it waits for its confirmation, which changes nothing else."""
        require_version_3(self.deps)
        tables, minutes = self.deps.tables, self.deps.order_minutes
        key = self.kind.new_key(order.term_number) if isinstance(self.kind, Renewal) else None
        row, place, order = approval.waiting(found, read.slot, order, now_ms, minutes, key)
        told = [{"Put": order_events.pending(tables, order)}]
        return Effect(row.counted(order.number, tables.version, now_ms), place, told), order

    def _read_brought_up(self) -> _Read:
        """What is stored, once the subscription, and whatever holds the place, are decided that were to renew."""
        read = self._read()
        decided = upkeep.decide_holder(self.deps, self.budget, read.slot)
        return self._read() if decided else read

    def _read(self) -> _Read:
        table = self.deps.tables.subscriptions
        pairs = [items.subscription_key(self.subscription_id), items.slot_key(self.account_id)]
        if self.draft is None:
            pairs.append(order_items.mark_key(self.subscription_id, self._digest))
        keys = [schema.primary_key(pair) for pair in pairs]
        stored, slot, *mark = self.budget.persist(partial(transport.get_together, self.deps.send, table, keys))
        return _Read(
            _read_of(table, stored, items.subscription_of),
            _read_of(table, slot, items.slot_of),
            _read_of(table, mark[0], order_items.mark_of) if mark else None,
        )

    def _brought_up(self, read: _Read, stored: Subscription) -> _Read:
        """What is stored once it is decided whether the term went on by itself, or ended."""
        found = upkeep.bring_up(self.deps, self.budget, stored)
        decided = (found.orders, found.end_announced) != (stored.orders, stored.end_announced)
        return self._read() if decided else read

    def _repeat(self, read: _Read) -> Sold | None:
        """What an earlier call has sold, if this repeats it; raises `idempotency_key_reused` for another body."""
        now_ms, stored = self.deps.now_ms(), read.stored
        if self.draft is not None:
            return None if stored is None else self._repeat_of_purchase(stored, self.draft, now_ms)
        if stored is None or stored.account_id != self.account_id or stored.is_gone(now_ms):
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        mark = read.mark
        order = None if mark is None else self._order(mark.order_number)
        if mark is not None and not _is_of_earlier_term(order, stored):
            own = mark.nonce == self.nonce  # this invocation wrote it, and the reply was lost
            _demand_body(own or mark.body == self.asked.body)
            return Sold(stored.at(now_ms), order, not own, now_ms)
        if self.asked.in_row is not None and self.asked.in_row[0] == stored.renewal_digest:
            _demand_body(self.asked.in_row[1] == stored.renewal_body)
            return Sold(stored.at(now_ms), None, replayed=True, now_ms=now_ms)
        return None

    def _repeat_of_purchase(self, stored: Subscription, draft: Subscription, now_ms: int) -> Sold:
        own = stored.key_hash == draft.key_hash
        _demand_body(own or stored.body_digest == draft.body_digest)
        if stored.is_gone(now_ms):
            raise Refused(Refusal(ErrorCode.ORDER_LAPSED))
        order = self._order(1)
        bought = order is not None and order.kind is OrderKind.PURCHASE  # code before orders may have sold it
        return Sold(stored.at(now_ms), order if bought else None, not own, now_ms)

    def _order(self, number: int) -> Order | None:
        table = self.deps.tables.subscriptions
        key = schema.primary_key(order_items.order_key(self.subscription_id, number))
        found = self.budget.persist(lambda: transport.get(self.deps.send, table, key))
        return _read_of(table, found, order_items.order_of)

    @property
    def _digest(self) -> str:
        """By what the sale is marked: without an Idempotency-Key, so that this invocation alone recognises it."""
        return base64url(self.nonce) if self.asked.digest is None else self.asked.digest

    def _mark(self, read: _Read, order: Order) -> Request | None:
        if self.draft is not None:
            return None
        mark = Mark(order.number, self.asked.body, self.nonce)
        return order_items.put_mark(self.deps.tables, self.subscription_id, self._digest, mark, read.mark)


def write(deps: Deps, budget: RetryBudget, written: SaleWritten) -> None:
    """Write a sale; those of the entitlements that lose their key which cannot be read are passed over.

    Raises `ConditionFailedError` when another writer came first.
    """
    retired, bought = written.effect.retired, written.effect.top_up
    if bought is not None:
        from modelpass.subscriptions.commands.topped_up import topped_up  # noqa: PLC0415 - only top-ups need it

        action = topped_up(deps, budget, written.effect.row, bought)
        written = written._replace(effect=written.effect._replace(actions=[*written.effect.actions, action]))
    try:
        deps.send("TransactWriteItems", transactions.sale(deps.tables, written, retired))
    except ConditionFailedError:
        readable = _readable(deps, budget, retired)
        if len(readable) == len(retired):
            raise
        deps.send("TransactWriteItems", transactions.sale(deps.tables, written, readable))


def _readable(deps: Deps, budget: RetryBudget, entitlements: Sequence[EntitlementId]) -> list[EntitlementId]:
    if not entitlements:
        return []
    table, keys = deps.tables.entitlements, [entitlement_items.entitlement_key(one) for one in entitlements]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, keys))
    return unreadable.read_each(table, stored, entitlement_items.understood_id)


def _read_of(table: str, item: Item | None, read: Callable[[Item], _T]) -> _T | None:
    return None if item is None else unreadable.read_one(table, item, read)


def _is_of_earlier_term(order: Order | None, stored: Subscription) -> bool:
    """Whether a mark is that of a renewal before the current term: its Idempotency-Key may be used once more."""
    return order is not None and order.kind is OrderKind.RENEWAL and order.term_number < stored.term_number


def _demand_body(is_the_same: bool) -> None:  # noqa: FBT001
    if not is_the_same:
        raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
