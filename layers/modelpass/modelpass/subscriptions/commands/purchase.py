"""Purchase and renew: one transaction each. Rule: a repeat under the same Idempotency-Key changes nothing.

The order is replay or 422, catalogue, place. A lost reply is recognised by the hash of the key that only this
invocation knows; whoever comes second under the same Idempotency-Key is shown the subscription without its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys, offers
from modelpass.catalogue.commands import queries as catalogue_queries
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements import windows
from modelpass.entitlements.model import Limits, Sale, Subscription
from modelpass.errors import ErrorCode, Refusal, Refused, raise_any
from modelpass.ids import is_subscription_id, subscription_id_of
from modelpass.subscriptions import idempotency, transactions
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.commands.repository import Outcome
from modelpass.times import whole_second

if TYPE_CHECKING:
    from modelpass.api.subscription_bodies import PurchaseBody
    from modelpass.runtime.deps import Deps

_ID_BYTES = 15


def purchase(deps: Deps, account_id: str, body: PurchaseBody, idempotency_key: str | None) -> Outcome:
    """Buy a custom subscription; raises `Refused` and changes nothing when it cannot be bought."""
    attempts = deps.attempts()
    subscription_id = (
        subscription_id_of(deps.entropy(_ID_BYTES))
        if idempotency_key is None
        else idempotency.subscription_id(account_id, idempotency_key)
    )
    secret, digest = deps.new_secret(), idempotency.body(body.raw)
    api_key = api_keys.issue_api_key(subscription_id, 1, secret, deps.deployment_keys)
    while True:
        try:
            found, slot = attempts.persist(lambda: repository.with_place(deps, subscription_id, account_id))
            if found is not None:
                return _repeat(found, digest, api_key, deps.now_ms())
            sold = offers.bought(catalogue_queries.load(deps, attempts), body)
            now_ms = deps.now_ms()
            raise_any(entitlement_rules.refuse_purchase(slot, now_ms))
            new = _new_term(body, (subscription_id, account_id), sold, (api_key, digest), now_ms)
            deps.send("TransactWriteItems", transactions.purchase(deps.tables, new, slot, now_ms))
            return Outcome(new, new.status(now_ms), api_key)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)


def renew(deps: Deps, account_id: str, subscription_id: str, idempotency_key: str | None) -> Outcome:
    """Begin a new term of an expired subscription; raises `Refused` and changes nothing otherwise."""
    if not is_subscription_id(subscription_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    attempts = deps.attempts()
    secret = deps.new_secret()
    digest = None if idempotency_key is None else idempotency.renewal(account_id, subscription_id, idempotency_key)
    while True:
        try:
            found, slot = attempts.persist(lambda: repository.with_place(deps, subscription_id, account_id))
            if found is None or found.account_id != account_id:
                raise Refused(Refusal(ErrorCode.NOT_FOUND))
            now_ms = deps.now_ms()
            made = api_keys.issue_api_key(subscription_id, found.term_number, secret, deps.deployment_keys)
            if found.key_hash == api_keys.api_key_hash(made):
                return Outcome(found, found.status(now_ms), made)
            if digest is not None and found.renewal_digest == digest:
                return Outcome(found, found.status(now_ms), None, replayed=True)
            sale = offers.bought_again(catalogue_queries.load(deps, attempts), found.models)
            now_ms = deps.now_ms()
            raise_any(entitlement_rules.refuse_renewal(found, slot, now_ms))
            api_key = api_keys.issue_api_key(subscription_id, found.term_number + 1, secret, deps.deployment_keys)
            new = _next_term(found, sale, (api_key, digest), now_ms)
            request = transactions.renew(deps.tables, found, new, slot, now_ms)
            deps.send("TransactWriteItems", request)
            return Outcome(new, new.status(now_ms), api_key)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)


def _repeat(found: Subscription, digest: bytes, api_key: str, now_ms: int) -> Outcome:
    if found.key_hash == api_keys.api_key_hash(api_key):
        return Outcome(found, found.status(now_ms), api_key)  # our own write, its reply was lost
    if found.body_digest != digest:
        raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
    return Outcome(found, found.status(now_ms), None, replayed=True)


def _new_term(
    body: PurchaseBody,
    ids: tuple[str, str],
    sold: tuple[tuple[Limits, ...], Sale],
    made: tuple[str, bytes],
    now_ms: int,
) -> Subscription:
    subscription_id, account_id = ids
    limits, sale = sold
    api_key, body_digest = made
    term = windows.term_of(whole_second(now_ms), body.months, body.timezone)
    return Subscription(
        id=subscription_id,
        account_id=account_id,
        term_number=1,
        term=term,
        created_at_ms=now_ms,
        cancelled_at_ms=None,
        cancelling_at_ms=None,
        key_hash=api_keys.api_key_hash(api_key),
        key_tail=api_keys.api_key_tail(api_key),
        key_generation=0,
        key_pending=False,
        models=limits,
        sale=sale,
        body_digest=body_digest,
        renewal_digest=None,
        due_at_ms=term.ends_at_ms,
    )


def _next_term(old: Subscription, sale: Sale, made: tuple[str, bytes | None], now_ms: int) -> Subscription:
    api_key, digest = made
    term = windows.term_of(whole_second(now_ms), old.term.months, old.term.time_zone)
    return old._replace(
        term_number=old.term_number + 1,
        term=term,
        key_hash=api_keys.api_key_hash(api_key),
        key_tail=api_keys.api_key_tail(api_key),
        key_pending=False,
        sale=sale,
        renewal_digest=digest,
        due_at_ms=term.ends_at_ms,
    )
