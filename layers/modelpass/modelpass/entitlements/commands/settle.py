"""Settle: book what an authorized request really used, once, in the windows it was granted in.

Rule: a well-formed settle whose id was issued here is booked, until 90 days after the term. The first try is one
conditional write that needs nothing but the settle itself. When its guard fails, the item that the failure brings back
tells whether the hold is still there (a window has closed since), was reclaimed or released (a ticket stands for it) or
was settled before. A settle that was served in another tier, reports far above its estimate, or reports more calls than
were granted, reads the item first.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import StoreError
from modelpass.entitlements import (
    accounting,
    answers,
    authorization_ids,
    contract,
    history,
    items,
    rules,
    updates,
    windows,
)
from modelpass.entitlements.change import Change, FarAboveEstimate, OwnFigure, TierBreach
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.commands.decision_loop import Decision
from modelpass.errors import ErrorCode, Refusal, Refused, authorization_not_found
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from typing import Protocol

    from modelpass.catalogue.tiers import Tier
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.authorization_ids import Authorization
    from modelpass.entitlements.commands.authorize import ReadContract
    from modelpass.entitlements.model import Entitlement, Hold
    from modelpass.runtime.deps import Deps

    class Tiers(Protocol):
        """Which tiers are down, which only holds that are to go on have to know."""

        def down_of(self, model_id: str, budget: RetryBudget) -> frozenset[Tier]:
            """The tiers of a model that are down; raises `Refused` and `StoreError` while nobody knows."""


REPLAYED: Json = {"settled": True, "replayed": True}
_FAR_ABOVE: Final = 10
"""How many times its estimate a report is at least, to be told of: it may be in a wrong unit."""


class SettleRequest(NamedTuple):
    """A well-formed settle, of which only the authorization id may still be any text.

    `used` is in the model's unit. `calls` are those that were made, None for as many as were granted. `served_tier` and
    `usage_source`, where the figure comes from, are None when the router does not say.
    """

    authorization_id: str
    used: int
    calls: int | None
    served_tier: Tier | None
    usage_source: str | None = None


def settle(deps: Deps, request: SettleRequest, read_contract: ReadContract) -> Json:
    """Answer one settle. Settled: what was used is booked once, durably, and the hold has ended.

    A repeat books nothing, and the first report stands. Raises `Refused`, with nothing booked:
    `authorization_not_found` when nothing was authorized under the id or settles are no longer accepted,
    `invalid_request` when it reports more calls than its authorization holds. Raises `Refused`
    (`temporarily_unavailable`) when the store cannot be reached: it may be booked or not, and a repeat tells. A report
    far above its estimate is booked as any other, and told by an event and a metric.
    """
    authorization = authorization_ids.parse_authorization_id(request.authorization_id, deps.deployment_keys)
    if authorization is None or not rules.is_recent(authorization.hold, deps.now_ms()):
        raise authorization_not_found()
    entitlement = authorization.entitlement
    telemetry.note(subscriptionId=entitlement.subscription_id, modelId=entitlement.model_id)
    if request.usage_source is not None:
        own = request.usage_source in items.OWN_FIGURES
        telemetry.note(usageSource=request.usage_source, actualUsage=request.used if own else None)
    budget = deps.retry_budget()
    return decision_loop.until_answered(
        deps, budget, entitlement, _Settle(deps, budget, request, authorization, read_contract)
    )


def is_far_above(hold: Hold, used: int) -> bool:
    """Whether a report is so far above what was held that its unit may be wrong.

    A hold that has gone on says nothing of it: what it holds is what is left of its parts, not an estimate.
    """
    return used >= _FAR_ABOVE * max(1, hold.units) and not authorization_ids.has_gone_on(hold)


class _Settle(NamedTuple):
    """One invocation. The decision loop drives it."""

    deps: Deps
    budget: RetryBudget
    request: SettleRequest
    authorization: Authorization
    read_contract: ReadContract

    @property
    def _calls(self) -> int:
        held = self.authorization.hold.calls
        return held if self.request.calls is None else self.request.calls

    @property
    def _breached(self) -> bool:
        served = self.request.served_tier
        return served is not None and served is not self.authorization.tier

    @property
    def _far_above(self) -> bool:
        return is_far_above(self.authorization.hold, self.request.used)

    def write_at_once(self) -> Decision | None:
        if self._breached or self._far_above or self._calls > self.authorization.hold.calls:
            return None
        request = updates.settle(
            self.deps.tables,
            self.authorization.entitlement,
            self.authorization.hold,
            self.request.used,
            self._calls,
            self.deps.now_ms(),
            usage_source=self.request.usage_source,
        )
        entitlement = decision_loop.entitlement_of(self.deps, self.deps.send("UpdateItem", request)["Attributes"])
        return Decision(self._settled(entitlement), entitlement)

    def decide(self, entitlement: Entitlement) -> Decision:
        reclaimed = self._reclaimed(entitlement)
        step = self._step(entitlement, reclaimed)
        if step is None:
            return Decision(REPLAYED, entitlement)
        entitlement = decision_loop.write(self.deps, self.budget, step)
        if self._far_above:
            telemetry.count_far_above_estimate()
        return Decision(self._settled(entitlement, reclaimed=reclaimed), entitlement)

    def refuse_missing(self) -> Json:
        raise authorization_not_found()

    def _reclaimed(self, entitlement: Entitlement) -> bool:
        """Whether a ticket stands for the hold. The number of tickets in the item spares most repeats this read."""
        hold = self.authorization.hold
        if entitlement.tickets == 0 or entitlement.holds.get(hold.key) == hold:
            return False
        key = schema.primary_key(history.ticket_key(entitlement.id, hold))
        table = self.deps.tables.history
        ticket = self.budget.persist(lambda: transport.get(self.deps.send, table, key))
        if ticket is None:
            return False
        decision_loop.read_or_report(table, ticket, schema.require_understood)
        return True

    def _step(self, entitlement: Entitlement, reclaimed: bool) -> Change | None:  # noqa: FBT001
        """The step that books the settle, None when the hold was settled before."""
        hold, now_ms = self.authorization.hold, self.deps.now_ms()
        require_accepted(self.deps, self.budget, entitlement, now_ms, self.read_contract)
        if not reclaimed and entitlement.holds.get(hold.key) != hold:
            return None
        if self._calls > hold.calls:
            raise refuse_too_many_calls(hold.calls)
        served, used, source = self.request.served_tier, self.request.used, self.request.usage_source
        closed = closed_calls(self.deps, self.budget, entitlement, hold, hold.calls - self._calls)
        step = accounting.book(entitlement, hold, used, self._calls, reclaimed=reclaimed, closed_calls=closed)
        return step._replace(
            breach=TierBreach(hold, served, now_ms) if self._breached and served is not None else None,
            far_above=FarAboveEstimate(hold, used, now_ms) if self._far_above else None,
            own_figure=OwnFigure(source, used) if source in items.OWN_FIGURES else None,
        )

    def _settled(self, entitlement: Entitlement, *, reclaimed: bool = False) -> Json:
        now_ms = self.deps.now_ms()
        return {
            "settled": True,
            "late": reclaimed or rules.is_late(entitlement, self.authorization.hold, now_ms),
            "tierBreached": self._breached,
            **shown_windows(self.deps, self.budget, entitlement, now_ms, self.read_contract),
        }


def closed_calls(deps: Deps, budget: RetryBudget, entitlement: Entitlement, hold: Hold, calls_back: int) -> int | None:
    """The calls of the hold's day where that is closed and calls are to be given back; None where neither needs it."""
    day, _ = windows.windows_of(entitlement, hold)
    if calls_back <= 0 or day == entitlement.day:
        return None
    table, key = deps.tables.history, schema.primary_key(history.day_key(entitlement.id, day))
    row = budget.persist(lambda: transport.get(deps.send, table, key))
    return 0 if row is None else decision_loop.read_or_report(table, row, history.calls_of_day)


def require_accepted(
    deps: Deps, budget: RetryBudget, entitlement: Entitlement, now_ms: int, read_contract: ReadContract
) -> None:
    """Raise `authorization_not_found` 90 days after the end of the term, of which the row knows whether it went on."""
    if rules.settles_accepted(entitlement.term, now_ms):
        return
    if not rules.settles_accepted(read_contract(deps, budget, entitlement.id).term, now_ms):
        raise authorization_not_found()


def shown_windows(
    deps: Deps, budget: RetryBudget, entitlement: Entitlement, now_ms: int, read_contract: ReadContract
) -> Json:
    """The windows in force, once a report is booked; while nobody can tell what came after it, the stored month's."""
    told = None
    if contract.month_is_over(entitlement, now_ms):
        with suppress(Refused, StoreError, schema.UnreadableItemError):
            told = read_contract(deps, budget, entitlement.id)
    return answers.current_windows(contract.as_of(entitlement, told, now_ms), now_ms)


def refuse_too_many_calls(held: int) -> Refused:
    """The exception for a settle that reports more calls than its authorization holds."""
    message = f"calls must be at most the {held} held by the authorization."
    return Refused(Refusal(ErrorCode.INVALID_REQUEST, param="calls", message=message))
