"""Rules of a subscription's life: bought, renewed, given a new key, cancelled, and the plans that contend with it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from modelpass.api import subscription_bodies
from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import purchase as purchase_command
from modelpass.subscriptions.commands import renew as renew_command
from tests.support.ledger import DAY_MS, OFFSETS_MS, rfc3339
from tests.support.ledger_sales import Bought, Plan, lines_of
from tests.support.machine import ACCOUNTS, ANY, FAULTS, Fault, Json, Machine, expecting, refusable
from tests.support.world import IMAGE_MODEL, World, model

MODELS = st.sampled_from(
    (
        [model(calls=6, cap=100)],
        [model(calls=6, cap=100), model(IMAGE_MODEL, "basic", 3, 60)],
        [model(IMAGE_MODEL, "enterprise", 4, 80)],
    )
)
BODIES = st.fixed_dictionaries(
    {"models": MODELS, "months": st.integers(1, 2), "timezone": st.sampled_from(sorted(OFFSETS_MS))}
)
SETTINGS = st.sampled_from(
    ({}, {}, {}, {"autoRenew": True}, {"autoRenew": True, "autoRenewMonths": 1}, {"label": "research"})
)
"""Members of a purchase's body that no version before had."""
PLANS = st.sampled_from(("gold", "silver"))
AGES = st.sampled_from((None, 0, 0, 3_600_000, DAY_MS, 40 * DAY_MS))
"""How long before now news of a plan is from, in milliseconds; None for news that does not say."""
EXPECTED = st.sampled_from((None, None, 0, 0, 1, -1))
"""By how many millionths the total that is expected differs from the right one; None where none is expected."""


def purchase(world: World, account: str, key: str | None, body: Json) -> Json:
    order = subscription_bodies.parse_purchase(body)
    outcome = purchase_command.purchase(world.deps, account, order, key)
    return {**answers.outcome(outcome), "replayed": outcome.replayed}


def renewal(world: World, bought: Bought, key: str | None, body: Json) -> Json:
    order = subscription_bodies.parse_renewal(body)
    outcome = renew_command.renew(world.deps, bought.account, bought.id, order, key)
    return {**answers.outcome(outcome), "replayed": outcome.replayed}


