"""Ids of events about thresholds: one for each crossing, whenever it is written."""

from __future__ import annotations

from modelpass import outbox
from modelpass.entitlements import events
from modelpass.entitlements.change import Announcement
from modelpass.entitlements.model import Threshold
from tests.support.builders import NOON, SUBSCRIPTION_ID, TABLES, entitlement

DAY_ENDS, LATER = NOON + 43_200_000, NOON + 86_400_000


def id_of(threshold: Threshold, lapses: int = 0, at_ms: int = NOON, stored_ms: int = NOON) -> str:
    announcement = Announcement(threshold, DAY_ENDS, at_ms, 40)
    request = events.threshold_reached(TABLES, entitlement(at_ms=stored_ms, lapses=lapses), announcement)
    return str(request["Item"]["id"]["S"])


def test_first_crossing_of_a_window_has_the_id_that_earlier_code_gives_it() -> None:
    kind, pk = outbox.EventType.THRESHOLD_REACHED, f"{SUBSCRIPTION_ID}#1#m-1"
    assert id_of(Threshold.DAILY_80) == outbox.event_id(kind, SUBSCRIPTION_ID, pk, "daily", "2026-12-01", "80")
    assert id_of(Threshold.MONTHLY_100) == outbox.event_id(kind, SUBSCRIPTION_ID, pk, "monthly", "0", "100")


def test_crossings_have_different_ids_and_one_crossing_has_one_whenever_it_is_told() -> None:
    ids = {id_of(t, lapses) for t in Threshold for lapses in (0, 1, 2)}
    assert len(ids) == len(Threshold) * 3
    assert id_of(Threshold.DAILY_80, stored_ms=LATER) not in ids
    assert id_of(Threshold.DAILY_80, 1, at_ms=NOON + 1) == id_of(Threshold.DAILY_80, 1)
