"""Revoke: let a key grant nothing more, without another one. Rule: once it has answered, it is refused; usage stays.

It is a regeneration whose new key is shown to nobody: the row gets the hash of a key that is thrown away, which then
goes to each entitlement as any new key does. So a crash, a renewal and a cancellation are met in the same way, and what
is left undone is finished by a repeat of the call or by the reset. A new key brings the subscription back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import begun, upkeep
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.model import Status

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def revoke_key(deps: Deps, account_id: str, subscription_id: str) -> None:
    """Revoke the key of a subscription of this account.

    A key that is revoked already, and one of a subscription that has ended, stay as they are; where a renewal of such a
    one waits for its confirmation, the key of the term to come is revoked. Raises `Refused`:
    `not_found`, and `temporarily_unavailable` when the tries are used up, after which the key may be revoked: a repeat
    finishes it, and so does the reset.
    """
    _revoke(deps, account_id, subscription_id, None)


def revoke_key_as_operator(deps: Deps, operator: str, subscription_id: str) -> None:
    """Revoke the key of a subscription of any account, as `revoke_key` does; the event names the operator."""
    _revoke(deps, None, subscription_id, operator)


def _revoke(deps: Deps, account_id: str | None, subscription_id: str, operator: str | None) -> None:
    require_version_3(deps)
    budget, secret = deps.retry_budget(), deps.new_secret()

    def attempt() -> None:
        found = upkeep.own_subscription(deps, budget, account_id, subscription_id).stored
        found, now_ms = begun.with_cancellation_finished(deps, budget, found), deps.now_ms()
        if found.status(now_ms) is Status.CANCELLED:
            return
        if found.has_ended(now_ms):
            if _key_to_come(found, now_ms):
                revoked = _without_key_to_come(found, now_ms, secret)
                deps.send("TransactWriteItems", revocations.revoke_key(deps.tables, found, revoked, now_ms, operator))
            return
        if found.key_tail:  # else it was revoked before, perhaps by an earlier try whose reply was lost
            revoked = _without_key(found, now_ms, secret)
            deps.send("TransactWriteItems", revocations.revoke_key(deps.tables, found, revoked, now_ms, operator))
            found = revoked
        if found.key_pending:
            begun.finish_new_key(deps, budget, found)

    budget.until_done(attempt)


def _without_key(found: Subscription, now_ms: int, secret: bytes) -> Subscription:
    """The row with a key that nobody has. A purchase that waits has no entitlements yet that have to get it."""
    revoked = found._replace(
        key_hash=api_keys.hash_of_no_key(secret),
        key_tail="",
        key_generation=found.key_generation + 1,
        key_pending=not found.is_pending,
    )
    return revoked._replace(due_at_ms=revoked.next_due_ms(now_ms))


def _key_to_come(found: Subscription, now_ms: int) -> str | None:
    """The tail of the key of a renewal that waits; empty where it was revoked, None where none waits."""
    waits = found.at(now_ms).pending_order
    return None if waits is None else waits.key_tail


def _without_key_to_come(found: Subscription, now_ms: int, secret: bytes) -> Subscription:
    """The row whose renewal waits with a key that nobody has; of the term that has ended no key is good."""
    waits = found.pending_order
    if waits is None:
        return found
    waits = waits._replace(key_hash=api_keys.hash_of_no_key(secret), key_tail="")
    revoked = found._replace(pending_order=waits, key_generation=found.key_generation + 1)
    return revoked._replace(due_at_ms=revoked.next_due_ms(now_ms))
