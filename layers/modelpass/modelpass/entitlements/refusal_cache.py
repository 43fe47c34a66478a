"""What a refusal tells of the next request of the same key. Rule: only what can never reverse is kept as an answer.

Why a key that was replaced stays refused: a key is shown once its hash stands in every entitlement of its term. (A
purchase and a renewal write them in one transaction, a regeneration answers when all have it.) So whoever asks with a
key asks after that. From there on the hash is only ever changed to that of a later generation, and taken out for good
by a renewal. A hash that differs is therefore a later one, whatever clocks say. A regeneration that breaks off has
shown its key to nobody; whoever finishes it brings that key or a later one. Which deployment keys are accepted is asked
before. Tables restored to an earlier moment alone bring an old key back: what is kept is kept for minutes.

The row of a subscription knows a new key before the entitlements do, and what it says is about models that are not in
the term alone. Everything else reverses with time, a settle, an operator or a router, or shows windows, which do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass.errors import ErrorCode

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, EntitlementId, Subscription
    from modelpass.errors import Refusal

_NO_MODEL: frozenset[str] = frozenset()


class Lesson(NamedTuple):
    """What a refusal tells of the next request of its key.

    It is about the model that was asked for, or, where `held` names the models of the term, about every other one.
    `refusal` is the answer for good. Without one the next request looks before it writes: at the entitlement, or at
    the subscription's row for a model that the term has not.
    """

    account_id: str | None
    refusal: Refusal | None = None
    held: frozenset[str] | None = None


def of_entitlement(refusal: Refusal, entitlement: Entitlement) -> Lesson:
    """What a refusal tells that an entitlement led to."""
    account_id = entitlement.account_id
    if refusal.code is not ErrorCode.INVALID_API_KEY:
        return Lesson(account_id)
    if entitlement.key_hash is None:  # renewed: the term has lost its key in all its models at once
        return Lesson(account_id, refusal, _NO_MODEL)
    return Lesson(account_id, refusal)  # the other models may not know the later key yet


def of_subscription(refusal: Refusal, subscription: Subscription | None, asked: EntitlementId) -> Lesson:
    """What a refusal tells that a subscription's row led to, for want of the entitlement."""
    if subscription is None:
        return Lesson(None)
    account_id = subscription.account_id
    if subscription.term_number > asked.term_number:
        return Lesson(account_id, refusal, _NO_MODEL)
    held = frozenset(limits.model_id for limits in subscription.models)
    if subscription.term_number < asked.term_number or asked.model_id in held:  # only tables restored in part say so
        return Lesson(account_id)
    lasts = refusal.code is ErrorCode.INVALID_API_KEY or subscription.cancelled_at_ms is not None
    return Lesson(account_id, refusal if lasts else None, held)
