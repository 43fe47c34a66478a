"""Rules of operators: suspend, resume, revoke a key, other prices, and what is not sold any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from modelpass.catalogue.commands import offers
from ops import catalogue_file
from tests.support.machine import ANY, Machine, refusable
from tests.support.machine_sales import FAULTS
from tests.support.world import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from modelpass.catalogue.model import Offer
    from tests.support.ledger_sales import Bought
    from tests.support.machine import Fault, Json
    from tests.support.world import World

BASES = st.sampled_from(("12.00", "12.00", "9.00", "45.00"))


def revoked(world: World, bought: Bought, operator: str | None) -> Json:
    world.revoke_key(bought.id, bought.account, operator)
    return {}


class OperatorRules(Machine):
    """What operators do to subscriptions, and to what is sold."""

    @precondition(lambda self: self.bought)
    @rule(which=ANY, fault=FAULTS)
    def suspend(self, which: int, fault: Fault) -> None:
        """Let nothing be granted until it is resumed."""
        bought = self.sellable(which)
        world = self.newest_faulty(fault)
        answer = refusable(lambda: world.suspend(bought.id))
        if not bought.is_there(self.now_ms):
            assert answer == "not_found"
        elif bought.status(self.now_ms) == "pending":
            assert answer == "subscription_pending"
        else:
            if not bought.cancelled:
                self.events["subscription.suspended"] += not bought.suspended
                bought.suspended = True
            assert isinstance(answer, dict)
            assert answer["status"] == bought.status(self.now_ms)

    @precondition(lambda self: any(bought.suspended for bought in self.bought))
    @rule(which=ANY, fault=FAULTS)
    def resume(self, which: int, fault: Fault) -> None:
        """Let one go on that is suspended."""
        suspended = [bought for bought in self.bought if bought.suspended]
        bought = suspended[which % len(suspended)]
        world = self.newest_faulty(fault)
        answer = world.resume(bought.id)
        if not bought.cancelled:
            bought.suspended = False
            self.events["subscription.resumed"] += 1
        assert answer["status"] == bought.status(self.now_ms)

    resume_often = resume

    @precondition(lambda self: self.bought)
    @rule(which=ANY, operator=st.sampled_from((None, "anna")), fault=FAULTS)
    def revoke_key(self, which: int, operator: str | None, fault: Fault) -> None:
        """Take the key away."""
        bought = self.sellable(which)
        world = self.newest_faulty(fault)
        answer = refusable(lambda: revoked(world, bought, operator))
        if not bought.is_there(self.now_ms):
            assert answer == "not_found"
            return
        assert answer == {}
        if (bought.runs(self.now_ms) or not bought.terms) and not bought.revoked:
            bought.revoked = True
            self.events["key.revoked"] += 1

    @rule(base=BASES)
    def reprice(self, base: str) -> None:
        """Ask another base for the text model, in all of its tiers; it is on sale again if it was withdrawn."""
        listed = catalogue_file.offers_of(catalogue_file.PATH)[0]
        prices = {tier: replace(price, base=base) for tier, price in listed.model.tiers.items()}
        self.put(replace(listed, model=replace(listed.model, tiers=prices)))
        for (model_id, tier), (_, per_unit, per_call) in list(self.catalogue.prices.items()):
            if model_id == TEXT_MODEL:
                self.catalogue.prices[model_id, tier] = (base, per_unit, per_call)
        self.catalogue.withdrawn.discard(TEXT_MODEL)

    @precondition(lambda self: IMAGE_MODEL not in {*self.catalogue.withdrawn, *(m for m, _ in self.down)})
    @rule(often=st.integers(0, 3))
    def withdraw_model(self, often: int) -> None:
        """Sell the image model no more, now and then."""
        if often:
            return
        offers.withdraw_model(self.world.deps, IMAGE_MODEL, "operator")
        self.catalogue.withdrawn.add(IMAGE_MODEL)

    @precondition(lambda self: IMAGE_MODEL in self.catalogue.withdrawn)
    @rule()
    def offer_again(self) -> None:
        """Sell the image model again."""
        self.put(next(o for o in catalogue_file.offers_of(catalogue_file.PATH) if o.model.model_id == IMAGE_MODEL))
        self.catalogue.withdrawn.discard(IMAGE_MODEL)

    def put(self, offer: Offer) -> None:
        """Put a model into the catalogue, whatever it was before."""
        offers.put_model(self.world.deps, replace(offer, confirmed=True), "operator")
