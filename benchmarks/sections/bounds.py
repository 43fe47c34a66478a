"""What the hot writes cost when as many holds are open as a bound allows. Rule: the bound is the function's own.

For each bound there is an entitlement on which all but a few of its holds are open, and an authorize with that bound:
the last few are granted, the next is refused, and the few are settled.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from benchmarks import blocks, page, rounds
from benchmarks.callers import Client, asks, with_holds
from benchmarks.rounds import Ratios
from benchmarks.setting import AUTHORIZE, SETTLE
from benchmarks.yardstick import Yardstick
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from tests.support.capacity import item_bytes
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from benchmarks.asked import Each
    from benchmarks.probing import Probe
    from benchmarks.setting import Setting

Json = dict[str, Any]

ROUNDS: Final = 5
BOUNDS: Final = (1, 8, 22, 50, 100, 200, 500, 1_000)
_FEW: Final = 4


@dataclass(slots=True)
class Bound:
    """One bound, its entitlement, and what was counted at it."""

    holds: int
    about: list[Json]
    item_bytes: int
    granted: Each
    refused: Each
    settled: Each


def look(setting: Setting) -> tuple[str, dict[int, int]]:
    """The table, and the write units of a grant at each bound."""
    runs = rounds.count(ROUNDS)
    yardstick = Yardstick(setting)
    name = setting.clients[0]
    with ExitStack() as cleanup:
        settles = [cleanup.enter_context(setting.started(SETTLE, name, heard=heard)) for heard in (False, True)]
        found = [_counted(setting, holds, settles[True]) for holds in BOUNDS]
        clients = {
            bound.holds: Client(
                name, cleanup.enter_context(_authorize(setting, bound.holds)), settles[False], bound.about[-1]
            )
            for bound in found
        }
        for number in range(runs + 1):
            if number <= 1:  # the first round only warms up
                ratios = Ratios()
            ratios.yardstick(yardstick.bare_ns())
            for bound in found:
                client = clients[bound.holds]
                granted = client.grant(asks(bound.about))
                ratios.add(f"authorize {bound.holds}", granted)
                ratios.add(f"settle {bound.holds}", client.report(granted))
    rows = [_row(bound, ratios) for bound in found]
    head = ["open holds", "bytes of the item", "write units of a grant", "of a settle", "of a refusal at the bound"]
    head += ["CPU, authorize", "CPU, settle", "blocks a second on AWS"]
    intro = f"{setting.versions}, {name}; medians of {runs} rounds.\n\n"
    return intro + page.table(head, rows), {bound.holds: ceil(bound.granted.write_units) for bound in found}


def _authorize(setting: Setting, holds: int, *, heard: bool = False) -> Probe:
    return setting.started(AUTHORIZE, setting.clients[0], heard=heard, MAX_OPEN_HOLDS=str(holds))


def _counted(setting: Setting, holds: int, settle: Probe) -> Bound:
    about = with_holds(setting, holds, _FEW)
    with _authorize(setting, holds, heard=True) as authorize:
        client = Client(setting.clients[0], authorize, settle, about[-1])
        client.report(client.grant(client.asks(1)))
        granted = client.grant(asks(about[:-1]))
        setting.listener.taken()
        last = client.grant(client.asks(1))
        of_grant = setting.listener.taken()
        stored = _stored(setting, about[-1])
        assert len(stored["h"]["M"]) == holds
        (refused,) = authorize.run(client.asks(1))
        assert refused.answer["error"]["code"] == "too_many_open_holds", refused
        of_refusal = setting.listener.taken()
        client.report(last)
        of_settle = setting.listener.taken()
        client.report(granted)
    return Bound(holds, about, item_bytes(stored), of_grant.each(1), of_refusal.each(1), of_settle.each(1))


def _stored(setting: Setting, bought: Json) -> Json:
    key = entitlement_items.entitlement_key(EntitlementId(bought["subscriptionId"], 1, TEXT_MODEL))
    found: Json = setting.world.quick.get_item(
        TableName=setting.world.tables.entitlements, Key=key, ConsistentRead=True
    )
    item: Json = found["Item"]
    return item


def _row(bound: Bound, ratios: Ratios) -> list[str | float]:
    units = [f"{each.write_units:.3g}" for each in (bound.granted, bound.settled, bound.refused)]
    cpu = [ratios.median(f"{name} {bound.holds}") for name in ("authorize", "settle")]
    rate = blocks.blocks_per_second(ceil(bound.granted.write_units))
    return [f"{bound.holds:,}", f"{bound.item_bytes:,}", *units, *cpu, f"{rate:.0f}"]
