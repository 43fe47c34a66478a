"""Rules of what is sold to a running subscription, and of its settings: longer terms, other lists, more units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support import changing, sales
from tests.support.ledger_sales import lines_of
from tests.support.machine import ANY, Fault, Json, Machine, expecting, refusable, spelled
from tests.support.machine_life import EXPECTED
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from fractions import Fraction

    from tests.support.ledger_sales import Bought

FAULTS = st.none() | st.none() | st.tuples(st.sampled_from(("before", "after")), st.integers(0, 9))
KEYS = st.sampled_from((None, None, "s1", "s2"))
TEXT_LINES = st.builds(
    lambda tier, calls, cap: model(TEXT_MODEL, tier, calls, cap),
    st.sampled_from(("basic", "stable", "stable", "stable", "enterprise")),
    st.sampled_from((3, 6, 6, 12)),
    st.sampled_from((50, 100, 100, 200)),
)
IMAGE_LINES = st.builds(
    lambda tier, calls, cap: model(IMAGE_MODEL, tier, calls, cap),
    st.sampled_from(("basic", "enterprise")),
    st.sampled_from((3, 4, 8)),
    st.sampled_from((60, 80, 120)),
)
LISTS = st.one_of(
    TEXT_LINES.map(lambda m: [m]), st.tuples(TEXT_LINES, IMAGE_LINES).map(list), IMAGE_LINES.map(lambda m: [m])
)


class SaleRules(Machine):
    """What customers buy for a term that runs."""

    @precondition(lambda self: self.bought)
    @rule(which=ANY, months=st.sampled_from((1, 1, 2, 11)), key=KEYS, more=EXPECTED, quoted=st.booleans(), fault=FAULTS)
    def extend(
        self,
        *,
        which: int,
        months: int,
        key: str | None,
        more: int | None,
        quoted: bool,
        fault: Fault,
    ) -> None:
        """Move the end of a term."""
        bought = self.sellable(which)
        lines = bought.to_come(self.now_ms) if bought.terms else {}
        total = self.catalogue.monthly(lines) * months
        body = {"months": months, **expecting(total, more)}
        codes = self.refused_to_sell(bought, "extension", more)
        if bought.runs(self.now_ms):
            codes |= {"term_too_long"} if bought.too_long(months, self.now_ms) else set()
            codes |= {"unknown_model"} if not self.catalogue.offers(lines) else set()
        if quoted:
            self.assert_quoted(bought, {"extend": {"months": months}}, total, codes)
        world = self.newest_faulty(fault)
        answer = refusable(
            lambda: {"replayed": False, **sales.extend(world, bought.id, account=bought.account, key=key, **body)}
        )
        if self.is_repeated(bought, "extension", key, body, answer):
            return
        if codes:
            assert answer in codes, (answer, codes)
            return
        assert isinstance(answer, dict)

        def carry_out() -> None:
            bought.extend(months, total)
            self.events["subscription.extended"] += 1

        self.take_order(bought, "extension", answer, total, carry_out, bought.calendar.ends_at_ms)
        self.note_key(bought, "extension", key, body)

    extend_often = extend

    @precondition(lambda self: self.bought)
    @rule(which=ANY, models=LISTS, key=KEYS, more=EXPECTED, quoted=st.booleans(), fault=FAULTS)
    def change(
        self,
        *,
        which: int,
        models: list[Json],
        key: str | None,
        more: int | None,
        quoted: bool,
        fault: Fault,
    ) -> None:
        """Have another list."""
        bought = self.sellable(which)
        wanted = lines_of(models)
        codes = self.refused_to_sell(bought, "change", more)
        if not bought.runs(self.now_ms):
            answer = refusable(lambda: changing.change(self.newest, bought.id, *models, account=bought.account))
            assert answer in codes, (answer, codes)
            return
        lines = bought.in_force(self.now_ms)
        if self.catalogue.withdrawn & (wanted.keys() | lines.keys() | bought.to_come(self.now_ms).keys()):
            return  # at which price is not said of a line whose model was withdrawn
        priced = bought.price_change(self.catalogue, wanted, self.now_ms)
        expected = expecting(priced.total, more)
        if quoted:
            self.assert_quoted(bought, {"change": {"models": models}}, priced.total, codes)
        world, account = self.newest_faulty(fault), bought.account
        answer = refusable(lambda: changing.change(world, bought.id, *models, key=key, account=account, **expected))
        body = {"models": models, **expected}
        if self.is_repeated(bought, "change", key, body, answer):
            return
        if codes:
            assert answer in codes, (answer, codes)
            return
        assert isinstance(answer, dict)
        shown = {line["modelId"]: line["total"] for line in answer["price"]["lines"]}
        assert {m: spelled_short(t) for m, t in shown.items()} == {m: spelled(t) for m, t in priced.totals.items()}

        def carry_out() -> None:
            bought.change(priced, self.now_ms)
            self.events["subscription.changed"] += 1

        self.take_order(bought, "change", answer, priced.total, carry_out, bought.calendar.month_end(self.now_ms))
        self.note_key(bought, "change", key, body)

    change_often = change_most = change

    @precondition(lambda self: self.bought)
    @rule(
        which=ANY,
        model_id=st.sampled_from((TEXT_MODEL, TEXT_MODEL, IMAGE_MODEL)),
        units=st.sampled_from((1, 20, 100)),
        key=KEYS,
        more=EXPECTED,
        quoted=st.booleans(),
        fault=FAULTS,
    )
    def top_up(  # noqa: PLR0913 - a request has that many fields
        self, *, which: int, model_id: str, units: int, key: str | None, more: int | None, quoted: bool, fault: Fault
    ) -> None:
        """Buy units for the current month window."""
        bought = self.sellable(which)
        codes = self.refused_to_sell(bought, "top_up", more)
        lines = bought.in_force(self.now_ms) if bought.runs(self.now_ms) else {}
        if bought.runs(self.now_ms) and model_id not in lines:
            codes.add("invalid_request")
        codes |= {"unknown_model"} if lines and model_id in self.catalogue.withdrawn else set()
        if model_id in lines:
            total = self.catalogue.top_up(model_id, lines[model_id], units)
        else:
            total = self.catalogue.monthly({})
        if quoted:
            self.assert_quoted(bought, {"topUp": {"modelId": model_id, "units": units}}, total, codes)
        expected = expecting(total, more)
        world, account = self.newest_faulty(fault), bought.account
        answer = refusable(lambda: changing.top_up(world, bought.id, units, model_id, key, account=account, **expected))
        body = {"modelId": model_id, "units": units, **expected}
        if self.is_repeated(bought, "top_up", key, body, answer):
            return
        if codes:
            assert answer in codes, (answer, codes)
            return
        assert isinstance(answer, dict)

        def carry_out() -> None:
            bought.top_up(model_id, units, total, self.now_ms)
            self.events["subscription.topped_up"] += 1

        self.take_order(bought, "top_up", answer, total, carry_out, bought.calendar.month_end(self.now_ms))
        self.note_key(bought, "top_up", key, body)

    @precondition(lambda self: self.bought)
    @rule(
        which=ANY,
        auto_renew=st.sampled_from((None, True, True, False)),
        months=st.sampled_from((None, None, 1, 2)),
        label=st.sampled_from((None, "research", "sales")),
        fault=FAULTS,
    )
    def update(
        self,
        *,
        which: int,
        auto_renew: bool | None,
        months: int | None,
        label: str | None,
        fault: Fault,
    ) -> None:
        """Change settings."""
        named = {"autoRenew": auto_renew, "autoRenewMonths": months, "label": label}
        body = {name: value for name, value in named.items() if value is not None}
        if not body:
            return
        bought = self.sellable(which)
        world = self.newest_faulty(fault)
        answer = refusable(lambda: sales.update(world, bought.id, bought.account, **body))
        if not bought.is_there(self.now_ms):
            assert answer == "not_found"
            return
        runs = bought.runs(self.now_ms) or not bought.terms
        if auto_renew and not bought.auto_renew and not runs:
            codes = self.refused_to_sell(bought, "extension", None) - {"order_pending"}
            assert answer in codes, (answer, codes)
            return
        assert isinstance(answer, dict)
        bought.auto_renew = bought.auto_renew if auto_renew is None else auto_renew
        bought.auto_renew_months = months or bought.auto_renew_months
        bought.label = label or bought.label
        self.assert_settings(bought, answer)

    update_often = update

    @precondition(lambda self: self.bought)
    @rule(which=ANY)
    def look(self, which: int) -> None:
        """See a subscription as its customer does."""
        bought = self.sellable(which)
        answer = refusable(lambda: sales.look(self.world, bought.id, bought.account))
        if not bought.is_there(self.now_ms):
            # What was cancelled before it began is gone as well.
            assert answer == "not_found"
            return
        assert isinstance(answer, dict)
        self.assert_settings(bought, answer)
        assert answer["status"] == bought.status(self.now_ms)
        if not bought.terms:
            assert (answer["startsAt"], answer["expiresAt"]) == (None, None)

    @staticmethod
    def assert_settings(bought: Bought, answer: Json) -> None:
        """What customers set is shown."""
        shown = (answer["autoRenew"], answer["autoRenewMonths"], answer["label"])
        assert shown == (bought.auto_renew, bought.auto_renew_months or bought.sold_months, bought.label)

    def refused_to_sell(self, bought: Bought, kind: str, more: int | None) -> set[str]:
        """Why nothing can be sold to a subscription as it and its account are, or not at this total."""
        if not bought.is_there(self.now_ms):
            return {"not_found"}
        codes = self.refused_by_account(bought.account, kind)
        if not bought.runs(self.now_ms):
            status = "cancelled" if bought.cancelled else "expired" if bought.terms else "pending"
            return codes | {f"subscription_{status}"}
        return codes | ({"price_changed"} if more else set())

    def assert_quoted(self, bought: Bought, body: Json, total: Fraction, codes: set[str]) -> None:
        """A quote tells what the sale costs, and changes nothing."""
        answer = refusable(lambda: sales.quote(self.newest, bought.id, bought.account, **body))
        if isinstance(answer, dict):
            if not codes - {"price_changed", "order_pending"}:
                assert spelled_short(answer["total"]) == spelled(total)
        else:
            assert answer in codes, (answer, codes)


def spelled_short(amount: str) -> str:
    """An amount of an answer with as many decimals as those of the ledger."""
    whole, _, parts = amount.partition(".")
    assert len(parts.rstrip("0")) <= 6
    return f"{whole}.{parts.ljust(6, '0')[:6]}"
