"""Settle: book what an authorized request really used, once, in the windows it was granted in.

Rule: a well-formed settle whose id was issued here is booked, until 90 days after the term. The first try is one
conditional write that needs nothing but the id; when its guard fails, the item it brings back tells whether the hold
is still there (a window closed since), was reclaimed (a ticket stands for it) or was settled before.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.entitlements import accounting, answers, items, rules, transactions, updates
from modelpass.entitlements.change import Breach, Change
from modelpass.entitlements.commands import decision_loop
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.router import validation
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.api_keys import Authorization
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement
    from modelpass.router.validation import SettlePayload
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]

REPLAYED: Json = {"settled": True, "replayed": True}


def settle(deps: Deps, event: object) -> Json:
    """Answer one settle; raises `Refused` when the payload is malformed or nothing was authorized under its id."""
    payload = validation.settle(event)
    authorization = api_keys.parse_authorization_id(payload.authorization_id, deps.deployment_keys)
    if authorization is None:
        raise _not_found()
    entitlement = authorization.entitlement
    telemetry.note(subscriptionId=entitlement.subscription_id, modelId=entitlement.model_id)
    return _Settlement(deps, payload, authorization).run()


def _not_found() -> Refused:
    return Refused(Refusal(ErrorCode.AUTHORIZATION_NOT_FOUND, param="authorizationId"))


class _Settlement(NamedTuple):
    deps: Deps
    payload: SettlePayload
    authorization: Authorization

    @property
    def _calls(self) -> int:
        held = self.authorization.hold.calls
        return held if self.payload.calls is None else self.payload.calls

    @property
    def _breached(self) -> bool:
        served = self.payload.served_tier
        return served is not None and served is not self.authorization.tier

    def run(self) -> Json:
        attempts = self.deps.attempts()
        in_one_write = not self._breached and self._calls <= self.authorization.hold.calls
        return decision_loop.until_answered(
            self.deps,
            attempts,
            self.authorization.entitlement,
            at_once=self._write_at_once if in_one_write else None,
            decide=partial(self._decide, attempts),
            missing=self._refuse_unknown,
        )

    def _decide(self, attempts: RetryBudget, entitlement: Entitlement) -> tuple[Json, Entitlement]:
        step = self._step(entitlement, self._reclaimed(entitlement, attempts))
        if step is None:
            return REPLAYED, entitlement
        operation, request = transactions.request_of(self.deps.tables, step)
        reply = self.deps.send(operation, request)
        entitlement = decision_loop.written(self.deps, attempts, step, reply)
        return self._settled(entitlement), entitlement

    def _refuse_unknown(self) -> Json:
        raise _not_found()

    def _write_at_once(self) -> tuple[Json, Entitlement]:
        request = updates.settle(
            self.deps.tables,
            self.authorization.entitlement,
            self.authorization.hold,
            self.payload.used,
            self._calls,
            self.deps.now_ms(),
        )
        entitlement = items.entitlement_of(self.deps.send("UpdateItem", request)["Attributes"])
        return self._settled(entitlement), entitlement

    def _reclaimed(self, entitlement: Entitlement, attempts: RetryBudget) -> bool:
        """Whether a ticket stands for the hold; the count in the item spares most replays this look."""
        hold = self.authorization.hold
        if entitlement.tickets == 0 or entitlement.holds.get(hold.key) == hold:
            return False
        key = schema.primary_key(api_keys.ticket_key(entitlement.id, hold))
        table = self.deps.tables.history
        ticket = attempts.persist(lambda: transport.get(self.deps.send, table, key))
        return ticket is not None and bool(schema.current(ticket))

    def _step(self, entitlement: Entitlement, reclaimed: bool) -> Change | None:  # noqa: FBT001
        """What to write, None when the hold was settled before."""
        hold, now_ms = self.authorization.hold, self.deps.now_ms()
        if not rules.settles_accepted(entitlement, now_ms):
            raise _not_found()
        if not reclaimed and entitlement.holds.get(hold.key) != hold:
            return None
        if self._calls > hold.calls:
            raise validation.refuse_too_many_calls(hold.calls)
        step = accounting.book(entitlement, hold, self.payload.used, self._calls, reclaimed=reclaimed)
        if not self._breached or self.payload.served_tier is None:
            return step
        return step._replace(breach=Breach(hold, self.payload.served_tier, now_ms))

    def _settled(self, entitlement: Entitlement) -> Json:
        now_ms = self.deps.now_ms()
        return {
            "settled": True,
            "late": rules.is_late(entitlement, self.authorization.hold, now_ms),
            "tierBreached": self._breached,
            **answers.windows(entitlement, now_ms),
        }
