"""What is asked while something grows. Rule: each case puts in place what it needs, outside of the clock."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from benchmarks.callers import GRANT, SETTLED, Client, asks, with_holds
from benchmarks.probing import Took
from benchmarks.setting import AUTHORIZE, SETTLE, now_ms, zone_where_it_is_morning
from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.entitlements.windows import day_of
from modelpass.times import DAY_MS
from tests.support.builders import limits
from tests.support.crowd import sell
from tests.support.handlers import http_sample, sample
from tests.support.world import TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.probing import Probe
    from benchmarks.setting import Setting

Json = dict[str, Any]

PURCHASE, RENEW, USAGE, HISTORY, RESET = "purchase", "renew", "usage", "history", "reset"
HOLDS, MODELS, DAYS, SOLD, DUE = "open holds", "models", "days", "subscriptions", "entitlements due"
_HOLDS: Final = (1, 8, 20, 50, 100)
_MODELS: Final = (1, 10, 40)
_DAYS: Final = (1, 30, 365)
_SOLD: Final = (100, 1_000, 10_000, 100_000)
_DUE: Final = (1, 10, 50)
_PAIRS: Final = 4
"""So many are open at once, the last of them as many as the case says."""
_SUBSCRIPTIONS, _PURCHASE, _RENEW, _RESET = (
    f"{name}Function" for name in ("Subscriptions", "Purchase", "Renew", "Reset")
)
_numbers = itertools.count()

Runs = Iterator[tuple[str, list[Took]]]
"""What was asked, and what it took; what stands beside it is not in it."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is asked of the functions at one size of what grows."""

    grows: str
    size: int
    run: Callable[[Probes], Runs]


@dataclass(slots=True)
class Probes:
    """A process for each function, started when it is first asked; `heard` ones send through the listener."""

    setting: Setting
    heard: bool = False
    started: dict[str, Probe] = field(default_factory=dict)

    @property
    def client(self) -> str:
        """The store client of authorize and settle."""
        return self.setting.clients[0]

    def of(self, name: str) -> Probe:
        """The process of a function."""
        if name not in self.started:
            self.started[name] = self.setting.probe(name, self.client, heard=self.heard)
        return self.started[name]


def offer_models(setting: Setting) -> None:
    """Put as many models into the catalogue as a subscription can have."""
    price = Price("USD", "1.00", "0.000001", "0.01")
    for number in range(_MODELS[-1]):
        offered = CatalogueModel(_model(number), Kind.TEXT, {Tier.STABLE: price})
        setting.world.quick.put_item(TableName=setting.world.tables.catalogue, Item=model_item(offered))


def cases(setting: Setting) -> list[Case]:
    """All that is gone through by turns."""
    made = [Case(HOLDS, size, _pair(with_holds(setting, size, _PAIRS))) for size in _HOLDS]
    for size in _MODELS:
        bought = setting.buy(models=_models(size))
        setting.use(bought, modelId=_model(0))
        made += [
            Case(MODELS, size, _pair([bought] * _PAIRS, _model(0))),
            Case(MODELS, size, _purchase(size)),
            Case(MODELS, size, _renew(setting, size)),
            Case(MODELS, size, _look(USAGE, bought)),
        ]
    for size in _DAYS:
        bought = _with_days(setting, size)
        made += [
            Case(DAYS, size, run)
            for run in (_pair([bought] * _PAIRS), _look(USAGE, bought), _look(HISTORY, bought, size))
        ]
    return made


def due_cases(setting: Setting) -> list[Case]:
    """Resets that have something to do."""
    return [Case(DUE, size, _reset(setting, size)) for size in _DUE]


def among_many(setting: Setting, *, few: bool) -> Iterator[list[Case]]:
    """Cases among more and more subscriptions of one model, sold by the time they are asked for.

    Their events are left out: no function looks at those of another subscription, and they take the engine longest.
    """
    bought = setting.buy()
    setting.use(bought)
    sold = 0
    for size in _SOLD[:2] if few else _SOLD:
        sell(setting.world, range(sold, size), (limits("model-00", cap=100_000),), {setting.world.tables.events})
        sold = size
        runs = (_pair([bought] * _PAIRS), _purchase(1), _look(USAGE, bought), _reset(setting, 0))
        yield [Case(SOLD, size, run) for run in runs]


def do_what_is_due(probes: Probes) -> None:
    """Let the reset do what other cases have left for it."""
    while probes.of(_RESET).run([sample("reset")])[0].answer["more"]:
        continue


def _pair(about: list[Json], model_id: str = TEXT_MODEL) -> Callable[[Probes], Runs]:
    def run(probes: Probes) -> Runs:
        client = Client(probes.client, probes.of(AUTHORIZE), probes.of(SETTLE), about[0])
        granted = client.grant(asks(about, modelId=model_id))
        yield GRANT, granted
        yield SETTLED, client.report(granted)

    return run


def _purchase(size: int) -> Callable[[Probes], Runs]:
    body = json.dumps({"models": _models(size)})

    def run(probes: Probes) -> Runs:
        event = http_sample("purchase", f"buyer-{next(_numbers)}", body=body, headers={"idempotency-key": None})
        yield PURCHASE, _answered(probes.of(_PURCHASE), event, 201)

    return run


def _renew(setting: Setting, size: int) -> Callable[[Probes], Runs]:
    def run(probes: Probes) -> Runs:
        bought = setting.buy(models=_models(size), days_ago=40)
        event = http_sample("renew", bought["account"], bought["subscriptionId"], headers={"idempotency-key": None})
        yield RENEW, _answered(probes.of(_RENEW), event, 200)

    return run


def _look(command: str, bought: Json, days: int = 0) -> Callable[[Probes], Runs]:
    event = http_sample(f"get-{command}", bought["account"], bought["subscriptionId"])
    if days:
        first = (day_of(now_ms(), zone_where_it_is_morning()) - timedelta(days=days - 1)).isoformat()
        event |= {"rawQueryString": f"from={first}", "queryStringParameters": {"from": first}}

    def run(probes: Probes) -> Runs:
        yield command, _answered(probes.of(_SUBSCRIPTIONS), event, 200)

    return run


def _reset(setting: Setting, due: int) -> Callable[[Probes], Runs]:
    def run(probes: Probes) -> Runs:
        for _ in range(due):
            _use_days_ago(setting, setting.buy(days_ago=2), 2)
        took = probes.of(_RESET).run([sample("reset")])
        assert (took[0].answer["windowsRolled"], took[0].answer["more"]) == (due, False), took
        yield RESET, took

    return run


def _answered(probe: Probe, event: Json, status: int) -> list[Took]:
    took = probe.run([event])
    assert took[0].answer["statusCode"] == status, took[0].answer
    return took


def _with_days(setting: Setting, size: int) -> Json:
    """Used on each of so many days, the last of which is today."""
    bought = setting.buy(months=12, days_ago=size - 1)
    for day in range(size - 1, -1, -1):
        _use_days_ago(setting, bought, day)
    return bought


def _use_days_ago(setting: Setting, bought: Json, days: int) -> None:
    setting.world.clock.now_ms = now_ms() - days * DAY_MS
    setting.use(bought)
    setting.world.clock.now_ms = now_ms()


def _models(size: int) -> list[Json]:
    return [model(_model(number), calls=10**6, cap=10**9) for number in range(size)]


def _model(number: int) -> str:
    return f"m-{number:02d}"
