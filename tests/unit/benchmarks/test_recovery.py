"""What `benchmarks.recovery` tells follows from when each authorize began, how long it took and how it ended."""

from __future__ import annotations

import pytest

from benchmarks.recovery import Asked, figures_of

BEGAN, ENDED = 100.0, 160.0
SICK = [Asked(BEGAN + number / 10, 0.002, granted=False) for number in range(600)]
WELL_BEFORE = [Asked(95 + number / 10, 0.005, granted=True) for number in range(40)]


def after(refused_until: float, *, seconds: float = 15.0) -> list[Asked]:
    """An authorize each hundredth of a second, refused until so many seconds after the end."""
    return [
        Asked(ENDED + number / 100, 0.001, granted=number / 100 >= refused_until)
        for number in range(round(seconds * 100))
    ]


@pytest.mark.parametrize("refused_until", [0.0, 0.5, 3.2])
def test_recovery_lasts_until_the_last_second_that_has_too_few_grants(refused_until: float) -> None:
    found = figures_of("hang", [*WELL_BEFORE, *SICK, *after(refused_until)], [], BEGAN, ENDED)
    assert found.recovered_seconds == pytest.approx(refused_until, abs=0.011)
    assert (found.granted_before, found.granted_meanwhile) == (1.0, 0.0)


def test_one_refusal_among_a_hundred_is_a_second_that_is_well_and_two_are_not() -> None:
    grants = after(0.0)
    for refused, expected in (([500], 0.0), ([500, 510], 5.101)):
        asked = [one._replace(granted=number not in refused) for number, one in enumerate(grants)]
        found = figures_of("throttle", [*WELL_BEFORE, *SICK, *asked], [], BEGAN, ENDED)
        assert found.recovered_seconds == pytest.approx(expected)


def test_requests_and_latencies_are_of_the_time_in_which_it_was_sick() -> None:
    came = [99.0, *(BEGAN + number for number in range(30)), ENDED, 170.0]
    slow = [one._replace(took=2.0) if number % 60 == 0 else one for number, one in enumerate(SICK)]
    found = figures_of("hang", [*WELL_BEFORE, *slow, *after(0.0)], came, BEGAN, ENDED)
    assert found.requests_per_authorize == pytest.approx(30 / 600)
    assert found.refused_median_ms == pytest.approx(2.0)
    assert found.refused_p99_ms == pytest.approx(2000.0)
