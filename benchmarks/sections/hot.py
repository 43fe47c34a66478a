"""Warm authorize and settle, whole handlers, against one bare boto3 `update_item` of the same kind of item.

Rule: what is counted is asserted, what is timed is reported. Each store client has processes and an item of its own; in
a round the yardstick comes first, then each client in turn, with new requests, then with refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks import callers, page, rounds
from benchmarks.callers import GRANT, PAIR, SETTLED, Client
from benchmarks.rounds import Ratios
from benchmarks.sections import profile, refusals
from benchmarks.sections.refusals import AGAIN_AND_AGAIN
from benchmarks.targets import Targets
from benchmarks.yardstick import Yardstick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.asked import Each
    from benchmarks.probing import Took
    from benchmarks.sections.refusals import Refusal
    from benchmarks.setting import Setting

Json = dict[str, Any]

ROUNDS: Final = 7
OPEN: Final = 8
"""So many grants are open at once: they fit into one write unit."""
MANY: Final = 92
BARE, GRANTING = "bare boto3 `update_item`", "authorize's request by bare boto3"
SEAM = "bare update by the function's own store client"
AMONG_MANY: Final = f" among {MANY} open holds"
TARGET: Final = 0.27


def measure(setting: Setting) -> dict[str, str]:
    """The blocks of this section."""
    runs = rounds.count(ROUNDS)
    refused = refusals.prepare(setting, runs + 1)
    crowded = _crowded(setting)
    counts = _counts(setting, refused, crowded)
    yardstick = Yardstick(setting)
    clients = [callers.client(setting, name) for name in setting.clients]
    beside = [callers.client(setting, name, _crowded(setting)) for name in setting.clients]
    for number in range(runs + 1):
        if number <= 1:  # the first round only warms up
            ratios = {client.name: Ratios() for client in clients}
            profiles = {client.name: profile.Profile() for client in clients}
        bare_ns, granting_ns = yardstick.bare_ns(), yardstick.granting_ns()
        for one, among in zip(clients, beside, strict=True):
            ratio = ratios[one.name]
            ratio.yardstick(bare_ns)
            ratio.add_ns(BARE, bare_ns)
            ratio.add_ns(GRANTING, granting_ns)
            sent = one.authorize.ask("send", requests=[yardstick.request] * OPEN)
            ratio.add_ns(SEAM, (done["ns"] for done in sent))
            for case, took in _cases(one, among, refused, number):
                ratio.add(case, took)
            profiles[one.name].look(one, OPEN, sum(bare_ns) / len(bare_ns))
    return {
        "hot": _head(setting, next(iter(ratios.values())), runs) + _table(ratios, counts),
        "hot-targets": _targets(ratios, counts, refused),
        "hot-profile": profile.table(profiles),
    }


def _crowded(setting: Setting) -> Json:
    bought = setting.buy()
    setting.use(bought)
    setting.hold_open(bought, MANY)
    return bought


def _cases(one: Client, among: Client, refused: list[Refusal], number: int) -> Iterator[tuple[str, list[Took]]]:
    yield from one.pairs(OPEN)
    for case, took in among.pairs(OPEN // 2):
        yield case + AMONG_MANY, took
    for refusal in refused:
        yield from refusal.run(one, number)


def _counts(setting: Setting, refused: list[Refusal], crowded: Json) -> dict[str, Each]:
    """What each case asks of the store: the same with every client."""
    found: list[dict[str, Each]] = []
    for name in setting.clients:
        one = callers.client(setting, name, heard=True)
        among = callers.client(setting, name, crowded, heard=True)
        setting.listener.taken()
        cases = _cases(one, among, refused, 0)
        found.append({case: setting.listener.taken().each(len(took)) for case, took in cases})
    counts = found[0]
    assert all(other == counts for other in found), "the store clients ask for different things"
    assert all(counts[case] == (1, 1, 0) for case in PAIR), counts
    assert all(each.requests <= 2 for each in counts.values()), counts
    return counts


def _head(setting: Setting, ratio: Ratios, runs: int) -> str:
    return (
        f"{setting.versions}; medians of {runs} rounds. One bare `update_item`: {ratio.yardstick_us():.0f} µs of CPU"
        " on this machine, here 1.\n\n"
    )


def _table(ratios: dict[str, Ratios], counts: dict[str, Each]) -> str:
    head = ["case", *(f"CPU, {name}" for name in ratios), "requests", "write units", "read units"]
    first = next(iter(ratios.values()))
    shown = {case: counts[case].cells if case in counts else ["1", "1", "0"] for case in first.of}
    return page.table(head, ([case, *(r.median(case) for r in ratios.values()), *shown[case]] for case in first.of))


def _targets(ratios: dict[str, Ratios], counts: dict[str, Each], refused: list[Refusal]) -> str:
    """Each target beside what was found, with the store client that a deployment has by default.

    A refusal is held against a grant on an item of its size.
    """
    name, ratio = next(iter(ratios.items()))
    targets = Targets()
    for case in (GRANT, SETTLED):
        targets.at_most(f"{case}: CPU of a bare boto3 `update_item` ({name})", ratio.median(case), TARGET)
    single = all(counts[case] == (1, 1, 0) for case in PAIR)
    targets.true(f"both, and their repeats: 1 store request, 1 write unit with up to {OPEN} open holds", met=single)
    first: dict[str, float] = {}
    again: dict[str, float] = {}
    for refusal in (r for r in refused if not r.of_settle):
        grant = ratio.median(GRANT + AMONG_MANY if refusal.crowded else GRANT)
        first[refusal.name] = ratio.median(refusal.name) / grant
        again[refusal.name] = ratio.median(refusal.name + AGAIN_AND_AGAIN) / grant
    for what, shares, most in (
        ("a refusal: CPU by a grant's", first, 1.0),
        ("a flood of the same refusal: CPU by a grant's", again, 0.99),
        ("a refusal: store requests", {case: counts[case].requests for case in first}, 1.0),
    ):
        dearest = max(shares, key=lambda case: shares[case])
        targets.at_most(f"{what}, at the most ({dearest})", shares[dearest], most)
    final = [counts[r.name + AGAIN_AND_AGAIN].write_units for r in refused if r.final]
    targets.at_most("a refusal that cannot reverse, again: write units", max(final), 0.0)
    return targets.table()