class LifeRules(Machine):
    """What customers do with their subscriptions, and other systems with the place."""

    @initialize(account=st.just("a"), body=BODIES, approval=st.sampled_from((False, False, True)))
    def begin(self, account: str, body: Json, approval: bool) -> None:  # noqa: FBT001
        """Nothing happens without a subscription; in some runs, sales have to be approved."""
        if approval and self.may_approve:
            self.world = replace(self.world, deps=self.world.deps._replace(sale_approval=True))
            self.approval = True
        self.purchase_checked(account, body, None, None)

    @rule(account=ACCOUNTS, body=BODIES, key=st.sampled_from((None, "k1", "k2")), more=EXPECTED, fault=FAULTS)
    def purchase(self, account: str, body: Json, key: str | None, more: int | None, fault: Fault) -> None:
        """Buy, at the right total, at another or at any, under a fault or none."""
        total = self.catalogue.monthly(lines_of(body["models"])) * body["months"]
        self.purchase_checked(account, {**body, **expecting(total, more)}, key, fault, wrong_total=bool(more))

    def purchase_checked(
        self, account: str, body: Json, key: str | None, fault: Fault, *, wrong_total: bool = False
    ) -> None:
        """Buy, and compare; a repeat of an Idempotency-Key is shown what it bought."""
        taken = self.place_taken(account)
        answer = refusable(lambda: purchase(self.faulty(fault), account, key, body))
        lines = lines_of(body["models"])
        first = self.purchases.get((account, key)) if key else None
        if first is not None:
            self.assert_repeated_purchase(first, body, answer)
            return
        codes = self.refused_by_account(account, "purchase")
        codes |= {"unknown_model"} if not self.catalogue.offers(lines) else set()
        codes |= {"price_changed"} if wrong_total else set()
        codes |= {"active_subscription_exists"} if taken else set()
        if codes:
            assert answer in codes, answer
            return
        assert isinstance(answer, dict)
        assert answer["replayed"] is False
        made = Bought(account, answer["subscriptionId"], body)
        assert made.id not in {b.id for b in self.bought}
        made.auto_renew, made.auto_renew_months = body.get("autoRenew", False), body.get("autoRenewMonths")
        made.label, made.sold_months = body.get("label"), body["months"]
        self.bought.append(made)
        if key:
            self.purchases[account, key] = made
        self.take_place(account)
        total, api_key = self.catalogue.monthly(lines) * body["months"], answer["apiKey"]

        def carry_out() -> None:
            revoked = made.revoked
            made.begin_term(api_key, lines, body["months"], self.now_ms)
            made.revoked = revoked
            made.charged[-1] += total
            self.events["subscription.purchased"] += 1

        self.take_order(made, "purchase", answer, total, carry_out)
        made.purchase = made.waiting

    def assert_repeated_purchase(self, first: Bought, body: Json, answer: Json | str) -> None:
        """The same body is shown what it bought, if that is there."""
        if first.body != body:
            assert answer == "idempotency_key_reused"
        elif not first.is_there(self.now_ms):
            assert answer == "order_lapsed"
        else:
            assert isinstance(answer, dict)
            assert (answer["subscriptionId"], answer["replayed"], "apiKey" in answer) == (first.id, True, False)
            assert answer["status"] == first.status(self.now_ms)

    @precondition(lambda self: self.bought)
    @rule(which=ANY, key=st.sampled_from((None, "n1", "n2")), more=EXPECTED, fault=FAULTS)
    def renew(self, which: int, key: str | None, more: int | None, fault: Fault) -> None:
        """Renew a subscription, at the right total, at another or at any, under a fault or none."""
        bought = self.sellable(which)
        lines = bought.to_come(self.now_ms) if bought.terms else lines_of(bought.body["models"])
        total = self.catalogue.monthly(lines) * bought.sold_months
        order = expecting(total, more)
        taken = self.place_taken(bought.account)
        answer = refusable(lambda: renewal(self.faulty(fault), bought, key, order))
        if self.is_repeated(bought, "renewal", key, order, answer):
            return
        codes = self.refused_by_account(bought.account, "renewal") | self.refused_to_renew(bought)
        codes |= {"unknown_model"} if not self.catalogue.offers(lines) else set()
        codes |= {"price_changed"} if more else set()
        codes |= {"active_subscription_exists"} if taken else set()
        if codes:
            assert answer in codes, (answer, codes)
            return
        assert isinstance(answer, dict)
        assert answer["apiKey"] not in {None, *bought.keys, *bought.replaced}
        self.take_place(bought.account)
        api_key, months = answer["apiKey"], bought.sold_months
        if key is not None:
            self.renewed[bought.id, key] = len(bought.terms) + 1

        def carry_out() -> None:
            bought.begin_term(api_key, lines, months, self.now_ms)
            bought.charged[-1] += total
            self.events["subscription.renewed"] += 1

        self.take_order(bought, "renewal", answer, total, carry_out)
        self.note_key(bought, "renewal", key, order)

    def refused_to_renew(self, bought: Bought) -> set[str]:
        """Why a subscription cannot be renewed as it is."""
        if not bought.is_there(self.now_ms):
            return {"not_found"}
        status = bought.status(self.now_ms)
        if status == "suspended":
            return {"subscription_suspended"} | (set() if bought.expired(self.now_ms) else {"subscription_not_expired"})
        return set() if status == "expired" else {"subscription_not_expired"}

    @precondition(lambda self: self.bought)
    @rule(which=ANY, fault=FAULTS)
    def regenerate(self, which: int, fault: Fault) -> None:
        """Make a new key, under a fault or none."""
        bought = self.sellable(which)
        answer = refusable(lambda: self.faulty(fault).regenerate(bought.id, bought.account))
        status = bought.status(self.now_ms) if bought.is_there(self.now_ms) else "gone"
        if status != "active":
            assert answer == ("not_found" if status == "gone" else f"subscription_{status}")
            return
        if not bought.count_new_key(self.now_ms):
            assert answer == "too_many_new_keys"
            return
        assert isinstance(answer, dict)
        assert answer["apiKey"] not in {None, *bought.keys, *bought.replaced}
        bought.replaced.append(bought.keys[-1])
        bought.keys[-1], bought.revoked = answer["apiKey"], False
        self.events["key.regenerated"] += 1

    @precondition(lambda self: self.bought)
    @rule(which=ANY, sure=st.sampled_from((True, False, False, False)), fault=FAULTS)
    def cancel(self, which: int, sure: bool, fault: Fault) -> None:  # noqa: FBT001
        """Cancel, under a fault or none; running ones only now and then, for what is cancelled is over."""
        bought = self.sellable(which)
        there, before = bought.is_there(self.now_ms), bought.status(self.now_ms)
        ends = there and (bought.runs(self.now_ms) or not bought.terms)
        if ends and not sure:
            return
        answer = refusable(lambda: self.faulty(fault).cancel(bought.id, bought.account))
        if not there and not bought.cancelled:
            assert answer == "not_found"
            return
        assert isinstance(answer, dict)
        assert answer["status"] == ("cancelled" if ends else before)
        if bought.waiting is not None and bought.waiting.waits(self.now_ms):
            bought.waiting.ended_as = "withdrawn"
            self.events["order.withdrawn"] += 1
        if ends:
            bought.cancelled = True
            self.events["subscription.cancelled"] += bool(bought.terms)

    @rule(account=ACCOUNTS, plan_id=PLANS, days=st.sampled_from((0, 1, 30)), age=AGES, fault=FAULTS)
    def set_plan(self, account: str, plan_id: str, days: int, age: int | None, fault: Fault) -> None:
        """Let a plan take the account's place, under a fault or none."""
        as_of_ms = None if age is None else self.now_ms - age
        answer = refusable(lambda: self.faulty(fault).set_plan(plan_id, account, days=days, as_of_ms=as_of_ms))
        plan, until_ms, holds = self.plans.get(account), self.now_ms + days * DAY_MS, self.holds(account, plan_id)
        if self.news[account].outdated(as_of_ms, of_holder=holds):
            assert isinstance(answer, dict)
            running = plan is not None and self.now_ms < plan.until_ms
            assert (answer["applied"], answer["planId"]) == (False, plan.id if plan and running else None)
            return
        if days == 0:
            assert answer == "invalid_request"
        elif plan is not None and holds:
            assert isinstance(answer, dict)
            assert (answer["applied"], answer["expiresAt"]) == (True, rfc3339(until_ms))
            plan.until_ms = until_ms
            self.news[account].take(as_of_ms)
        elif self.place_taken(account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert (answer["applied"], answer["planId"]) == (True, plan_id)
            self.take_place(account)
            self.plans[account] = Plan(plan_id, until_ms)
            self.news[account].take(as_of_ms)
            self.events["plan.started"] += 1

    @rule(account=ACCOUNTS, plan_id=PLANS, age=AGES, fault=FAULTS)
    def end_plan(self, account: str, plan_id: str, age: int | None, fault: Fault) -> None:
        """End a plan of the account, which may be the one that holds the place."""
        as_of_ms = None if age is None else self.now_ms - age
        plan, holds, taken = self.plans.get(account), self.holds(account, plan_id), self.place_taken(account)
        answer = self.faulty(fault).end_plan(plan_id, account, as_of_ms=as_of_ms)
        news, late = self.news[account], self.news[account].outdated(as_of_ms, of_holder=holds)
        assert (answer["heldBy"] is not None) == (taken and (late or not holds))
        if holds and not late:
            del self.plans[account]
            news.take(as_of_ms)
            self.events["plan.ended"] += 1
        elif not late and as_of_ms is not None and as_of_ms > max(news.applied + news.elsewhere, default=as_of_ms - 1):
            if plan is not None and self.now_ms < plan.until_ms:
                news.elsewhere.append(as_of_ms)
            else:
                news.take(as_of_ms)
                self.take_place(account)

    def holds(self, account: str, plan_id: str) -> bool:
        """Whether this plan holds the account's place now."""
        plan = self.plans.get(account)
        return plan is not None and plan.id == plan_id and self.now_ms < plan.until_ms
