"""Rules of a subscription's life: bought, renewed, given a new key, cancelled, and the plans that contend with it."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.support.ledger import DAY_MS, OFFSETS_MS, Bought, Plan, rfc3339, total
from tests.support.machine import ACCOUNTS, ANY, FAULTS, Fault, Json, Machine, refusable
from tests.support.world import IMAGE_MODEL, model

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
PLANS = st.sampled_from(("gold", "silver"))
AGES = st.sampled_from((None, 0, 0, 3_600_000, DAY_MS, 40 * DAY_MS))
"""How long before now news of a plan is from, in milliseconds; None for news that does not say."""


MILLION = 10**6
EXPECTED = st.sampled_from((None, None, 0, 0, 1, -1))
"""By how many millionths the total that is expected differs from the right one; None where none is expected."""


def expecting(body: Json, more: int | None) -> Json:
    """The member of a body that expects the total of a purchase body, or one that differs."""
    if more is None:
        return {}
    millionths, rest = divmod(total(body) * MILLION + more, 1)
    assert rest == 0, "no price of the ledger has finer parts"
    return {"expectedTotal": f"{millionths // MILLION}.{millionths % MILLION:06d}"}


def fits(bought: Json, order: Json) -> bool:
    """Whether an order expects what a purchase body costs, or expects nothing."""
    return "expectedTotal" not in order or Fraction(order["expectedTotal"]) == total(bought)


class LifeRules(Machine):
    """What customers do with their subscriptions, and other systems with the place."""

    @initialize(account=st.just("a"), body=BODIES, key=st.none(), fault=st.none())
    def begin(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Nothing happens without a subscription."""
        self.purchase_checked(account, body, key, fault)

    @rule(account=ACCOUNTS, body=BODIES, key=st.sampled_from((None, "k1", "k2")), more=EXPECTED, fault=FAULTS)
    def purchase(self, account: str, body: Json, key: str | None, more: int | None, fault: Fault) -> None:
        """Buy, at the right total, at another or at any, under a fault or none."""
        self.purchase_checked(account, {**body, **expecting(body, more)}, key, fault)

    def purchase_checked(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Buy, and compare; a repeat of an Idempotency-Key is shown what it bought."""
        answer = refusable(lambda: self.faulty(fault).buy(account, key, **body))
        first = self.purchases.get((account, key)) if key else None
        if first is not None:
            known = {"apiKey": None, "subscriptionId": first.id, "replayed": True}
            assert answer == (known if first.body == body else "idempotency_key_reused")
        elif not fits(body, body):
            assert answer == "price_changed"
        elif self.place_taken(account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert answer["replayed"] is False
            self.take_place(account)
            made = Bought(account, answer["subscriptionId"], body)
            made.begin_term(answer["apiKey"], self.now_ms)
            assert made.id not in {b.id for b in self.bought}
            self.bought.append(made)
            self.events["subscription.purchased"] += 1
            if key:
                self.purchases[account, key] = made

    @precondition(lambda self: self.bought)
    @rule(which=ANY, key=st.sampled_from((None, "n1", "n2")), more=EXPECTED, fault=FAULTS)
    def renew(self, which: int, key: str | None, more: int | None, fault: Fault) -> None:
        """Renew a subscription, at the right total, at another or at any, under a fault or none."""
        bought = self.bought[which % len(self.bought)]
        order = expecting(bought.body, more)
        answer = refusable(lambda: self.faulty(fault).renew(bought.id, bought.account, key, **order))
        if key is not None and key == bought.renewal_key:
            same = order.get("expectedTotal") == bought.renewal_total
            assert answer == ({"apiKey": None, "replayed": True} if same else "idempotency_key_reused")
        elif not fits(bought.body, order):
            assert answer == "price_changed"
        elif bought.status(self.now_ms) != "expired":
            assert answer == "subscription_not_expired"
        elif self.place_taken(bought.account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert answer["apiKey"] not in {None, *bought.keys, *bought.replaced}
            self.take_place(bought.account)
            bought.begin_term(answer["apiKey"], self.now_ms)
            bought.renewal_key, bought.renewal_total = key, order.get("expectedTotal")
            self.events["subscription.renewed"] += 1

    @precondition(lambda self: self.bought)
    @rule(which=ANY, fault=FAULTS)
    def regenerate(self, which: int, fault: Fault) -> None:
        """Make a new key, under a fault or none."""
        bought = self.bought[which % len(self.bought)]
        answer = refusable(lambda: self.faulty(fault).regenerate(bought.id, bought.account))
        status = bought.status(self.now_ms)
        if status != "active":
            assert answer == f"subscription_{status}"
            return
        if not bought.count_new_key(self.now_ms):
            assert answer == "too_many_new_keys"
            return
        assert isinstance(answer, dict)
        assert answer["apiKey"] not in {None, *bought.keys, *bought.replaced}
        bought.replaced.append(bought.keys[-1])
        bought.keys[-1] = answer["apiKey"]
        self.events["key.regenerated"] += 1

    @precondition(lambda self: self.bought)
    @rule(which=ANY, sure=st.sampled_from((True, False, False)), fault=FAULTS)
    def cancel(self, which: int, sure: bool, fault: Fault) -> None:  # noqa: FBT001
        """Cancel, under a fault or none; active ones only now and then, for what is cancelled is over."""
        bought = self.bought[which % len(self.bought)]
        before = bought.status(self.now_ms)
        if before == "active" and not sure:
            return
        answer = self.faulty(fault).cancel(bought.id, bought.account)
        assert answer["status"] == ("cancelled" if before == "active" else before)
        if before == "active":
            bought.cancelled = True
            self.events["subscription.cancelled"] += 1

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
