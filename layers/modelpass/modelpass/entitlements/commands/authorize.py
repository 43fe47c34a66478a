"""Authorize: decide and count a request in one conditional write. Rule: refuse rather than guess, count once.

The first try knows nothing but the payload and writes. Only when its guard fails is the stored item looked at
(the failure brings it back), and `rules.decide_authorize` says why, or what has to be written instead. After a refusal
the next request of that key and model looks first, which costs less; where the refusal is for good, it is the answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modelpass import api_keys, schema
from modelpass.catalogue.tiers import Tier
from modelpass.dynamodb import transport
from modelpass.entitlements import answers, items, refusal_cache, rules, transactions, updates
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.model import Entitlement, EntitlementId, Hold
from modelpass.errors import ErrorCode, Refusal, Refused, temporarily_unavailable
from modelpass.router import validation
from modelpass.runtime import telemetry
from modelpass.subscriptions import items as subscription_items

if TYPE_CHECKING:
    from modelpass.api_keys import ApiKey
    from modelpass.entitlements.refusal_cache import Lesson
    from modelpass.known import Known
    from modelpass.router.validation import AuthorizePayload
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]


def authorize(deps: Deps, known: Known, event: object) -> Json:
    """Answer one authorize; raises `Refused` for what is wrong before the entitlement is known.

    Granted: exactly one hold and `calls` calls are counted, durably. Refused: nothing is.
    """
    payload = validation.authorize(event)
    api_key = api_keys.parse_api_key(payload.api_key, deps.deployment_keys)
    if api_key is None:
        raise Refused(Refusal(ErrorCode.INVALID_API_KEY, param="apiKey", message=_hint(payload)))
    telemetry.note(subscriptionId=api_key.subscription_id)
    return _Authorization(deps, known, payload, api_key).run()


def _hint(payload: AuthorizePayload) -> str | None:
    if payload.api_key.lower().startswith("bearer "):
        return "Pass the API key without its Bearer prefix."
    return None


class _Authorization:
    """One invocation: the tries it made and what it has read so far."""

    def __init__(self, deps: Deps, known: Known, payload: AuthorizePayload, api_key: ApiKey) -> None:
        self._deps = deps
        self._payload = payload
        self._api_key = api_key
        self._known = known
        self._attempts = deps.attempts()
        self._own_nonces: set[str] = set()
        self._granted_until_ms: int | None = None
        self._request_key = api_keys.request_digest(payload.request_id)
        self._id = EntitlementId(api_key.subscription_id, api_key.term_number, payload.model_id)

    def run(self) -> Json:
        lesson = self._known.refusals.lesson(self._api_key.key_hash, self._id.model_id)
        if lesson is not None:
            telemetry.note(accountId=lesson.account_id)
            if lesson.refusal is not None:
                raise Refused(lesson.refusal)
            if lesson.held is not None:
                return self._refuse_unheld()
        down = self._known.tiers_down.of_model(self._payload.model_id, self._attempts)
        wanted = (self._payload.tier,) if self._payload.tier else tuple(Tier)
        tiers = tuple(tier for tier in wanted if tier not in down)
        answer = decision_loop.until_answered(
            self._deps,
            self._attempts,
            self._id,
            at_once=partial(self._write_at_once, tiers) if tiers and lesson is None else None,
            decide=partial(self._decide, down),
            missing=self._refuse_unheld,
        )
        if self._granted_until_ms is not None and self._granted_until_ms <= self._deps.now_ms():
            raise temporarily_unavailable()  # the store took longer than the hold lasts: nobody may rely on it
        if lesson is not None and answer["allowed"]:
            self._known.refusals.forget(self._api_key.key_hash, self._id.model_id)
        return answer

    def _write_at_once(self, tiers: tuple[Tier, ...]) -> tuple[Json, Entitlement]:
        hold = self._new_hold(self._deps.now_ms())
        request = updates.grant(
            self._deps.tables,
            self._id,
            self._api_key.key_hash,
            hold,
            tiers,
            self._deps.max_open_holds,
        )
        entitlement = items.entitlement_of(self._deps.send("UpdateItem", request)["Attributes"])
        return self._granted(entitlement, hold), entitlement

    def _decide(self, down: frozenset[Tier], entitlement: Entitlement) -> tuple[Json | None, Entitlement]:
        """An answer, or the entitlement as it is after a step that cleared the way."""
        now_ms = max(self._deps.now_ms(), entitlement.segment_start_ms)
        attempt = rules.Attempt(
            key_hash=self._api_key.key_hash,
            hold=self._new_hold(now_ms),
            tier=self._payload.tier,
            tiers_down=down,
            max_open_holds=self._deps.max_open_holds,
            own_nonces=frozenset(self._own_nonces),
        )
        decision = rules.decide_authorize(entitlement, attempt, now_ms)
        if isinstance(decision, Refusal):
            self._learn(refusal_cache.of_entitlement(decision, entitlement))
            return refused(decision, entitlement, now_ms), entitlement
        if isinstance(decision, rules.Standing):
            answer = self._granted(entitlement, decision.hold)
            return (answer if decision.own else {**answer, "replayed": True}), entitlement
        operation, request = transactions.request_of(self._deps.tables, decision, self._deps.max_open_holds)
        reply = self._deps.send(operation, request)
        entitlement = decision_loop.written(self._deps, self._attempts, decision, reply)
        if decision.grant is None:
            return None, entitlement
        return self._granted(entitlement, decision.grant), entitlement

    def _new_hold(self, now_ms: int) -> Hold:
        nonce = api_keys.nonce_text(self._deps.entropy(api_keys.NONCE_BYTES))
        self._own_nonces.add(nonce)
        return Hold(
            key=self._request_key,
            nonce=nonce,
            signer=api_keys.signer_of(self._deps.deployment_keys.signing()),
            granted_at_ms=now_ms,
            hold_seconds=self._payload.hold_seconds,
            units=self._payload.units,
            calls=self._payload.calls,
        )

    def _granted(self, entitlement: Entitlement, hold: Hold) -> Json:
        authorization = api_keys.Authorization(entitlement.id, entitlement.limits.tier, hold)
        authorization_id = api_keys.issue_authorization_id(authorization, self._deps.deployment_keys)
        self._granted_until_ms = hold.expires_at_ms
        return answers.grant(entitlement, hold, authorization_id, self._deps.now_ms())

    def _refuse_unheld(self) -> Json:
        key = schema.primary_key(api_keys.subscription_key(self._id.subscription_id))
        table = self._deps.tables.subscriptions
        stored = self._attempts.persist(lambda: transport.get(self._deps.send, table, key))
        subscription = None if stored is None else subscription_items.subscription_of(stored)
        term_number, key_hash = self._api_key.term_number, self._api_key.key_hash
        refusal = rules.refuse_unheld_model(subscription, term_number, key_hash, self._deps.now_ms())
        lesson = refusal_cache.of_subscription(refusal, subscription, self._id)
        telemetry.note(accountId=lesson.account_id)
        self._learn(lesson)
        raise Refused(refusal)

    def _learn(self, lesson: Lesson) -> None:
        self._known.refusals.learn(self._api_key.key_hash, self._id.model_id, lesson)


def refused(refusal: Refusal, entitlement: Entitlement | None, now_ms: int) -> Json:
    """A refused authorize; the windows are told to whoever holds the key."""
    answer = {"allowed": False, "statusCode": refusal.code.status, **refusal.fields()}
    if entitlement is None or refusal.code is ErrorCode.INVALID_API_KEY:
        return answer
    return {**answer, **answers.windows(entitlement, now_ms)}
