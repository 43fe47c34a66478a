"""Update: change a subscription's settings. Rule: what is asked for is so once it has answered.

A subscription that renews itself holds its account's place past its end, so the place is written with the row. A repeat
finds what it asks for, and writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import ErrorCode, Refusal, Refused, raise_if_refused
from modelpass.subscriptions import row_writes, sale_rules, slots
from modelpass.subscriptions.commands import repository, upkeep
from modelpass.subscriptions.commands.shown import shown
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.model import SlotKind

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.orders import SettingsChange


def update_subscription(deps: Deps, account_id: str, subscription_id: str, change: SettingsChange) -> Json:
    """Change the settings that are named, and show the subscription as it is now.

    Raises `Refused` and changes nothing: `not_found`, and what ended is not made to renew itself
    (`subscription_expired`, `subscription_cancelled`). After `temporarily_unavailable` the settings may be changed.
    """
    require_version_3(deps)
    budget = deps.retry_budget()

    def attempt() -> Subscription:
        upkeep.own_subscription(deps, budget, account_id, subscription_id)
        found, slot = repository.subscription_and_slot(deps, budget, subscription_id, account_id)
        now_ms = deps.now_ms()
        if found is None or found.is_gone(now_ms):
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        upkeep.require_decided(found, now_ms)
        raise_if_refused(_refuse(found.at(now_ms), change, now_ms))
        new = _changed(found.at(now_ms), change)
        if new == found.at(now_ms):
            return new
        new = new._replace(version=max(new.version, deps.tables.version))
        new = new._replace(due_at_ms=new.next_due_ms(now_ms))
        place = _place(deps, slot, found, new, now_ms)
        update = row_writes.change_row(deps.tables, found, new)
        if place:
            deps.send("TransactWriteItems", {"TransactItems": [{"Update": update}, *place]})
        else:
            deps.send("UpdateItem", update)
        return new

    return shown(deps, budget, budget.until_done(attempt))


def _refuse(found: Subscription, change: SettingsChange, now_ms: int) -> Refusal | None:
    if not change.auto_renew or found.auto_renew or found.is_pending:
        return None
    return sale_rules.refuse_unless_running(found, now_ms)


def _changed(found: Subscription, change: SettingsChange) -> Subscription:
    auto_renew, months, label = change
    return found._replace(
        auto_renew=found.auto_renew if auto_renew is None else auto_renew,
        auto_renew_months=found.auto_renew_months if months is None else months,
        label=found.label if label is None else label,
    )


def _place(deps: Deps, slot: Slot | None, found: Subscription, new: Subscription, now_ms: int) -> list[Request]:
    """The actions that let the subscription hold its place for as long as it will: none where that does not change."""
    running = not new.is_pending and sale_rules.refuse_unless_running(new, now_ms) is None
    if found.auto_renew == new.auto_renew or not running or slot is None:
        return []
    if (slot.kind, slot.holder_id) != (SlotKind.CUSTOM, new.id):
        return []
    return slots.write(deps.tables, new.account_id, slot, slots.taken(slot, new), now_ms)
