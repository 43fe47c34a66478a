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

from benchmarks import filled, page
from benchmarks.reliability.stage import body_of, measured, ready
from benchmarks.setting import now_ms, zone_where_it_is_morning
from modelpass.entitlements.windows import day_of
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
        today = day_of(now_ms(), zone_where_it_is_morning())
        filled.with_days(stage.setting.world, bought, stage.offered[:DAYS_MODELS], today, DAYS)
        filled.with_events(stage.setting.world, bought, EVENTS - 1, now_ms())
        stage.offer(MODELS)
        models, look = stage.probe("ModelsFunction"), stage.probe("SubscriptionsFunction")
        first = (today - timedelta(days=DAYS - 1)).isoformat()
        asked = [
            ("catalogue", models, "get-models", "models", {}),
            (f"history, {DAYS} days of {DAYS_MODELS} models", look, "get-history", "days", {"from": first}),
            ("events of a subscription", look, "get-events", "events", {"limit": "100"}),
        ]
        found = [
            _whole(name, probe, _fresh(http_sample(sample, bought["account"], bought["subscriptionId"])), member, query)
            for name, probe, sample, member, query in asked
        ]
    head = ["list", "entries", "pages", "dearest page, s", "a page within a second", "the whole, s"]
    table = page.table([*head, "entries within a second"], [each.cells for each in found])
    said = f"CPU seconds of the built functions, divided by {SHARE}; medians of {TIMES}."
    return {"listings": f"{measured()} {said}\n\n{table}"}


def _fresh(event: Json) -> Json:
    """The event with an operator's claim: an operator's models are read anew, and not answered from what is kept."""
    event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = "operator"
    return event


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
