"""Authorize: decide and count a request in one conditional write. Rule: refuse rather than guess, and count once.

The first try writes at once, from nothing but the request and the tiers that are down, and asks for all units. Only
when its guard fails is the stored item looked at, which the failure brings back: `rules.decide_authorize` says why it
failed, or what has to be written instead, such as a grant of the units that are left. After a refusal, the next
request with that key for that model reads before it writes, which costs less; a refusal that can never reverse is
answered from memory (`refusal_cache`). This file is loaded at the start of the function, so it imports nothing that
only rare requests need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import api_keys
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import answers, authorization_ids, contract, refusal_cache, rules, updates
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.commands.decision_loop import Decision
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.entitlements.model import Entitlement, EntitlementId, Hold
from modelpass.entitlements.refusal_cache import RefusalCache, RememberedRefusal
from modelpass.errors import Refusal, Refused, temporarily_unavailable
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.api_keys import ApiKey
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.model import Contract
    from modelpass.runtime.deps import Deps

    ExplainMissing = Callable[[Deps, RetryBudget, ApiKey, EntitlementId], "MissingEntitlement"]
    """Finds out why there is no entitlement, from the subscription's row, which this wing must not know."""
    ReadContract = Callable[[Deps, RetryBudget, EntitlementId], Contract]
    """Brings the subscription up to its moment, and tells what its row says of an entitlement."""


class Row(NamedTuple):
    """How to ask the subscription's row."""

    explain_missing: ExplainMissing
    read_contract: ReadContract


class AuthorizeRequest(NamedTuple):
    """A well-formed authorize, of which only the key may still be any text.

    `units` is an upper bound in the model's unit, and `minimum`, at most `units`, what the router is content with where
    the month has less: None when it needs all. `tier` is None when the router does not ask for one. `attempt` is the
    router's name for this one of its tries to send the request, None when it has none. `unit_free` says that the call
    uses no units by nature.
    """

    api_key: str
    model_id: str
    request_id: str
    units: int
    calls: int
    tier: Tier | None
    hold_seconds: int
    attempt: str | None = None
    unit_free: bool = False
    minimum: int | None = None

    def __repr__(self) -> str:
        return f"AuthorizeRequest({self.model_id}, {self.request_id})"


class Caches(NamedTuple):
    """What a process keeps from one authorize to the next. It saves requests to the store, and decides no grant."""

    tiers: TierCache
    refusals: RefusalCache

    @staticmethod
    def empty(deps: Deps) -> Caches:
        """The caches of a process that has just started."""
        return Caches(TierCache(deps), RefusalCache(deps.pacing.monotonic))


class Authorized(NamedTuple):
    """The answer of an authorize; `repeated` tells that it shows a grant which an earlier invocation has counted."""

    answer: Json
    repeated: bool


class MissingEntitlement(NamedTuple):
    """Why a key is refused whose term has no entitlement for the model, and what to remember of the refusal.

    `listed` says that the subscription's list has the model by now, so that its entitlement decides after all.
    """

    refusal: Refusal
    remembered: RememberedRefusal
    listed: bool = False


def authorize(deps: Deps, caches: Caches, request: AuthorizeRequest, row: Row) -> Authorized:
    """Answer one authorize.

    Granted: exactly one hold and `calls` calls are counted, durably. Refused, by an answer or by `Refused`: nothing is.
    (`temporarily_unavailable` may hide a grant whose reply was lost: a repeat shows it, or else its hold expires.)
    While its hold is open, a repeat shows the grant again: to the same `attempt` as the plain grant, to another as a
    refusal, and as a replay (`"replayed": true`) to a request that names no attempt.

    Raises `Refused`: `invalid_api_key` for a key that was never issued, a refusal that is remembered for good, the
    reason why there is no such entitlement, `temporarily_unavailable`. All other refusals are returned as answers.
    """
    api_key = api_keys.parse_api_key(request.api_key, deps.deployment_keys)
    if api_key is None:
        raise Refused(api_keys.never_issued(request.api_key))
    telemetry.note(subscriptionId=api_key.subscription_id)
    return _Authorize(deps, caches, request, api_key, row).run()


