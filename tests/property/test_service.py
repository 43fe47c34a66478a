"""The whole service against a plain ledger: any order of commands, clock moves, resets and faults, on the real engine.

After every step all answers, all stored figures, every equation and every event are what the ledger says.
`make soak` goes on for longer.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from modelpass.errors import Refused
from tests.support import agreement
from tests.support.audit import assert_conserved
from tests.support.faults import FaultAt
from tests.support.ledger import DAY_MS, GRACE_MS, OFFSETS_MS, SECOND_MS, UNITS, Book, Bought, Grant, rfc3339
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Fault = tuple[str, int] | None

STEPS = 50
MOST_HOLDS = 4
STARTS_AT_MS = 1_769_855_400_250  # 2026-01-31T10:30:00.250Z: months are clamped, starts are cut to the second
STATUS = {
    "invalid_api_key": 401,
    "subscription_expired": 403,
    "model_not_included": 403,
    "tier_not_included": 403,
    "request_id_reused": 409,
    "tier_unavailable": 503,
    "monthly_cap_reached": 429,
    "daily_call_limit_reached": 429,
    "too_many_open_holds": 429,
}

MODELS = (TEXT_MODEL, IMAGE_MODEL)
TIERS = ("basic", "stable", "enterprise")
BODIES = st.fixed_dictionaries(
    {
        "models": st.sampled_from(
            (
                [model(calls=6, cap=100)],
                [model(calls=6, cap=100), model(IMAGE_MODEL, "basic", 3, 60)],
                [model(IMAGE_MODEL, "enterprise", 4, 80)],
            )
        ),
        "months": st.integers(1, 2),
        "timezone": st.sampled_from(sorted(OFFSETS_MS)),
    }
)
FAULTS = st.none() | st.none() | st.tuples(st.sampled_from(("before", "after")), st.integers(0, 3))
SHORT, LONG = [s * SECOND_MS for s in (1, 59, 60, 61, 900, 3600)], [d * DAY_MS for d in (1, 1, 2, 28, 95)]
WAITS = st.sampled_from(SHORT * 3 + LONG)
EDGES = st.sampled_from(("day", "day", "month", "term", "hold", "hold"))
ANY = st.integers(0, 10**6)
"""Chooses among what there is by then."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorize asks for."""

    model_id: str
    request_id: str
    units: int
    calls: int
    seconds: int
    tier: str | None


