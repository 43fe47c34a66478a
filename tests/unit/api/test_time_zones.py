"""The time zones that a purchase may name."""

from __future__ import annotations

from modelpass.api import subscription_bodies


def test_time_zones_are_iana_names_and_nothing_else() -> None:
    zones = subscription_bodies.time_zones()
    assert {"UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Asia/Calcutta"} <= zones
    assert not {"Factory", "utc", "europe/berlin", "UTC+1", "", "../UTC", "Europe", "posixrules"} & zones
