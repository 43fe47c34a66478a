"""Settle a part: book what was used since the last report, once, and let the hold go on. Rule: an id is for one report.

The first try is one conditional write that needs nothing but the report itself. When its guard fails, the item that
comes back tells whether the hold is still there, was reclaimed, has gone on by this very report before, or has ended.
Whatever keeps new work from going on, the report is booked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import api_keys
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import StoreError
from modelpass.entitlements import answers, authorization_ids, history, parts, rules, updates
from modelpass.entitlements.change import FarAboveEstimate
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.commands.decision_loop import Decision
from modelpass.entitlements.commands.settle import (
    closed_calls,
    is_far_above,
    refuse_too_many_calls,
    require_accepted,
    shown_windows,
)
from modelpass.entitlements.model import Contract, Hold
from modelpass.entitlements.parts import Standing
from modelpass.errors import ErrorCode, Refusal, Refused, authorization_not_found, invalid, temporarily_unavailable
from modelpass.runtime import telemetry
from modelpass.schema import UnreadableItemError
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.authorization_ids import Authorization
    from modelpass.entitlements.commands.authorize import ReadContract
    from modelpass.entitlements.commands.settle import Tiers
    from modelpass.entitlements.model import Entitlement
    from modelpass.runtime.deps import Deps


class PartRequest(NamedTuple):
    """A well-formed settle of a part, of which the authorization id and the API key may still be any text.

    The units `used` and the `calls` made are those since the last report. The hold is to go on with `units` and
    `calls_held`, for `hold_seconds` from now.
    """

    authorization_id: str
    used: int
    calls: int
    api_key: str
    units: int
    calls_held: int
    hold_seconds: int

    def __repr__(self) -> str:
        return f"PartRequest({self.used}, {self.calls})"


def settle_part(deps: Deps, tiers: Tiers, request: PartRequest, read_contract: ReadContract) -> Json:
    """Answer one settle of a part. Settled: the report is booked once, durably, and the hold has not ended.

    It goes on with what was asked for, as far as that is left, where authorize would allow new work (`continued`); else
    the answer says why not, and the hold keeps for requests that have begun the lesser of what was asked and what it
    still has, until its old end. A repeat books nothing and shows the hold as it stands. Raises `Refused`, with nothing
    booked, as `settle` does, and `invalid_request` for a part that leaves a hold of calls without any.
    """
    authorization = authorization_ids.parse_authorization_id(request.authorization_id, deps.deployment_keys)
    if authorization is None or not rules.is_recent(authorization.hold, deps.now_ms()):
        raise authorization_not_found()
    entitlement = authorization.entitlement
    telemetry.note(subscriptionId=entitlement.subscription_id, modelId=entitlement.model_id)
    key = api_keys.parse_api_key(request.api_key, deps.deployment_keys)
    key_hash = b"" if key is None else key.key_hash  # no key has this hash
    refusal = _tier_refusal(tiers, authorization, deps.retry_budget())
    budget = deps.retry_budget()
    command = _SettlePart(deps, budget, request, authorization, key_hash, refusal, read_contract)
    return decision_loop.until_answered(deps, budget, entitlement, command)


def _tier_refusal(tiers: Tiers, authorization: Authorization, budget: RetryBudget) -> Refusal | None:
    """Why the tier takes no new work, None when it does. While nobody knows, none begins, but reports are booked."""
    try:
        down = authorization.tier in tiers.down_of(authorization.entitlement.model_id, budget)
    except Refused as refused:
        return refused.refusal
    except StoreError as failure:  # the deployment's fault
        telemetry.report_unexpected(failure)
        return temporarily_unavailable().refusal
    return Refusal(ErrorCode.TIER_UNAVAILABLE, retry_after=rules.TIER_RETRY_SECONDS) if down else None


class _SettlePart(NamedTuple):
    """One invocation. The decision loop drives it."""

    deps: Deps
    budget: RetryBudget
    request: PartRequest
    authorization: Authorization
    key_hash: bytes
    tier_refusal: Refusal | None
    read_contract: ReadContract

    def write_at_once(self) -> Decision | None:
        hold, part = self.authorization.hold, self._part(self.authorization.hold.granted_at_ms)
        expired = part.wanted.granted_at_ms >= hold.expires_at_ms
        refused = self._refuse_calls() is not None or not part.key_hash or part.refusal is not None
        if refused or expired or is_far_above(hold, part.used):
            return None
        tables, entitlement_id = self.deps.tables, self.authorization.entitlement
        booked = {"used": part.used, "calls": part.calls}
        request = updates.go_on(tables, entitlement_id, part.key_hash, hold, part.wanted, **booked)
        entitlement = decision_loop.entitlement_of(self.deps, self.deps.send("UpdateItem", request)["Attributes"])
        return Decision(self._settled(entitlement, Standing(part.wanted, reclaimed=False), None), entitlement)

    def decide(self, entitlement: Entitlement) -> Decision:
        hold, part = self.authorization.hold, self._part(entitlement.segment_start_ms)
        now_ms = part.wanted.granted_at_ms
        require_accepted(self.deps, self.budget, entitlement, now_ms, self.read_contract)
        part = part._replace(told=self._told(entitlement, part.key_hash, now_ms))
        standing = self._standing(entitlement)
        if standing is None or standing.hold != hold:
            if entitlement.tickets:  # what was booked between the looks at item and ticket is in the figures, too
                entitlement = decision_loop.read(self.deps, self.budget, entitlement.id)
            return Decision(self._replayed(entitlement, standing, part), entitlement)
        refused = self._refuse_calls()
        if refused is not None:
            raise refused
        back = hold.calls - part.calls - part.wanted.calls
        closed = closed_calls(self.deps, self.budget, entitlement, hold, back)
        step = parts.next_step(entitlement, part, now_ms, reclaimed=standing.reclaimed, closed_calls=closed)
        if step.rest is None:
            return Decision(None, decision_loop.write(self.deps, self.budget, step.change))
        far_above = is_far_above(hold, part.used)
        change = step.change._replace(far_above=FarAboveEstimate(hold, part.used, now_ms) if far_above else None)
        entitlement = decision_loop.write(self.deps, self.budget, change)
        if far_above:
            telemetry.count_far_above_estimate()
        answer = self._settled(entitlement, standing._replace(hold=step.rest), step.refusal, late=standing.reclaimed)
        return Decision(answer, entitlement)

    def refuse_missing(self) -> Json:
        raise authorization_not_found()

    def _told(self, entitlement: Entitlement, key_hash: bytes, now_ms: int) -> Contract | None:
        """What the row says, where only that can tell whether the term goes on; None where the item can.

        While the row cannot be read, nothing is taken for certain but that the hold's windows are over.
        """
        if not rules.needs_contract(entitlement, key_hash, now_ms):
            return None
        try:
            return self.read_contract(self.deps, self.budget, entitlement.id)
        except (Refused, StoreError, UnreadableItemError):
            current = entitlement.key_hash or b""
            return Contract(entitlement.term, entitlement.limits, entitlement.change_number, current)

    def _refuse_calls(self) -> Refused | None:
        """The refusal of a first report whose calls no hold of so many can have; a repeat is never refused for it."""
        held, request = self.authorization.hold.calls, self.request
        if request.calls > held:
            return refuse_too_many_calls(held)
        if held and not request.calls + request.calls_held:
            message = "A part reports or keeps at least one call; a settle without continue ends the hold."
            return invalid("continue.calls", message)
        return None

    def _part(self, not_before_ms: int) -> parts.Part:
        """The report, with what is to take the hold's place from now on; a clock that is behind changes no window."""
        request, hold = self.request, self.authorization.hold
        wanted = Hold(
            key=hold.key,
            nonce=authorization_ids.next_nonce(hold.nonce),
            signer=api_keys.signer_of(self.deps.deployment_keys.signing()),
            granted_at_ms=max(self.deps.now_ms(), not_before_ms),
            hold_seconds=request.hold_seconds,
            units=request.units,
            calls=request.calls_held,
        )
        return parts.Part(self.key_hash, hold, request.used, request.calls, wanted, self.tier_refusal)

    def _standing(self, entitlement: Entitlement) -> Standing | None:
        """The hold as it stands: it is in the item, or a ticket stands for it; None when it has ended."""
        hold = self.authorization.hold
        stored = parts.open_step(entitlement, hold)
        if stored is not None:
            return Standing(stored, reclaimed=False)
        if entitlement.tickets == 0:
            return None
        table = self.deps.tables.history
        query = history.tickets_of_grant(table, entitlement.id, hold)
        rows = self.budget.persist(lambda: transport.query_all(self.deps.send, query))
        found = [decision_loop.read_or_report(table, row, history.hold_of_ticket) for row in rows]
        this = next((h for h in found if h == hold), found[0] if found else None)
        return None if this is None else Standing(this, reclaimed=True)

    def _replayed(self, entitlement: Entitlement, standing: Standing | None, part: parts.Part) -> Json:
        """The answer to a report that was booked before: the hold as it stands now."""
        if standing is None:
            refusal = parts.ended("The hold was settled before, and has ended: authorize anew.")
            ended = {**self._settled(entitlement, Standing(part.hold, reclaimed=True), refusal), "heldCalls": 0}
            return {**ended, "replayed": True}
        refused = parts.refuse_new_work(entitlement, part, standing, part.wanted.granted_at_ms)
        return {**self._settled(entitlement, standing, refused, late=standing.reclaimed), "replayed": True}

    def _settled(
        self, entitlement: Entitlement, standing: Standing, refusal: Refusal | None, *, late: bool = False
    ) -> Json:
        now_ms, rest = self.deps.now_ms(), standing.hold
        rest_id = authorization_ids.Authorization(entitlement.id, self.authorization.tier, rest)
        answer = {
            "settled": True,
            "late": late or rules.is_late(entitlement, self.authorization.hold, now_ms),
            "tierBreached": False,
            "continued": refusal is None,
            "authorizationId": authorization_ids.issue_authorization_id(rest_id, self.deps.deployment_keys),
            "heldUsage": standing.units_at(now_ms),
            "heldCalls": rest.calls,
            "holdExpiresAt": rfc3339(rest.expires_at_ms),
            **answers.start_facts(entitlement, rest, now_ms),
        }
        if refusal is not None:
            answer |= {"startWithinMs": 0, "statusCode": refusal.code.status, **refusal.fields()}
        windows = shown_windows(self.deps, self.budget, entitlement, now_ms, self.read_contract)
        return {**answer, **windows}