class ServiceMachine(RuleBasedStateMachine):
    """The service on tables of its own, and the ledger it must agree with."""

    steps = 0

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        world = new_world(endpoint)
        self.world = replace(world, deps=replace(world.deps, max_open_holds=MOST_HOLDS))
        self.world.clock.now_ms = STARTS_AT_MS
        self.bought: list[Bought] = []
        self.purchases: dict[tuple[str, str], Bought] = {}
        self.down: set[tuple[str, str]] = set()
        self.events: Counter[str] = Counter()

    @property
    def now_ms(self) -> int:
        return self.world.clock.now_ms

    def faulty(self, fault: Fault) -> World:
        if fault is None:
            return self.world
        return self.world.with_send(FaultAt(self.world.deps.send, fault[1], fault[0]))

    def one_active(self, account: str) -> bool:
        return any(b.account == account and not b.expired(self.now_ms) for b in self.bought)

    @initialize(account=st.just("a"), body=BODIES, key=st.none(), fault=st.none())
    def begin(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Nothing happens without a subscription."""
        self.purchase_checked(account, body, key, fault)

    @rule(account=st.sampled_from(("a", "b")), body=BODIES, key=st.sampled_from((None, "k1", "k2")), fault=FAULTS)
    def purchase(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Buy, under a fault or none."""
        self.purchase_checked(account, body, key, fault)

    def purchase_checked(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Buy, and compare; a repeat of an Idempotency-Key is shown what it bought."""
        answer = refusable(lambda: self.faulty(fault).buy(account, key, **body))
        first = self.purchases.get((account, key)) if key else None
        if first is not None:
            known = {"apiKey": None, "subscriptionId": first.id, "replayed": True}
            assert answer == (known if first.body == body else "idempotency_key_reused")
        elif self.one_active(account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert answer["replayed"] is False
            made = Bought(account, answer["subscriptionId"], body)
            made.begin_term(answer["apiKey"], self.now_ms)
            assert made.id not in {b.id for b in self.bought}
            self.bought.append(made)
            self.events["subscription.purchased"] += 1
            if key:
                self.purchases[account, key] = made

    @precondition(lambda self: self.bought)
    @rule(which=ANY, key=st.sampled_from((None, "n1", "n2")), fault=FAULTS)
    def renew(self, which: int, key: str | None, fault: Fault) -> None:
        """Renew a subscription, under a fault or none."""
        bought = self.bought[which % len(self.bought)]
        answer = refusable(lambda: self.faulty(fault).renew(bought.id, bought.account, key))
        if key is not None and key == bought.renewal_key:
            assert answer == {"apiKey": None, "replayed": True}
        elif not bought.expired(self.now_ms):
            assert answer == "subscription_not_expired"
        elif self.one_active(bought.account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert answer["apiKey"] not in {None, *bought.keys}
            bought.begin_term(answer["apiKey"], self.now_ms)
            bought.renewal_key = key
            self.events["subscription.renewed"] += 1

    @precondition(lambda self: self.bought)
    @rule(
        which=ANY,
        newest=st.sampled_from((True, True, True, False)),
        other_model=st.sampled_from((False,) * 9 + (True,)),
        request_id=st.sampled_from(("r1", "r2", "r3", "r4", "r5", "r6")),
        units=st.sampled_from((0, 1, 5, 10, 20, 30, 60, 101)),
        calls=st.sampled_from((1, 1, 1, 2, 5)),
        tier=st.sampled_from((None,) * 9 + TIERS),
        seconds=st.sampled_from((1, 60, 900, 86_400)),
        fault=FAULTS,
    )
    def authorize(  # noqa: PLR0913 - a payload has that many fields
        self,
        *,
        which: int,
        newest: bool,
        other_model: bool,
        request_id: str,
        units: int,
        calls: int,
        tier: str | None,
        seconds: int,
        fault: Fault,
    ) -> None:
        """Authorize with the current key or an older one."""
        bought = self.bought[which % len(self.bought)]
        term = len(bought.terms) - 1 if newest else which % len(bought.terms)
        of_term = sorted(bought.terms[term])
        model_id = "another-model" if other_model else of_term[which % len(of_term)]
        asked = Asked(model_id, request_id, units, calls, seconds, tier)
        self.assert_authorized(bought, term, asked, fault)

    @precondition(lambda self: self.grants())
    @rule(which=ANY, more_units=st.sampled_from((0, 0, 0, 1)), fault=FAULTS)
    def authorize_again(self, which: int, more_units: int, fault: Fault) -> None:
        """Repeat any authorize that was granted, mostly with the same figures."""
        bought, book, grant = self.grants()[-1 - which % len(self.grants())]
        term = next(n for n, books in enumerate(bought.terms) if any(b is book for b in books.values()))
        asked = Asked(book.model_id, grant.request_id, grant.units + more_units, grant.calls, 60, None)
        self.assert_authorized(bought, term, asked, fault)

    def assert_authorized(self, bought: Bought, term: int, asked: Asked, fault: Fault) -> None:
        """Authorize, and compare with what the ledger says of it."""
        model_id, request_id, units, calls, seconds, tier = astuple(asked)
        more = {"calls": calls, "holdSeconds": seconds, "modelId": model_id}
        if tier is not None:
            more["channelTier"] = tier
        answer = self.faulty(fault).authorize(bought.keys[term], request_id, units, **more)
        book = bought.terms[term].get(model_id)
        refusal = self.refused_before_counting(bought, term, book, tier)
        if refusal is not None or book is None:
            shown = None if refusal == "invalid_api_key" else book
            self.assert_refused(answer, refusal, shown)
            return
        held = next((g for g in book.open_holds(self.now_ms) if g.request_id == request_id), None)
        if held is not None and (held.units, held.calls) == (units, calls):
            assert answer == {**self.granted(bought, book, held), "replayed": True}
        elif held is not None:
            self.assert_refused(answer, "request_id_reused", book)
        elif (model_id, book.tier) in self.down:
            self.assert_refused(answer, "tier_unavailable", book, 5)
        elif (full := book.refuse_capacity(units, calls, MOST_HOLDS, self.now_ms)) is not None:
            self.assert_refused(answer, full[0], book, full[1])
        else:
            expires_at_ms = self.now_ms + seconds * SECOND_MS
            authorization_id = answer.get("authorizationId", "")
            assert authorization_id not in {g.authorization_id for _, _, g in self.grants()}
            grant = Grant(request_id, self.now_ms, expires_at_ms, units, calls, authorization_id)
            book.grants.append(grant)
            assert answer == self.granted(bought, book, grant)

    def refused_before_counting(self, bought: Bought, term: int, book: Book | None, tier: str | None) -> str | None:
        """What is wrong with the key, the term, the model or the tier asked for: in this order."""
        if term != len(bought.terms) - 1:
            return "invalid_api_key"
        if bought.expired(self.now_ms):
            return "subscription_expired"
        if book is None:
            return "model_not_included"
        return "tier_not_included" if tier not in (None, book.tier) else None

    def granted(self, bought: Bought, book: Book, grant: Grant) -> Json:
        return {
            "allowed": True,
            "authorizationId": grant.authorization_id,
            "accountId": bought.account,
            "subscriptionId": bought.id,
            "modelId": book.model_id,
            "channelTier": book.tier,
            "unit": UNITS[book.model_id],
            "heldUsage": grant.units,
            "holdExpiresAt": rfc3339(grant.expires_at_ms),
            **book.windows(self.now_ms),
        }

    def assert_refused(self, answer: Json, code: str | None, book: Book | None, retry_after: int | None = None) -> None:
        assert code is not None
        assert (answer["allowed"], answer["error"]["code"], answer["statusCode"]) == (False, code, STATUS[code])
        assert answer.get("retryAfter") == retry_after
        shown = {name: answer[name] for name in ("daily", "monthly") if name in answer}
        assert shown == ({} if book is None else book.windows(self.now_ms))

    def grants(self) -> list[tuple[Bought, Book, Grant]]:
        return [
            (bought, book, grant)
            for bought in self.bought
            for term in bought.terms
            for book in term.values()
            for grant in book.grants
        ]

    @precondition(lambda self: self.grants())
    @rule(
        which=ANY,
        used=st.sampled_from((0, 1, 5, 10, 20, 30, 150)),
        calls=st.sampled_from((None, None, 0, 1, 2, 3)),
        served=st.sampled_from((None, None, *TIERS)),
        fault=FAULTS,
    )
    def settle(self, which: int, used: int, calls: int | None, served: str | None, fault: Fault) -> None:
        """Settle any authorization ever made, for the first time or again."""
        _, book, grant = self.grants()[-1 - which % len(self.grants())]
        more: Json = {} if calls is None else {"calls": calls}
        if served is not None:
            more["servedTier"] = served
        answer = self.faulty(fault).settle(grant.authorization_id, used, **more)
        if self.now_ms >= book.calendar.ends_at_ms + GRACE_MS:
            assert answer["error"]["code"] == "authorization_not_found"
        elif grant.settled is not None:
            assert answer == {"settled": True, "replayed": True}
        elif calls is not None and calls > grant.calls:
            assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_request", "calls")
        else:
            breached = served not in (None, book.tier)
            late = book.late(grant, self.now_ms)
            grant.settled = (used, grant.calls if calls is None else calls)
            self.events["tier.breached"] += breached
            told = {"settled": True, "late": late, "tierBreached": breached, **book.windows(self.now_ms)}
            # A settle whose reply was lost finds itself done: its repeat is a replay.
            lost = fault is not None and fault[0] == "after"
            assert answer == told or (lost and answer == {"settled": True, "replayed": True})

    renew_often = renew
    settle_often = settle
    authorize_often = authorize_most = authorize  # a rule under each name: this is what traffic is made of

    @rule()
    def reset(self) -> None:
        """Run the housekeeping; a second run right after it finds nothing."""
        self.world.reset()
        assert self.world.reset() == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}

    @rule(model_id=st.sampled_from(MODELS), tier=st.sampled_from((None, None, *TIERS)), fault=FAULTS)
    def turn_tiers(self, model_id: str, tier: str | None, fault: Fault) -> None:
        """Take one tier of a model down, or bring back what is down."""
        wanted = set() if tier is None else {(model_id, tier)}
        turned = [(pair, True) for pair in sorted(self.down - wanted)] + [(pair, False) for pair in wanted - self.down]
        for pair, available in turned:
            self.faulty(fault).turn_tier(*pair, available=available, reason="it is so")
            self.events["tier.up" if available else "tier.down"] += 1
        self.down = wanted

    @rule(ms=WAITS)
    def wait(self, ms: int) -> None:
        """Let some time pass."""
        self.world.clock.advance(ms)

    @precondition(lambda self: self.bought)
    @rule(
        which=ANY,
        edge=st.sampled_from(("day", "day", "month", "term", "hold", "hold")),
        off_by=st.sampled_from((-1, 0, 1)),
    )
    def wait_until(self, which: int, edge: str, off_by: int) -> None:
        """Go to the edge of a window, a term or a hold, to the millisecond."""
        bought = self.bought[which % len(self.bought)]
        ends, now_ms = bought.calendar, self.now_ms
        holds = [g.expires_at_ms for _, _, g in self.grants() if g.open_at(now_ms)]
        edges = {
            "day": ends.day_end(now_ms),
            "month": ends.month_end(now_ms),
            "term": ends.ends_at_ms,
            "hold": min(holds, default=now_ms),
        }
        self.world.clock.now_ms = max(now_ms, edges[edge] + off_by)

    @invariant()
    def everything_agrees(self) -> None:
        """What callers see and what is stored is what the ledger says."""
        type(self).steps += 1
        assert_conserved(self.world)
        agreement.assert_usage(self.world, self.bought)
        agreement.assert_windows(self.world, self.bought)
        agreement.assert_one_active(self.world, self.bought)
        agreement.assert_events(self.world, self.bought, self.events)

    def teardown(self) -> None:
        """Leave nothing in the engine, which other tests share."""
        self.world.drop_tables()


def refusable(command: Callable[[], Json]) -> Json | str:
    try:
        return command()
    except Refused as refused:
        return refused.refusal.code.code


@pytest.mark.usefixtures("few_shards")
def test_any_order_of_commands_clock_moves_and_faults_agrees_with_the_ledger(engine: str) -> None:
    how = settings(
        max_examples=settings().max_examples * 3 // 5,
        stateful_step_count=STEPS,
        deadline=None,  # steps are counted, not timed
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    ServiceMachine.steps = 0
    run_state_machine_as_test(partial(ServiceMachine, engine), settings=how)  # type: ignore[arg-type] # takes a factory
    sys.stdout.write(f"{ServiceMachine.steps} steps\n")
    assert ServiceMachine.steps > how.max_examples
