"""The calendar where a mutant found no test: the hour that clocks give a day twice."""

from __future__ import annotations

import pytest

from modelpass.entitlements.windows import segment_at, term_of
from tests.support.builders import ms


@pytest.mark.parametrize(
    ("zone", "at", "day", "start", "end"),
    [
        # one minute into Sunday clocks went back to 23:01 on Saturday, and told Saturday for another hour
        ("America/St_Johns", "2010-11-07T02:30:59.999Z", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        ("America/St_Johns", "2010-11-07T02:31:00Z", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        ("America/St_Johns", "2010-11-07T03:29:59.999Z", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
    ],
)
def test_day_that_has_begun_goes_on_while_clocks_tell_the_day_before(
    zone: str, at: str, day: str, start: str, end: str
) -> None:
    segment = segment_at(term_of(ms("2010-10-20T12:00:00Z"), 1, zone), ms(at))
    assert (segment.day, segment.day_start_ms, segment.day_end_ms) == (day, ms(start), ms(end))
