"""Regenerate: another key within the term. Rule: once it has answered, the key before is refused; usage stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys, unfinished
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import rules as entitlement_rules
from modelpass.errors import raise_any
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.commands.repository import Outcome

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def regenerate(deps: Deps, account_id: str, subscription_id: str) -> Outcome:
    """Make a new key; raises `Refused`, and changes nothing, unless the subscription is active.

    Each call makes a key: there is nothing to repeat safely, for a key is shown once.
    """
    attempts, secret = deps.attempts(), deps.new_secret()
    while True:
        try:
            found = repository.own(deps, attempts, account_id, subscription_id)
            now_ms = deps.now_ms()
            api_key = api_keys.issue_api_key(subscription_id, found.term_number, secret, deps.deployment_keys)
            if found.key_hash != api_keys.api_key_hash(api_key):  # else begun by an earlier try, whose reply was lost
                raise_any(entitlement_rules.refuse_new_key(found, now_ms))
                found = found._replace(
                    key_hash=api_keys.api_key_hash(api_key),
                    key_tail=api_keys.api_key_tail(api_key),
                    key_generation=found.key_generation + 1,
                    key_pending=True,
                    due_at_ms=now_ms,
                )
                deps.send("TransactWriteItems", revocations.begin_new_key(deps.tables, found, now_ms))
            unfinished.bring_key(deps, attempts, found)
            return Outcome(found, found.status(deps.now_ms()), api_key)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)
