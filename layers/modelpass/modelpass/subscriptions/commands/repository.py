"""What commands read of subscriptions. Rule: strongly consistent; another account's is as one that does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.ids import is_subscription_id
from modelpass.subscriptions import items

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Slot, Status, Subscription
    from modelpass.runtime.deps import Deps


@dataclass(frozen=True, slots=True)
class Outcome:
    """A subscription as it is now; `api_key` only from the call that made it, `replayed` from a repeat."""

    subscription: Subscription
    status: Status
    api_key: str | None
    replayed: bool = False

    def __repr__(self) -> str:
        return f"Outcome({self.subscription.id})"


def own(deps: Deps, attempts: RetryBudget, account_id: str, subscription_id: str) -> Subscription:
    """A subscription of this account; raises `not_found` for any other."""
    found = any_of(deps, attempts, subscription_id)
    if found.account_id != account_id:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return found


def any_of(deps: Deps, attempts: RetryBudget, subscription_id: str) -> Subscription:
    """A subscription of whichever account; raises `not_found` when there is none."""
    found = None
    if is_subscription_id(subscription_id):  # else it need not be looked up
        key = schema.primary_key(api_keys.subscription_key(subscription_id))
        found = attempts.persist(lambda: transport.get(deps.send, deps.tables.subscriptions, key))
    if found is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return items.subscription_of(found)


def place_of(deps: Deps, attempts: RetryBudget, account_id: str) -> Slot | None:
    """An account's one place; None when nothing has ever held it."""
    key = schema.primary_key(api_keys.slot_key(account_id))
    found = attempts.persist(lambda: transport.get(deps.send, deps.tables.subscriptions, key))
    return None if found is None else items.slot_of(found)


def with_place(deps: Deps, subscription_id: str, account_id: str) -> tuple[Subscription | None, Slot | None]:
    """A subscription and an account's place, both as of one moment."""
    pairs = (api_keys.subscription_key(subscription_id), api_keys.slot_key(account_id))
    gets = [{"Get": {"TableName": deps.tables.subscriptions, "Key": schema.primary_key(pair)}} for pair in pairs]
    responses = deps.send("TransactGetItems", {"TransactItems": gets})["Responses"]
    subscription, slot = (response.get("Item") for response in responses)
    return (
        items.subscription_of(subscription) if subscription else None,
        items.slot_of(slot) if slot else None,
    )
