"""What a change binds at once, what waits, and what it costs: line by line, both prices of today, nothing paid back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from modelpass.catalogue.model import Bounds, CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.errors import Refused
from modelpass.subscriptions import pricing, pricing_of_changes
from modelpass.subscriptions.model import TopUps
from tests.support.changes import (
    DAY,
    START,
    catalogue,
    changed,
    extended,
    line,
    priced,
    quoted,
    rates,
    sold,
    window_start,
    wish,
)

if TYPE_CHECKING:
    from modelpass.entitlements.model import Limits

ONE = catalogue(rates("a"), rates("b"))
MINUTE = 60_000


def refusal(*arguments: object) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        quoted(*arguments)  # type: ignore[arg-type]
    return caught.value.refusal.code.code, caught.value.refusal.param


# --- what binds at once and what waits


@pytest.mark.parametrize("wanted", [line(cap=101), line(calls=11), line(tier=Tier.ENTERPRISE), line(cap=101, calls=11)])
def test_a_line_binds_at_once_where_neither_figure_nor_tier_falls(wanted: Limits) -> None:
    offered = catalogue(rates("a", tiers="basic stable enterprise"))
    _, after = changed(offered, sold(offered, line()), wanted)
    assert (after.models, after.pending_change) == ((wanted,), None)


@pytest.mark.parametrize(
    "wanted",
    [
        line(cap=99),
        line(calls=9),
        line(tier=Tier.BASIC),
        line(cap=500, calls=9),
        line(cap=500, tier=Tier.BASIC),
        line(cap=99, calls=11, tier=Tier.ENTERPRISE),
    ],
)
def test_a_line_of_which_a_figure_or_the_tier_falls_waits_for_the_next_month_window(wanted: Limits) -> None:
    offered = catalogue(rates("a", per_call="100", tiers="basic stable enterprise"))
    found = sold(offered, line())
    _, after = changed(offered, found, wanted)
    assert (after.models, after.models_to_come) == ((line(),), (wanted,))
    assert after.at(window_start(found, 1) - 1).models == after.models
    assert after.at(window_start(found, 1)).models == (wanted,)


def test_a_line_that_costs_less_today_waits_though_no_figure_of_it_falls() -> None:
    cheaper_above = {Tier.STABLE: Price("USD", "0", "2", "0"), Tier.ENTERPRISE: Price("USD", "0", "1", "0")}
    offered = catalogue(priced("a", cheaper_above))
    total, after = changed(offered, sold(offered, line()), line(tier=Tier.ENTERPRISE))
    assert (total, after.models) == (0, (line(),))


def test_a_new_line_binds_at_once_and_a_removed_one_goes_at_the_next_window() -> None:
    total, after = changed(ONE, sold(ONE, line("a")), line("b", cap=7), at_ms=START + 40 * DAY)
    assert total == 7 * 2  # the second window, whole, and the third
    assert after.models == (line("b", cap=7), line("a"))
    assert after.models_to_come == (line("b", cap=7),)
    assert after.pending_change is not None
    assert after.pending_change.binds_at_ms == window_start(after, 2)


def test_the_next_change_replaces_what_waits() -> None:
    found = sold(ONE, line("a"), line("b"))
    _, lowered = changed(ONE, found, line("a", cap=50), line("b"))
    _, after = changed(ONE, lowered, line("a"), line("b", cap=60))
    assert after.models_to_come == (line("a"), line("b", cap=60))
    total, after = changed(ONE, after, line("a"), line("b"))
    assert (total, after.pending_change) == (40 * 2, None)


def test_what_waits_in_the_last_window_waits_for_what_follows_the_term() -> None:
    found = sold(ONE, line(), months=1)
    total, after = changed(ONE, found, line(cap=50))
    assert total == 0
    assert after.at(found.expires_at_ms).models == (line(),)
    assert extended(after, 1).at(found.expires_at_ms).models == (line(cap=50),)


def test_a_line_that_stays_keeps_its_price_though_its_model_was_withdrawn_or_costs_another_today() -> None:
    found = sold(ONE, line("a"), line("b"))
    for offered in (catalogue(rates("b")), catalogue(rates("a", "5"), rates("b"))):
        priced_change = quoted(offered, found, line("a"), line("b", cap=200))
        assert [(p.monthly, p.total) for p in priced_change.price.lines] == [("100.00", "0.00"), ("200.00", "300.00")]
        _, after = changed(offered, found, line("a"), line("b", cap=200))
        assert after.sale is not None
        assert after.sale.monthly == ("100.00", "200.00")
        assert after.sale.totals == ("300.00", "600.00")


def test_a_line_that_waits_already_goes_on_waiting_though_its_model_was_withdrawn() -> None:
    _, lowered = changed(ONE, sold(ONE, line("a"), line("b")), line("a", cap=50), line("b"))
    total, after = changed(catalogue(rates("b")), lowered, line("a", cap=50), line("b", cap=200))
    assert (total, after.models_to_come) == (300, (line("a", cap=50), line("b", cap=200)))


def test_every_other_line_must_be_offered_within_its_bounds_and_is_named_where_it_is_not() -> None:
    found = sold(ONE, line("a"))
    assert refusal(catalogue(), found, line("a", cap=200)) == ("unknown_model", "models[0].modelId")
    assert refusal(ONE, found, line("a"), line("c")) == ("unknown_model", "models[1].modelId")
    assert refusal(ONE, found, line("a", tier=Tier.ENTERPRISE)) == ("tier_not_offered", "models[0].channelTier")
    bounded = CatalogueModel("a", Kind.TEXT, ONE["a"].tiers, Bounds(1, 20), Bounds(10, 150))
    assert refusal(catalogue(bounded), found, line(cap=151)) == ("invalid_request", "models[0].monthlyTokenCap")
    assert refusal(catalogue(bounded), found, line(cap=9)) == ("invalid_request", "models[0].monthlyTokenCap")
    assert refusal(catalogue(bounded), found, line(calls=21)) == ("invalid_request", "models[0].dailyCallLimit")


def test_no_more_lines_are_in_force_than_a_subscription_may_have_with_those_that_are_about_to_go() -> None:
    many = catalogue(*(rates(f"m{n}") for n in range(41)))
    found = sold(many, *(line(f"m{n}") for n in range(40)))
    others = [line(f"m{n}") for n in range(1, 41)]
    assert refusal(many, found, *others) == ("invalid_request", "models")
    _, fewer = changed(many, found, *others[:-1])
    assert refusal(many, fewer, *others) == ("invalid_request", "models")
    later = window_start(found, 1)
    _, after = changed(many, fewer, *others, at_ms=later)
    assert len(after.models) == 40


def test_a_price_that_was_not_kept_counts_as_today_s_and_nothing_where_there_is_none() -> None:
    found = sold(ONE, line("a"), line("b"))._replace(sale=None)
    priced_change = quoted(catalogue(rates("b")), found, line("a"), line("b"))
    assert [(p.monthly, p.total) for p in priced_change.price.lines] == [("0.00", "0.00"), ("100.00", "0.00")]


def test_a_raise_leaves_room_for_what_was_bought_beside_the_cap_for_the_same_month() -> None:
    bounded = catalogue(CatalogueModel("a", Kind.TEXT, ONE["a"].tiers, cap=Bounds(1, 150)))
    ends_ms = START + 31 * DAY
    found = sold(bounded, line())._replace(top_ups=TopUps(ends_ms, (("a", 20), ("b", 99))))
    assert refusal(bounded, found, line(cap=131)) == ("invalid_request", "models[0].monthlyTokenCap")
    assert changed(bounded, found, line(cap=130))[1].models == (line(cap=130),)
    assert changed(bounded, found, line(cap=150), at_ms=ends_ms)[1].models == (line(cap=150),)
    assert changed(bounded, found, line())[1].models == (line(),)
    # What waits comes with a window that has none of these units.
    assert changed(bounded, found, line(cap=150, calls=9))[1].models_to_come == (line(cap=150, calls=9),)


# --- what it costs


def test_the_current_window_is_charged_whole_and_each_later_one_of_the_term() -> None:
    found = sold(ONE, line())
    for at_ms, windows in ((START, 3), (window_start(found, 1) - 1, 3), (window_start(found, 1), 2)):
        assert changed(ONE, found, line(cap=130), at_ms=at_ms)[0] == 30 * windows
    quote = quoted(ONE, found, line(cap=130), at_ms=window_start(found, 1)).price
    assert pricing.price_answer(quote) == {
        "currency": "USD",
        "lines": [{"modelId": "a", "channelTier": "stable", "monthly": "130.00", "total": "60.00"}],
        "monthlyTotal": "130.00",
        "months": 2,
        "total": "60.00",
    }


def test_what_falls_pays_nothing_back_and_makes_no_other_line_cheaper() -> None:
    found = sold(ONE, line("a"), line("b"))
    assert changed(ONE, found, line("a", cap=1), line("b"))[0] == 0
    assert changed(ONE, found, line("a", cap=1), line("b", cap=150))[0] == 50 * 3
    assert changed(ONE, found, line("b", cap=150))[0] == 50 * 3


def test_a_line_that_waits_and_costs_more_is_charged_for_the_later_windows_alone() -> None:
    by_call = catalogue(rates("a", per_call="10"))
    found = sold(by_call, line())
    total, after = changed(by_call, found, line(cap=90, calls=20))
    assert (total, after.models) == ((90 - 100 + 200 - 100) * 2, (line(),))


def test_what_is_charged_is_exact_and_adds_up() -> None:
    offered = catalogue(rates("a", "0.000000000001", per_call="0.1"))
    total, after = changed(offered, sold(offered, line()), line(cap=101, calls=13), at_ms=START + DAY)
    assert total == Decimal("0.900000000003")
    assert after.sale is not None
    assert after.sale.totals == ("3.900000000303",)


# --- the ways to buy cheaply


def test_a_cap_for_the_last_minute_of_a_month_costs_the_whole_month() -> None:
    found = sold(ONE, line(), months=1)
    total, raised = changed(ONE, found, line(cap=1000), at_ms=found.expires_at_ms - MINUTE)
    assert total == 900
    found = sold(ONE, line(), months=2)
    total, raised = changed(ONE, found, line(cap=1000), at_ms=window_start(found, 1) - MINUTE)
    assert total == 900 * 2
    back, after = changed(ONE, raised, line(), at_ms=window_start(found, 1) - 1)
    assert (back, after.at(window_start(found, 1) - 1).models) == (0, (line(cap=1000),))


def test_many_tiny_steps_cost_as_much_as_the_one_step() -> None:
    offered = catalogue(rates("a", "0.003", base="7", per_call="0.01"))
    found = sold(offered, line())
    whole, _ = changed(offered, found, line(cap=150, calls=60))
    paid = Decimal(0)
    for step in range(1, 51):
        total, found = changed(offered, found, line(cap=100 + step, calls=10 + step))
        paid += total
    assert paid == whole


def test_steps_across_tiers_never_cost_less_than_the_one_step() -> None:
    tiers = {
        Tier.BASIC: Price("USD", "0", "1", "0"),
        Tier.STABLE: Price("USD", "50", "1", "0"),
        Tier.ENTERPRISE: Price("USD", "0", "2", "0"),
    }
    offered = catalogue(priced("a", tiers))
    found = sold(offered, line(tier=Tier.BASIC, cap=10))
    wanted = line(tier=Tier.ENTERPRISE, cap=100)
    whole, _ = changed(offered, found, wanted)
    first, between = changed(offered, found, line(tier=Tier.STABLE, cap=10))
    second, after = changed(offered, between, line(tier=Tier.ENTERPRISE, cap=100))
    assert after.models == (wanted,)
    assert first + second >= whole


def test_whoever_lowers_extends_and_raises_again_pays_for_every_window_that_has_the_higher_line() -> None:
    found = sold(ONE, line(cap=1000), months=2)
    _, lowered = changed(ONE, found, line(cap=1))
    longer = extended(lowered, 10)  # sold at the list that will be in force: 1 unit a month
    total, after = changed(ONE, longer, line(cap=1000))
    assert total == 999 * 11  # every window but the current one, which was paid for
    assert after.pending_change is None


def test_whoever_lowers_and_raises_again_pays_for_the_later_windows_anew() -> None:
    found = sold(ONE, line())
    _, lowered = changed(ONE, found, line(cap=50))
    assert changed(ONE, lowered, line())[0] == 50 * 2
    _, removed = changed(catalogue(*ONE.values()), sold(ONE, line("a"), line("b")), line("b"))
    assert changed(ONE, removed, line("a"), line("b"))[0] == 100 * 2


def test_a_line_removed_in_the_last_window_and_extended_is_paid_for_when_it_comes_back() -> None:
    found = sold(ONE, line("a"), line("b"), months=1)
    _, removed = changed(ONE, found, line("b"))
    longer = extended(removed, 3)
    assert changed(ONE, longer, line("a"), line("b"))[0] == 100 * 3
    assert changed(ONE, longer, line("a"), line("b"), at_ms=window_start(found, 1))[0] == 100 * 3


def test_a_raise_above_what_waits_is_paid_above_that_and_not_above_the_line_in_force() -> None:
    _, lowered = changed(ONE, sold(ONE, line()), line(cap=50))
    assert changed(ONE, lowered, line(cap=120))[0] == 20 + 70 * 2


def test_the_second_of_two_raises_is_priced_on_the_first() -> None:
    found = sold(ONE, line())
    first, after = changed(ONE, found, line(cap=150))
    second, _ = changed(ONE, after, line(cap=200))
    assert (first, second) == (150, 150)
    assert first + second == changed(ONE, found, line(cap=200))[0]


def test_a_fallen_catalogue_makes_no_raise_free() -> None:
    found = sold(ONE, line())
    fallen = catalogue(rates("a", "0.1"))
    total, after = changed(fallen, found, line(cap=900))
    assert (total, after.models) == (80 * 3, (line(cap=900),))


def test_a_risen_catalogue_asks_nothing_for_what_was_bought_before_and_turns_no_fall_into_a_raise() -> None:
    found = sold(ONE, line())
    risen = catalogue(rates("a", "10"))
    total, after = changed(risen, found, line(cap=99))
    assert (total, after.models, after.models_to_come) == (0, (line(),), (line(cap=99),))
    assert changed(risen, found, line(cap=101))[0] == 10 * 3


def test_a_tier_that_became_cheaper_than_the_one_in_force_is_no_raise_and_one_that_became_dearer_is() -> None:
    def offered(stable: str, enterprise: str) -> dict[str, CatalogueModel]:
        tiers = {Tier.STABLE: Price("USD", "0", stable, "0"), Tier.ENTERPRISE: Price("USD", "0", enterprise, "0")}
        return catalogue(priced("a", tiers))

    found, wanted = sold(offered("1", "2"), line()), line(tier=Tier.ENTERPRISE)
    total, waits = changed(offered("2", "1"), found, wanted)
    assert (total, waits.models) == (0, (line(),))
    total, binds = changed(offered("1", "3"), waits, wanted)  # by now nothing of it falls
    assert (total, binds.models) == (200, (wanted,))


def test_a_withdrawn_line_is_counted_at_what_it_was_sold_for() -> None:
    found = sold(catalogue(rates("a", "3")), line())
    only_above = catalogue(priced("a", {Tier.ENTERPRISE: Price("USD", "0", "5", "0")}))
    assert changed(only_above, found, line(tier=Tier.ENTERPRISE))[0] == (500 - 300) * 3
    cheaper = catalogue(priced("a", {Tier.ENTERPRISE: Price("USD", "0", "2", "0")}))
    total, after = changed(cheaper, found, line(tier=Tier.ENTERPRISE))
    assert (total, after.models) == (0, (line(),))


def test_what_was_sold_is_carried_out_at_its_price_whatever_the_catalogue_says_by_then() -> None:
    found = sold(ONE, line("a"), line("b"))
    models, price, waiting = pricing_of_changes.price_change(
        ONE, found, wish(line("a", cap=150), line("b", cap=1)), START
    )
    lists = pricing_of_changes.carry_out(found, models, price, waiting, START + DAY)
    assert lists.models == (line("a", cap=150), line("b"))
    assert lists.sale.monthly == ("150.00", "100.00")
    assert lists.sale.totals == ("450.00", "300.00")
    assert lists.pending_change is not None
    assert lists.pending_change.sale.monthly == ("150.00", "1.00")


def test_what_was_charged_for_the_list_to_come_is_kept_when_another_change_replaces_it() -> None:
    _, lowered = changed(ONE, sold(ONE, line()), line(cap=50))
    waits = lowered.pending_change
    assert waits is not None
    extended_by = waits._replace(sale=waits.sale._replace(totals=("400.00",)))  # 100.00 for two months of 50
    total, after = changed(ONE, lowered._replace(pending_change=extended_by), line())
    assert after.sale is not None
    assert (total, after.sale.totals) == (100, ("500.00",))
