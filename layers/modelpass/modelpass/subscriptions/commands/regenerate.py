"""Regenerate: make another key within the term. Rule: once it has answered, the earlier key is refused; usage stays.

The new key is written first to the subscription's row, then to each entitlement by a write of its own. What a crash
leaves undone is finished by the next call or by the reset (`begun`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys
from modelpass.errors import raise_if_refused
from modelpass.subscriptions import revocations, rules
from modelpass.subscriptions.answers import Outcome
from modelpass.subscriptions.commands import begun, upkeep
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def regenerate(deps: Deps, account_id: str, subscription_id: str) -> Outcome:
    """Make a new key.

    Raises `Refused` and changes nothing unless the subscription is active: `subscription_expired`,
    `subscription_cancelled`, or `not_found`; and `too_many_new_keys` once the UTC day has had its share. Each call
    makes another key, because a key is shown only once. After `temporarily_unavailable` a new key may have been begun:
    a repeat makes another, or the reset finishes it.
    """
    budget, secret = deps.retry_budget(), deps.new_secret()

    def attempt() -> Outcome:
        found = upkeep.own_subscription(deps, budget, account_id, subscription_id).stored
        now_ms = deps.now_ms()
        api_key = api_keys.issue_api_key(subscription_id, found.term_number, secret, deps.deployment_keys)
        key_hash = api_keys.api_key_hash(api_key)
        if found.key_hash != key_hash:  # else an earlier try has written it, whose reply was lost
            raise_if_refused(rules.refuse_new_key(found, now_ms))
            found = found._replace(
                key_hash=key_hash,
                key_tail=api_keys.api_key_tail(api_key),
                key_generation=found.key_generation + 1,
                key_pending=True,
                due_at_ms=now_ms,
                new_key_day=max(now_ms // DAY_MS, found.new_key_day),
                new_keys=rules.new_keys_today(found, now_ms) + 1,
            )
            deps.send("TransactWriteItems", revocations.begin_new_key(deps.tables, found, now_ms))
        begun.finish_new_key(deps, budget, found)
        now_ms = deps.now_ms()
        return Outcome(found.at(now_ms), found.status(now_ms), api_key)

    return budget.until_done(attempt)
