"""What abuse costs is what it consumes, by the prices; known inputs give known dollars."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from benchmarks import abuse
from benchmarks.abuse import Taken
from benchmarks.cost import PRICES
from local.machine import ROOT

GIB = Decimal(1024**3)
EACH = {
    "httpApiRequestsPerMillion": Decimal(1),
    "writeUnitsPerMillion": Decimal(2),
    "readUnitsPerMillion": Decimal(3),
    "lambdaRequestsPerMillion": Decimal(4),
    "lambdaGbSecond": Decimal("0.00001"),
    "logsPerGb": Decimal(5),
    "egressPerGb": Decimal(6),
}
ONE = Taken(
    name="a request",
    gateway=True,
    invocations=1,
    write_units=Decimal(10),
    read_units=Decimal(100),
    log_bytes=GIB / 1_000_000,
    sent_bytes=2 * GIB / 1_000_000,
    billed_ms=Decimal(100),
)


def test_every_part_of_a_request_is_in_the_dollars_of_a_million() -> None:
    dollars = ONE.dollars(EACH, Decimal(512))
    assert [round(part, 6) for part in dollars] == [1, 320, Decimal("4.5"), 5, 12, Decimal("342.5")]


def test_request_that_comes_by_invoke_pays_no_gateway() -> None:
    dollars = replace(ONE, gateway=False).dollars(EACH, Decimal(512))
    assert dollars[0] == 0
    assert round(dollars[-1], 6) == Decimal("341.5")


def test_dearest_route_is_told_by_the_hour_and_day_at_its_throttle_and_invokes_have_none() -> None:
    cheap = replace(ONE, name="cheap", write_units=Decimal(0))
    invoked = replace(ONE, name="invoked", gateway=False, write_units=Decimal(10**6))
    told = abuse.dearest([cheap, ONE, invoked], EACH, Decimal(512), 100)
    assert "a request, 123.30 dollars an hour, 2959 a day" in told


def test_what_has_a_bound_by_the_day_is_told_by_it_and_is_not_the_dearest() -> None:
    bounded = replace(ONE, name="a new key", write_units=Decimal(10**6), most_a_day=100)
    told = abuse.dearest([ONE, bounded], EACH, Decimal(512), 100)
    assert "requests a second: a request," in told
    assert "a new key, at most 100 a day of one subscription: 200.0322 dollars a day" in told


def test_line_of_the_access_log_is_the_templates_with_nothing_left_to_fill_in() -> None:
    line = abuse.line_of("GET /v1/models", "acct_demo")
    told = json.loads(line)
    assert (told["routeKey"], told["accountId"]) == ("GET /v1/models", "acct_demo")
    assert "$" not in line


def test_every_price_that_is_multiplied_is_listed() -> None:
    assert EACH.keys() == json.loads(PRICES.read_text("utf-8"))["dollars"].keys()


def test_page_has_the_table_in_the_form_that_the_tool_writes() -> None:
    section = (ROOT / "docs" / "cost.md").read_text("utf-8").partition("## What abuse costs\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    head, rule, _ = abuse.table([ONE], EACH, Decimal(512)).splitlines()
    assert rows[:2] == [head, rule]
    assert {row.count("|") for row in rows} == {head.count("|")}
    for name, *cells in ([cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]):
        *parts, together = map(Decimal, cells[5:])
        assert abs(sum(parts, Decimal(0)) - together) <= Decimal("0.03"), name
