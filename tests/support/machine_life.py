"""Rules of a subscription's life: bought, renewed, given a new key, cancelled, and the plans that contend with it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.support.ledger import DAY_MS, OFFSETS_MS, Bought, Plan
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


class LifeRules(Machine):
    """What customers do with their subscriptions, and other systems with the place."""

    @initialize(account=st.just("a"), body=BODIES, key=st.none(), fault=st.none())
    def begin(self, account: str, body: Json, key: str | None, fault: Fault) -> None:
        """Nothing happens without a subscription."""
        self.purchase_checked(account, body, key, fault)

    @rule(account=ACCOUNTS, body=BODIES, key=st.sampled_from((None, "k1", "k2")), fault=FAULTS)
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
    @rule(which=ANY, key=st.sampled_from((None, "n1", "n2")), fault=FAULTS)
    def renew(self, which: int, key: str | None, fault: Fault) -> None:
        """Renew a subscription, under a fault or none."""
        bought = self.bought[which % len(self.bought)]
        answer = refusable(lambda: self.faulty(fault).renew(bought.id, bought.account, key))
        if key is not None and key == bought.renewal_key:
            assert answer == {"apiKey": None, "replayed": True}
        elif bought.status(self.now_ms) != "expired":
            assert answer == "subscription_not_expired"
        elif self.place_taken(bought.account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            assert answer["apiKey"] not in {None, *bought.keys, *bought.replaced}
            self.take_place(bought.account)
            bought.begin_term(answer["apiKey"], self.now_ms)
            bought.renewal_key = key
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

    @rule(account=ACCOUNTS, plan_id=st.sampled_from(("gold", "silver")), days=st.sampled_from((0, 1, 30)), fault=FAULTS)
    def set_plan(self, account: str, plan_id: str, days: int, fault: Fault) -> None:
        """Let a plan take the account's place, under a fault or none."""
        answer = refusable(lambda: self.faulty(fault).set_plan(plan_id, account, days=days))
        plan, until_ms = self.plans.get(account), self.now_ms + days * DAY_MS
        if days == 0:
            assert answer == "invalid_request"
        elif plan is not None and self.now_ms < plan.until_ms and plan.id == plan_id:
            assert isinstance(answer, dict)
            plan.until_ms = until_ms
        elif self.place_taken(account):
            assert answer == "active_subscription_exists"
        else:
            assert isinstance(answer, dict)
            self.take_place(account)
            self.plans[account] = Plan(plan_id, until_ms)
            self.events["plan.started"] += 1

    @rule(account=ACCOUNTS, fault=FAULTS)
    def end_plan(self, account: str, fault: Fault) -> None:
        """End the account's plan, if it has one."""
        self.faulty(fault).end_plan(account)
        plan = self.plans.get(account)
        if plan is not None and self.now_ms < plan.until_ms:
            del self.plans[account]
            self.events["plan.ended"] += 1
