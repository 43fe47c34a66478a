"""A process says when it stops asking a part of the store, and when it asks it again: whose, why, and how often."""

from __future__ import annotations

import pytest

from modelpass.dynamodb.circuit_breaker import Change, Place
from modelpass.dynamodb.transport import Cause
from modelpass.runtime import telemetry
from tests.support.lines import Json, recorded

TABLE, PARTITION = Place("EntitlementsTable", None), Place("EntitlementsTable", "sub_a#1#a-model")


def told(place: Place, cause: Cause | None, level: str = "INFO") -> list[Json]:
    """The lines of a change within a request, but that of the request itself."""
    with recorded(level) as output, telemetry.Line("authorize", "invocation", subscriptionId="sub_a"):
        telemetry.store_breaker(Change(place, cause))
    return [line for line in output.lines() if "decision" not in line]


@pytest.mark.parametrize(("place", "scope", "level"), [(TABLE, "table", "ERROR"), (PARTITION, "partition", "INFO")])
@pytest.mark.parametrize("cause", [Cause.THROTTLED, Cause.FAILED, Cause.SILENT])
def test_opening_is_told_with_what_it_is_about_and_counted(place: Place, scope: str, level: str, cause: Cause) -> None:
    (line,) = told(place, cause)
    assert (line["level"], line["message"], line["cause"]) == (level, "store_breaker_opened", cause.value)
    assert (line["table"], line["scope"], line["subscriptionId"]) == ("EntitlementsTable", scope, "sub_a")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["scope"]]
    assert directive["Metrics"] == [{"Name": "StoreBreakerOpened", "Unit": "Count"}]
    assert line["StoreBreakerOpened"] == 1


@pytest.mark.parametrize("place", [TABLE, PARTITION])
def test_closing_is_told_and_counts_nothing(place: Place) -> None:
    (line,) = told(place, None)
    assert (line["level"], line["message"], line["table"]) == ("INFO", "store_breaker_closed", "EntitlementsTable")
    assert {"cause", "StoreBreakerOpened", "_aws"}.isdisjoint(line)


def test_partition_itself_is_never_named() -> None:
    assert str(PARTITION.partition) not in str(told(PARTITION, Cause.THROTTLED) + told(PARTITION, None))


@pytest.mark.parametrize("level", ["WARNING", "ERROR"])
def test_who_wants_fewer_lines_hears_of_whole_tables_and_counts_all_the_same(level: str) -> None:
    (line,) = told(TABLE, Cause.SILENT, level)
    assert line["message"] == "store_breaker_opened"
    (line,) = told(PARTITION, Cause.SILENT, level)
    assert set(line) == {"table", "scope", "cause", "_aws", "StoreBreakerOpened"}
    assert told(TABLE, None, level) == told(PARTITION, None, level) == []


def test_change_outside_of_a_request_is_told_as_well() -> None:
    with recorded() as output:
        telemetry.store_breaker(Change(TABLE, Cause.FAILED))
    (line,) = output.lines()
    assert line["message"] == "store_breaker_opened"
