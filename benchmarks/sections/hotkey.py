"""One entitlement that everybody asks for: blocks of calls, and what the bound on open holds costs.

Rule: it asserts that the calls that were granted are the calls that were counted. Callers are threads with processes of
their own for both functions, outside of Lambda's emulator, which would be slower than the item.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from benchmarks import blocks, callers, page, rounds
from benchmarks.callers import ESTIMATE, Client
from benchmarks.sections import bounds
from modelpass.runtime.deps import DEFAULT_MAX_OPEN_HOLDS
from tests.support.world import model

if TYPE_CHECKING:
    from benchmarks.setting import Setting

Json = dict[str, Any]

ROUNDS: Final = 5
THREADS: Final = 4
SECONDS: Final = 0.6
BLOCKS: Final = (1, 2, 5, 10, 20, 50)


def measure(setting: Setting) -> dict[str, str]:
    """The blocks of this section."""
    table, write_units = bounds.look(setting)
    return {"hotkey": _by_block(setting), "holds": table, "blocks": _examples(write_units)}


def _by_block(setting: Setting) -> str:
    bought = setting.buy(models=[model(calls=10**9, cap=10**15)])
    setting.use(bought)
    threads = [callers.client(setting, bought=bought) for _ in range(THREADS)]
    before = _calls(setting, bought)
    taken = dict.fromkeys(BLOCKS, 0)
    runs = rounds.count(ROUNDS)
    for _ in range(runs):
        for block in BLOCKS:
            taken[block] += _drive(threads, block)
    granted = sum(block * count for block, count in taken.items())
    counted = _calls(setting, bought) - before
    assert counted == granted, f"{granted} calls were granted, {counted} are counted"
    single = taken[1]
    rows: list[list[page.Cell]] = [
        [
            str(block),
            f"{count / (runs * SECONDS):.0f}",
            f"{block * count / (runs * SECONDS):,.0f}",
            block * count / single,
            f"{2 / block:.2f}",
            f"{blocks.calls_per_second(block, 1):,.0f}",
        ]
        for block, count in taken.items()
    ]
    intro = (
        f"{THREADS} callers, {setting.clients[0]}, {os.cpu_count()} cores; {runs} times {SECONDS:g} s of each, by"
        f" turns; {granted:,} calls, all counted.\n\n"
    )
    head = ["calls in a block", "blocks a second", "calls a second", "by single calls", "write units a call"]
    return intro + page.table([*head, "most on AWS, calls a second"], rows)


def _calls(setting: Setting, bought: Json) -> int:
    return setting.world.entitlement(bought["subscriptionId"]).counters.day_calls


def _drive(threads: list[Client], block: int) -> int:
    """Let all of them ask for the same entitlement for a while: how many blocks they had."""
    ends = time.monotonic() + SECONDS
    gate = threading.Barrier(len(threads))

    def call(client: Client) -> int:
        count = 0
        gate.wait()
        while time.monotonic() < ends:
            client.report(client.grant(client.asks(1, calls=block, estimatedUsage=block * ESTIMATE)))
            count += 1
        return count

    with ThreadPoolExecutor(len(threads)) as pool:
        return sum(pool.map(call, threads))


def _examples(units: dict[int, int]) -> str:
    """What the formulas say of a few loads, at the bound that a deployment has by default."""
    rows = []
    for load in blocks.EXAMPLES:
        block = load.least_block(DEFAULT_MAX_OPEN_HOLDS, units[DEFAULT_MAX_OPEN_HOLDS])
        asked = f"{load.calls_per_second:,} a second, {load.routers} routers, {load.call_seconds} s a call"
        rows.append(
            [
                asked,
                f"{load.open_holds(1):,.0f}",
                str(block),
                f"{load.open_holds(block):.0f}",
                f"{load.hold_seconds(block)}",
                f"{load.stranded_units(block):,}",
            ]
        )
    head = ["calls on one key", "holds with single calls", "least block", "holds then", "least `holdSeconds`"]
    return page.table([*head, "units a dead router strands"], rows)
