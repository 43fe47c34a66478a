"""Records what a service has stored after months of use, for tests of the code that comes after it.

Rule: everything is made by the service's own commands, from entropy that is the same each time. What was recorded of
the last code that knew one schema version is kept in a file (`earlier`); the same months are lived through by the code
of now, to tell what it stores while it writes that version. `python -m tests.support.recording FILE` writes one.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.dynamodb import engine
from modelpass.catalogue.commands import offers
from modelpass.errors import Refused
from modelpass.subscriptions.commands import queries
from tests.support.faults import FaultAt
from tests.support.parts import continuing
from tests.support.scenes import offer_at
from tests.support.world import IMAGE_MODEL, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

Json = dict[str, Any]
NOW: Final = "2026-12-26T09:00:00Z"
_ABOUT: Final = (
    "Every item of a service, made by the commands of the last code that wrote schema version {version} alone. "
    "The keys are good for nothing but tests."
)
_BOTH: Final = [model(calls=10), model(IMAGE_MODEL, "basic", calls=4, cap=100)]


@dataclass(slots=True)
class Months:
    """A service as it lives; accounts are named as what they bought is, of which `known` has what callers hold."""

    world: World
    known: dict[str, Json] = field(default_factory=dict)

    def at(self, instant: str) -> None:
        self.world.clock.set(datetime.fromisoformat(instant))

    def buy(self, name: str, **body: Any) -> None:
        made = self.world.buy(name, f"purchase-{name}", **body)
        self.known[name] = {"subscriptionId": made["subscriptionId"], "apiKey": made["apiKey"], "authorizations": {}}

    def id_of(self, name: str) -> str:
        found: str = self.known[name]["subscriptionId"]
        return found

    def new_key(self, name: str, api_key: str) -> None:
        self.known[name] |= {"apiKey": api_key, "formerKey": self.known[name]["apiKey"]}

    def authorize(self, name: str, request_id: str, estimate: int, seconds: int = 900, **more: Any) -> None:
        granted = self.world.authorize(self.known[name]["apiKey"], request_id, estimate, holdSeconds=seconds, **more)
        self.known[name]["authorizations"][request_id] = granted["authorizationId"]

    def settle(self, name: str, request_id: str, used: int, **more: Any) -> None:
        authorizations = self.known[name]["authorizations"]
        answer = self.world.settle(authorizations[request_id], used, **more)
        assert answer["settled"], answer
        authorizations[request_id] = answer.get("authorizationId", authorizations[request_id])

    def use(self, name: str, request_id: str, used: int, **more: Any) -> None:
        self.authorize(name, request_id, used, **more)
        self.settle(name, request_id, used)

    def go_on(self, name: str, request_id: str, used: int, units: int, seconds: int) -> None:
        self.settle(name, request_id, used, calls=1, **continuing(self.known[name]["apiKey"], units, 1, seconds))

    def broken_off(self, at: int, command: Callable[[World], object]) -> None:
        """Carry out a command until its call of this number, after which the store is gone."""
        with suppress(Refused):
            command(self.world.with_send(FaultAt(self.world.deps.send, at, "lost")))


def until_now(world: World) -> Months:
    """Live through the months before `NOW`."""
    months = Months(world)
    for era in (_autumn, _november, _day_before, _christmas, _this_morning):
        era(months)
    months.at(NOW)
    return months


def recording(months: Months, version: int) -> Json:
    """All that is stored, as it is stored, with what callers know of it."""
    world = months.world
    usage = {name: queries.get_usage(world.deps, name, months.id_of(name)) for name in months.known}
    kinds = [kind for kind, name in world.tables._asdict().items() if isinstance(name, str)]
    stored = {kind: sorted(map(_plain, world.all_items(getattr(world.tables, kind))), key=_key) for kind in kinds}
    about = _ABOUT.format(version=version)
    return {"about": about, "now": NOW, "subscriptions": months.known, "usage": usage, "tables": stored}


def _autumn(months: Months) -> None:
    """A year that began on the last day of a month; the first of three terms, and a price that rises after it."""
    world = months.world
    months.at("2026-08-31T10:00:00Z")
    months.buy("yearly", months=12, timezone="America/New_York")
    months.use("yearly", "yearly-august", 400)
    months.at("2026-09-24T08:00:00Z")
    months.buy("thrice")
    months.use("thrice", "thrice-1", 120)
    months.at("2026-10-15T12:00:00Z")
    months.use("yearly", "yearly-october", 70, calls=3)
    months.at("2026-10-20T08:00:00Z")
    offers.put_model(world.deps, offer_at("45.00"), "operator")
    months.at("2026-10-25T08:00:00Z")
    key = world.renew(months.id_of("thrice"), "thrice", "thrice-2", expectedTotal="47.003")["apiKey"]
    months.new_key("thrice", key)
    months.use("thrice", "thrice-2", 220)
    months.at("2026-10-26T08:00:00Z")
    offers.put_model(world.deps, offer_at("12.00"), "operator")


def _november(months: Months) -> None:
    """Those that have ended by now; what is used, held and forgotten in a month that has closed since."""
    world = months.world
    months.at("2026-11-23T08:00:00Z")
    for name in ("told", "long", "corrected"):
        months.buy(name, months=1 if name == "told" else 2)
    for name, used in (("told", 9), ("long", 90), ("corrected", 60)):
        months.use(name, f"{name}-1", used)
    months.authorize("long", "long-forgotten", 30)
    months.at("2026-11-25T08:00:00Z")
    for name, used in (("renewed", 30), ("expired", 7)):
        months.buy(name)
        months.use(name, f"{name}-1", used)
    months.at("2026-12-01T08:00:00Z")
    key = world.renew(months.id_of("thrice"), "thrice", "thrice-3", expectedTotal="14.003")["apiKey"]
    months.new_key("thrice", key)
    months.authorize("thrice", "thrice-3", 50, 86_400)
    world.correct(months.id_of("corrected"), 5, "of-november", at="2026-11-23T12:00:00Z")


def _day_before(months: Months) -> None:
    """The reset comes late; plans begin and end, two subscriptions are bought one after the other."""
    world = months.world
    months.at("2026-12-24T20:00:00Z")
    world.reset()
    months.authorize("renewed", "renewed-open", 20, 86_400)
    months.authorize("expired", "expired-open", 15, 60)
    world.set_plan("gold", "planned", days=30, as_of_ms=world.clock.now_ms - 9)
    world.end_plan("silver", "planned", as_of_ms=world.clock.now_ms - 5)
    world.set_plan("gold", "plan-over", days=1)
    world.set_plan("gold", "plan-ended")
    world.end_plan("gold", "plan-ended")
    months.buy("twice")
    former = months.known["twice"]
    months.authorize("twice", "twice-former", 11, 86_400)
    former["authorizations"]["twice-former"] = months.known["twice"]["authorizations"]["twice-former"]
    world.cancel(months.id_of("twice"), "twice")
    made = world.buy("twice", "purchase-twice-2", models=_BOTH)
    months.known["twice"] = former | {
        "subscriptionId": made["subscriptionId"],
        "apiKey": made["apiKey"],
        "formerId": former["subscriptionId"],
        "formerKey": former["apiKey"],
    }
    world.take_down(IMAGE_MODEL, "enterprise")
    offers.withdraw_model(world.deps, "veo-3", "operator")


def _christmas(months: Months) -> None:
    """Most of what is active now, each in its own way; what a crash has left half done."""
    world = months.world
    months.at("2026-12-25T10:00:00Z")
    months.new_key("renewed", world.renew(months.id_of("renewed"), "renewed", "renewal-1")["apiKey"])
    months.authorize("renewed", "renewed-again", 25, 86_400)
    months.buy("busy", models=_BOTH, months=2, timezone="Europe/Berlin")
    for name in ("untouched", "cancelled", "rekeyed", "streaming"):
        months.buy(name)
    for name in ("keying", "stopping"):
        months.buy(name, models=_BOTH)
    months.buy("crossed", models=[model(calls=5, cap=100)])
    months.buy("overrun", models=[model(cap=100)])
    months.authorize("cancelled", "cancelled-open", 30, 86_400)
    world.cancel(months.id_of("cancelled"), "cancelled")
    for _ in range(2):
        months.new_key("rekeyed", world.regenerate(months.id_of("rekeyed"), "rekeyed")["apiKey"])
    months.broken_off(2, lambda broken: broken.regenerate(months.id_of("keying"), "keying"))
    months.broken_off(2, lambda broken: broken.cancel(months.id_of("stopping"), "stopping"))
    months.use("busy", "busy-1", 60)
    months.use("busy", "busy-image", 1, modelId=IMAGE_MODEL)
    months.authorize("busy", "busy-yesterday", 50, 86_400)
    months.authorize("busy", "busy-reclaimed", 40, 60)
    for name, seconds in (("streaming-reclaimed", 60), ("streaming-yesterday", 86_400)):
        months.authorize("streaming", name, 100, seconds, calls=2)
        months.go_on("streaming", name, 20, 80, seconds)


def _this_morning(months: Months) -> None:
    """Holds of today, figures of a router's own, thresholds told, undone and told again, a breach, an overrun."""
    world = months.world
    months.at("2026-12-26T08:50:00Z")
    months.authorize("busy", "busy-open", 880, 1800, calls=2)
    months.use("busy", "busy-2", 5)
    months.authorize("streaming", "streaming-2", 840)
    months.settle("streaming", "streaming-2", 31, servedTier="basic", usageSource="estimated")
    months.authorize("streaming", "streaming-open", 100, 86_400, calls=3)
    months.go_on("streaming", "streaming-open", 15, 90, 86_400)
    months.go_on("streaming", "streaming-open", 25, 60, 86_400)
    months.use("crossed", "crossed-1", 85, calls=4)
    world.correct(months.id_of("crossed"), -25, "of-crossed")
    months.authorize("crossed", "crossed-2", 25)
    months.settle("crossed", "crossed-2", 25, usageSource="counted")
    months.authorize("overrun", "overrun-1", 20)
    months.settle("overrun", "overrun-1", 400)
    months.use("thrice", "thrice-4", 33)
    world.correct(months.id_of("corrected"), 7, "of-december")


def _key(item: Json) -> tuple[str, str]:
    return item["pk"]["S"], item.get("sk", {"S": ""})["S"]


def _plain(value: Any) -> Any:
    """An attribute value, or an item of them, as JSON has it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: base64.b64encode(one).decode() if name == "B" else _plain(one) for name, one in sorted(value.items())}


def main() -> None:
    """Write a recording to the file that is named."""
    with engine.running() as url:
        world = new_world(url, random.Random(3).randbytes)
        made = recording(until_now(world), world.tables.version)
    Path(sys.argv[1]).write_text(written(made), "utf-8")


def written(made: Json) -> str:
    """A recording as a file has it: each item has a line of its own."""
    text = json.dumps({**made, "tables": {kind: [] for kind in made["tables"]}}, indent=1)
    for kind, items in made["tables"].items():
        lines = ",\n".join(f"   {json.dumps(item)}" for item in items)
        text = text.replace(f'"{kind}": []', f'"{kind}": [\n{lines}\n  ]')
    return text + "\n"


if __name__ == "__main__":
    main()
