"""The largest lists, by their processor time at Lambda's share of a core. Rule: pages are followed to the end.

A function of 512 MiB has 0.29 of a core: CPU seconds divided by that are how long it works at the least. What it waits
for DynamoDB comes to that, and is not in these figures. The first call of a process is not measured.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from benchmarks import page
from benchmarks.reliability.stage import Stage, body_of, measured, ready
from benchmarks.setting import now_ms, zone_where_it_is_morning
from modelpass import outbox, schema
from modelpass.entitlements.history import day_key
from modelpass.entitlements.model import EntitlementId
from modelpass.entitlements.windows import day_of
from modelpass.outbox import EventType, Moment, Subject
from tests.support.handlers import http_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.probing import Probe

Json = dict[str, Any]

SHARE: Final = 0.29
"""Of a core, at 512 MiB: Lambda gives a whole one at 1,769 MB."""
MODELS, DAYS, DAYS_MODELS, EVENTS = 5_000, 366, 40, 10_000
TIMES: Final = 3
NS: Final = 1_000_000_000
_BATCH: Final = 25


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its pages' seconds, and how many entries it has."""

    name: str
    entries: int
    pages: list[float]

    @property
    def cells(self) -> list[page.Cell]:
        """Its row; what fits into a second is by its dearest page, the only one where there are no pages."""
        whole, dearest = sum(self.pages), max(self.pages)
        fits = self.entries if whole <= 1 else int(self.entries / whole)
        each = "yes" if dearest <= 1 else "**no**"
        return [self.name, self.entries, len(self.pages), f"{dearest:.2f}", each, f"{whole:.2f}", f"{fits:,}"]


def measure() -> dict[str, str]:
    """The table of this section."""
    with ready() as stage:
        stage.offer(DAYS_MODELS)
        bought = stage.setting.buy(models=stage.ordered(), months=12, days_ago=DAYS - 1)
        _used_each_day(stage, bought)
        _told(stage, bought)
        stage.offer(MODELS)
        models, look = stage.probe("ModelsFunction"), stage.probe("SubscriptionsFunction")
        first = (day_of(now_ms(), zone_where_it_is_morning()) - timedelta(days=DAYS - 1)).isoformat()
        asked = [
            ("catalogue", models, "get-models", "models", {}),
            (f"history, {DAYS} days of {DAYS_MODELS} models", look, "get-history", "days", {"from": first}),
            ("events of a subscription", look, "get-events", "events", {"limit": "100"}),
        ]
        found = [
            _whole(name, probe, http_sample(sample, bought["account"], bought["subscriptionId"]), member, query)
            for name, probe, sample, member, query in asked
        ]
    head = ["list", "entries", "pages", "dearest page, s", "a page within a second", "the whole, s"]
    table = page.table([*head, "entries within a second"], [each.cells for each in found])
    said = f"CPU seconds of the built functions, divided by {SHARE}; medians of {TIMES}."
    return {"listings": f"{measured()} {said}\n\n{table}"}


def _whole(name: str, probe: Probe, event: Json, member: str, query: dict[str, str]) -> Listing:
    runs = [list(_pages(probe, event, member, query)) for _ in range(TIMES + 1)][1:]
    entries = sum(count for count, _ in runs[0])
    return Listing(
        name, entries, [statistics.median(of) for of in zip(*([s for _, s in run] for run in runs), strict=True)]
    )


def _pages(probe: Probe, event: Json, member: str, query: dict[str, str]) -> Iterator[tuple[int, float]]:
    """The entries and the seconds of each page, to the last."""
    while True:
        asked = {**event, "rawQueryString": urlencode(query), "queryStringParameters": query}
        (took,) = probe.run([asked])
        body = body_of(took)
        yield len(body[member]), took.cpu_ns / NS / SHARE
        if body.get("next") is None:
            return
        query = {**query, "cursor": body["next"]}


def _used_each_day(stage: Stage, bought: Json) -> None:
    """Closed days of every model, as the reset would have left them."""
    today = day_of(now_ms(), zone_where_it_is_morning())
    version = schema.number(stage.setting.world.tables.version)
    _put(
        stage,
        stage.setting.world.tables.history,
        (
            {
                **schema.primary_key(day_key(EntitlementId(bought["subscriptionId"], 1, name), day)),
                "v": version,
                "calls": schema.number(1_234),
                "units": schema.number(1_234_567),
            }
            for day in ((today - timedelta(days=ago)).isoformat() for ago in range(1, DAYS))
            for name in stage.offered[:DAYS_MODELS]
        ),
    )


def _told(stage: Stage, bought: Json) -> None:
    """Events of one subscription beside that of its purchase."""
    tables, subject = stage.setting.world.tables, Subject(bought["subscriptionId"], bought["account"])
    began = now_ms() - EVENTS * 1_000
    rows = (
        outbox.put(
            tables, EventType.KEY_REGENERATED, subject, Moment(began + number * 1_000, 1, number), {}, (str(number),)
        )
        for number in range(EVENTS - 1)
    )
    _put(stage, tables.events, (row["Item"] for row in rows))


def _put(stage: Stage, table: str, items: Iterator[Json]) -> None:
    batch: list[Json] = []
    for item in items:
        batch.append({"PutRequest": {"Item": item}})
        if len(batch) == _BATCH:
            stage.setting.world.quick.batch_write_item(RequestItems={table: batch})
            batch = []
    if batch:
        stage.setting.world.quick.batch_write_item(RequestItems={table: batch})
