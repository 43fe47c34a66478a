"""What callers look at. Rule: reads only, strongly consistent, and of the caller's own account only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import answers, items, offers, store, subscriptions

if TYPE_CHECKING:
    from modelpass.deps import Deps

Json = dict[str, Any]


def get_models(deps: Deps) -> Json:
    """The catalogue, with what is available now."""
    return offers.load(deps, deps.attempts()).answer()


def get_subscription(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """One subscription; another account's id is refused as an unknown one."""
    found = subscriptions.own(deps, deps.attempts(), account_id, subscription_id)
    return answers.subscription(found, found.status(deps.now_ms()))


def get_usage(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """The live counters of every model of the current term."""
    attempts = deps.attempts()
    found = subscriptions.own(deps, attempts, account_id, subscription_id)
    ids = found.entitlement_ids()
    wanted = [items.entitlement_key(i) for i in ids]
    table = deps.tables.entitlements
    stored = attempts.persist(lambda: store.get_many(deps.send, table, wanted))
    by_id = {e.id: e for e in map(items.entitlement_of, stored)}
    return answers.usage(found, [by_id[i] for i in ids], deps.now_ms())