class _Authorize:
    """One invocation, with the nonces of its tries and what it has read so far. The decision loop drives it."""

    def __init__(self, deps: Deps, caches: Caches, request: AuthorizeRequest, api_key: ApiKey, row: Row) -> None:
        self._deps = deps
        self._caches = caches
        self._request = request
        self._api_key = api_key
        self._row = row
        self._budget = deps.retry_budget()
        self._own_nonces: set[str] = set()
        self._granted_until_ms: int | None = None
        self._repeated = False
        self._mark = None if request.attempt is None else authorization_ids.attempt_mark(request.attempt)
        self._request_key = authorization_ids.request_digest(request.request_id)
        self._id = EntitlementId(api_key.subscription_id, api_key.term_number, request.model_id)
        self._remembered: RememberedRefusal | None = None
        self._down: frozenset[Tier] = frozenset()

    def run(self) -> Authorized:
        refusals = self._caches.refusals
        self._remembered = remembered = refusals.recall(self._api_key.key_hash, self._id.model_id)
        if remembered is not None:
            telemetry.note(accountId=remembered.account_id)
            if remembered.refusal is not None:
                raise Refused(remembered.refusal)
            if remembered.held is not None:
                self._require_listed()
        self._down = self._caches.tiers.down_of(self._request.model_id, self._budget)
        answer = decision_loop.until_answered(self._deps, self._budget, self._id, self)
        if self._granted_until_ms is not None and self._granted_until_ms <= self._deps.now_ms():
            raise temporarily_unavailable()  # the store took longer than the hold lasts: nobody may rely on it
        if remembered is not None and answer["allowed"]:
            refusals.forget(self._api_key.key_hash, self._id.model_id)
        return Authorized(answer, self._repeated)

    def write_at_once(self) -> Decision | None:
        wanted = (self._request.tier,) if self._request.tier else tuple(Tier)
        tiers = tuple(tier for tier in wanted if tier not in self._down)
        if not tiers or self._remembered is not None:
            return None
        hold = self._new_hold(self._deps.now_ms())
        request = updates.authorize(
            self._deps.tables,
            self._id,
            self._api_key.key_hash,
            hold,
            tiers,
            self._deps.max_open_holds,
            unit_free=self._request.unit_free,
        )
        entitlement = decision_loop.entitlement_of(self._deps, self._deps.send("UpdateItem", request)["Attributes"])
        return Decision(self._granted(entitlement, hold), entitlement)

    def decide(self, entitlement: Entitlement) -> Decision:
        now_ms = max(self._deps.now_ms(), entitlement.segment_start_ms)
        attempt = rules.Attempt(
            key_hash=self._api_key.key_hash,
            hold=self._new_hold(now_ms),
            tier=self._request.tier,
            tiers_down=self._down,
            max_open_holds=self._deps.max_open_holds,
            own_nonces=frozenset(self._own_nonces),
            mark=self._mark,
            unit_free=self._request.unit_free,
            minimum=self._request.minimum,
        )
        told = None
        if rules.needs_contract(entitlement, self._api_key.key_hash, now_ms):
            told = self._row.read_contract(self._deps, self._budget, entitlement.id)
        decided = rules.decide_authorize(entitlement, attempt, now_ms, told)
        shown = entitlement if told is None else contract.as_of(entitlement, told, now_ms)
        if isinstance(decided, Refusal):
            self._remember(refusal_cache.remembered(decided, entitlement, lasts=told is not None and told.lasts))
            return Decision(answers.refused(decided, shown, now_ms), entitlement)
        if isinstance(decided, rules.PriorGrant):
            self._repeated = decided.hold.nonce not in self._own_nonces
            answer = self._granted(shown, decided.hold)
            return Decision(answer if decided.own else {**answer, "replayed": True}, entitlement)
        entitlement = decision_loop.write(self._deps, self._budget, decided, self._deps.max_open_holds)
        if decided.grant is None:
            return Decision(None, entitlement)
        return Decision(self._granted(entitlement, decided.grant), entitlement)

    def refuse_missing(self) -> Json:
        raise Refused(self._explained().refusal)

    def _require_listed(self) -> None:
        """Refuse a model that the list has not got since it was refused."""
        missing = self._explained()
        if not missing.listed:
            raise Refused(missing.refusal)

    def _explained(self) -> MissingEntitlement:
        missing = self._row.explain_missing(self._deps, self._budget, self._api_key, self._id)
        telemetry.note(accountId=missing.remembered.account_id)
        self._remember(missing.remembered)
        return missing

    def _new_hold(self, now_ms: int) -> Hold:
        nonce = authorization_ids.nonce_text(self._deps.entropy(authorization_ids.NONCE_BYTES), self._mark or b"")
        self._own_nonces.add(nonce)
        return Hold(
            key=self._request_key,
            nonce=nonce,
            signer=api_keys.signer_of(self._deps.deployment_keys.signing()),
            granted_at_ms=now_ms,
            hold_seconds=self._request.hold_seconds,
            units=self._request.units,
            calls=self._request.calls,
        )

    def _granted(self, entitlement: Entitlement, hold: Hold) -> Json:
        authorization = authorization_ids.Authorization(entitlement.id, entitlement.tier_of(hold), hold)
        authorization_id = authorization_ids.issue_authorization_id(authorization, self._deps.deployment_keys)
        self._granted_until_ms = hold.expires_at_ms
        return answers.granted(entitlement, hold, authorization_id, self._deps.now_ms())

    def _remember(self, remembered: RememberedRefusal) -> None:
        self._caches.refusals.remember(self._api_key.key_hash, self._id.model_id, remembered)
