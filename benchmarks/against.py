"""`make bench-against BEFORE=commit`: authorize and settle of this build beside those of an earlier one, in one run.

Rule: both builds are asked the same by turns, on the same engine, and only ratios are reported; no figure is asserted.
A change to the hot path is held to this. The earlier build has to take the same requests and read the same items.
"""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from benchmarks import callers, page, rounds, setting
from benchmarks.callers import PAIR
from benchmarks.sections.cold import Start, init_ms
from benchmarks.setting import AUTHORIZE, SETTLE
from local.machine import ROOT
from modelpass import schema
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.probing import Took
    from benchmarks.setting import Setting

NOW, BEFORE = "this build", "the build before"
HOT_ROUNDS: Final = 25
STARTS: Final = 25
OPEN: Final = 8


def main() -> int:
    """Measure both, and print the ratios; 1 when a build is missing."""
    try:
        artifacts = ROOT / os.environ.get("MODELPASS_BEFORE", "")
        if not (artifacts / "template.yaml").is_file():
            raise CommandError("Run `make bench-against BEFORE=commit`: it builds both.")  # noqa: TRY301
        with setting.ready() as prepared:
            before = setting.templates_of(artifacts, prepared.url, prepared.secrets)["lean"]
            # The items are of the version before: the build before may know no other.
            world = prepared.world.writing(schema.PREVIOUS)
            both = replace(prepared, world=world, templates={NOW: prepared.template, BEFORE: before})
            print(f"CPU of a request, by that of {BEFORE}:\n\n{_hot(both)}", flush=True)
            print(f"INIT in Lambda's runtime, by that of {BEFORE}:\n\n{_cold(both)}", flush=True)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _hot(both: Setting) -> str:
    clients = {name: callers.client(both, name) for name in both.clients}
    shares: dict[str, list[float]] = {}
    for number in range(rounds.count(HOT_ROUNDS) + 1):
        order = list(clients) if number % 2 else list(reversed(clients))
        took = {name: dict(clients[name].pairs(OPEN)) for name in order}
        if number:  # the first round only warms up
            for case in PAIR:
                shares.setdefault(case, []).append(_mean_ns(took[NOW][case]) / _mean_ns(took[BEFORE][case]))
    return page.table(["case", "median", "lower quartile", "upper quartile"], _rows(shares))


def _cold(both: Setting) -> str:
    starts = {
        (name, build): Start(both.function(name, build), {}) for name in (AUTHORIZE, SETTLE) for build in both.clients
    }
    for number in range(rounds.count(STARTS) + 1):
        for at in list(starts) if number % 2 else list(reversed(starts)):
            took_ms = init_ms(both, starts[at])
            if number:  # the first brings the files into memory
                starts[at].init_ms.append(took_ms)
    shares = {
        name: [
            now / before for now, before in zip(starts[name, NOW].init_ms, starts[name, BEFORE].init_ms, strict=True)
        ]
        for name in (AUTHORIZE, SETTLE)
    }
    return page.table(["function", "median", "lower quartile", "upper quartile"], _rows(shares))


def _rows(shares: dict[str, list[float]]) -> Iterator[list[float | str]]:
    for case, each in shares.items():
        low, middle, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
        yield [case, middle, low, high]


def _mean_ns(took: list[Took]) -> float:
    return statistics.fmean(each.cpu_ns for each in took)


if __name__ == "__main__":
    sys.exit(main())
