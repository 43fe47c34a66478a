"""What the dates of the store's replies say of this machine's clock: what is sure, and never more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.embedded.service_clock import KNOWN_SECONDS, ServiceClock, second_of
from tests.support.builders import PROPERTY

NOW = 1_795_808_345
"""A second since the epoch."""


@dataclass
class Machine:
    """A machine whose clock is `ahead` of the service's by so many seconds, and what it hears of the service."""

    true: float = NOW + 0.5
    ahead: float = 0.0
    booted: float = NOW - 1000.25
    rate: float = 1.0
    """How many seconds its steady clock shows in a second."""

    def __post_init__(self) -> None:
        self.clock = ServiceClock(lambda: int((self.true + self.ahead) * 10**9), self.steady)

    def steady(self) -> float:
        return (self.true - self.booted) * self.rate

    def hears(self, *, there: float = 0.0, back: float = 0.0, service_ahead: float = 0.0) -> None:
        """Send a request, and take in its reply after so many seconds there and back."""
        sent_at = self.steady()
        self.true += there
        date = formatdate(int(self.true + service_ahead), usegmt=True).encode()
        self.true += back
        self.clock.heard(date, sent_at)


def test_nothing_is_known_before_the_first_reply() -> None:
    machine = Machine(ahead=3600)
    assert machine.clock.difference_ms() is None
    assert machine.clock.now_ms() == int((machine.true + 3600) * 1000)


@pytest.mark.parametrize("date", [None, b"", b"now", b"Fri, 27 Nov 2026", b"Fri, 31 Jun 2026 19:30:55 GMT"])
def test_a_reply_without_a_date_that_can_be_read_says_nothing(date: bytes | None) -> None:
    machine = Machine()
    machine.clock.heard(date, 0.0)
    assert machine.clock.difference_ms() is None
    machine.hears()
    machine.clock.heard(date, 0.0)
    assert machine.clock.difference_ms() == 0


@pytest.mark.parametrize("phase", [0.0, 0.001, 0.25, 0.5, 0.75, 0.999])
@pytest.mark.parametrize("ahead", [-2.0, -1.5, -0.5, 0.0, 0.5, 1.5, 2.0])
def test_a_clock_within_two_seconds_is_never_said_to_differ(ahead: float, phase: float) -> None:
    machine = Machine(true=NOW + phase, ahead=ahead)
    for _ in range(20):
        machine.hears(there=0.01, back=0.02)
        assert machine.clock.difference_ms() == 0
        machine.true += 0.137


@pytest.mark.parametrize("phase", [0.01, 0.25, 0.5, 0.75, 0.98])
@pytest.mark.parametrize("ahead", [-3600.0, -3.0, 3.0, 3600.0])
def test_a_clock_that_is_off_by_three_seconds_is_found_by_the_first_reply(ahead: float, phase: float) -> None:
    machine = Machine(true=NOW + phase, ahead=ahead)
    machine.hears(there=0.002, back=0.002)
    found = machine.clock.difference_ms()
    assert found is not None
    assert 2000 < abs(found) <= abs(ahead) * 1000
    assert (found > 0) == (ahead > 0)


@pytest.mark.parametrize("ahead", [-2.1, 2.1])
def test_further_replies_tell_more_exactly(ahead: float) -> None:
    machine = Machine(ahead=ahead)
    machine.hears()
    assert machine.clock.difference_ms() == 0
    for _ in range(40):
        machine.true += 0.27
        machine.hears(there=0.001, back=0.001)
    assert machine.clock.difference_ms() not in (0, None)


@pytest.mark.parametrize("rate", [0.9995, 1.0005])
@pytest.mark.parametrize("ahead", [-1.99, 1.99])
def test_a_steady_clock_that_is_not_quite_right_makes_no_difference(ahead: float, rate: float) -> None:
    machine = Machine(ahead=ahead, rate=rate)
    for _ in range(40):
        machine.true += 0.27
        machine.hears(there=0.001, back=0.001)
    for pause in (20, 30, 9, 55):
        machine.true += pause
        assert machine.clock.difference_ms() == 0
        machine.hears()


def test_a_slow_reply_alone_makes_no_difference() -> None:
    machine = Machine()
    machine.hears(there=5.0, back=5.0)
    assert machine.clock.difference_ms() == 0
    machine.hears(back=3.0)
    assert machine.clock.difference_ms() == 0


@pytest.mark.parametrize("ahead", [-3.5, 3.5])
def test_a_step_of_the_machines_clock_is_seen_at_once_without_a_reply_and_so_is_its_end(ahead: float) -> None:
    machine = Machine()
    machine.hears()
    machine.ahead = ahead
    assert machine.clock.difference_ms() not in (0, None)
    machine.ahead = 0
    assert machine.clock.difference_ms() == 0


def test_after_a_minute_without_a_reply_nothing_is_known_any_more() -> None:
    machine = Machine(ahead=5)
    machine.hears()
    machine.true += KNOWN_SECONDS - 0.1
    assert machine.clock.difference_ms() not in (0, None)
    machine.true += 0.2
    assert machine.clock.difference_ms() is None


@pytest.mark.parametrize("step", [-7.0, 7.0])
def test_where_the_service_or_the_steady_clock_was_set_the_newest_reply_is_right(step: float) -> None:
    machine = Machine()
    machine.hears()
    machine.hears(service_ahead=step)
    assert machine.clock.difference_ms() not in (0, None)
    machine.hears()
    assert machine.clock.difference_ms() == 0


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_where_the_clock_is_wrong_the_time_is_about_the_services(ahead: float) -> None:
    machine = Machine(ahead=ahead)
    machine.hears(there=0.01, back=0.01)
    machine.true += 10
    assert abs(machine.clock.now_ms() - machine.true * 1000) < 600


def test_where_the_clock_is_right_enough_the_time_is_the_machines() -> None:
    machine = Machine(ahead=1.25)
    machine.hears()
    assert machine.clock.now_ms() == machine.clock.wall_ms() == int((machine.true + 1.25) * 1000)


@PROPERTY
@given(
    ahead=st.floats(-5, 5),
    steps=st.lists(st.tuples(st.floats(0, 70), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=20),
)
def test_what_is_said_is_true_whatever_replies_come(ahead: float, steps: list[tuple[float, float, float]]) -> None:
    machine = Machine(ahead=ahead)
    for pause, there, back in steps:
        machine.true += pause
        machine.hears(there=there, back=back)
        found = machine.clock.difference_ms()
        assert found is not None
        if found:
            assert (found > 0) == (ahead > 0)
            assert 2000 <= abs(found) <= abs(ahead) * 1000 + 1


@given(st.integers(0, 4_000_000_000))
@PROPERTY
def test_every_date_is_read_as_others_read_it(second: int) -> None:
    assert second_of(formatdate(second, usegmt=True).encode()) == second


@pytest.mark.parametrize(
    "text",
    [
        *("Fri, 27 Nov 2026 19:30:55 UTC", "Friday, 27-Nov-26 19:30:55 GMT", "Fri Nov 27 19:30:55 2026"),
        *("Fri, 27 Nov 2026 19:30:60 GMT", "Fri, 27 Nov 0000 19:30:00 GMT", "Fri, 27 nov 2026 19:30:55 GMT", "1"),
    ],
)
def test_a_date_of_another_form_is_not_guessed_at(text: str) -> None:
    assert second_of(text.encode()) is None


def test_a_date_is_that_of_utc() -> None:
    assert second_of(b"Fri, 27 Nov 2026 19:30:55 GMT") == datetime(2026, 11, 27, 19, 30, 55, tzinfo=UTC).timestamp()
