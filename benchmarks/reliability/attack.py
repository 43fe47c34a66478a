"""One account that uses every customer route at its limit, as DynamoDB's keys feel it. Rule: asked once, then replayed.

Each route is asked of its built function, some times in a row as one execution environment would be, and what its
requests took of which keys is kept. These are then replayed as often as API Gateway lets them through, against the same
meter that other customers' requests meet. A replayed request that is refused is tried again as the functions do.
"""

from __future__ import annotations

import heapq
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.reliability.meter import Charge
from tests.support.handlers import FUNCTION_OF_SAMPLE, http_sample

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from benchmarks.reliability.functions import Steered
    from benchmarks.reliability.meter import Meter
    from benchmarks.reliability.stage import Stage

Json = dict[str, Any]
Trace = list[list[Charge]]  # the requests of one call, each with what it takes

OPERATORS: Final = frozenset({"CatalogueFunction", "CorrectFunction", "PlanFunction"})
"""Their routes are for operators; an account that uses them is refused before the store is asked."""
ROUTES: Final = {
    "GET /v1/models": "get-models",
    "GET /v1/subscriptions": "get-subscriptions",
    "GET /v1/subscriptions/{subscriptionId}": "get-subscription",
    "GET /v1/subscriptions/{subscriptionId}/usage": "get-usage",
    "GET /v1/subscriptions/{subscriptionId}/history": "get-history",
    "GET /v1/subscriptions/{subscriptionId}/events": "get-events",
    "POST /v1/quotes": "quote",
    "POST /v1/subscriptions/{subscriptionId}/quotes": "quote-renewal",
    "POST /v1/subscriptions": "purchase",
    "POST /v1/subscriptions/{subscriptionId}/renew": "renew",
    "POST /v1/subscriptions/{subscriptionId}/key": "regenerate",
    "POST /v1/subscriptions/{subscriptionId}/cancel": "cancel",
}
"""Each customer route with the sample event that asks it, in the order in which they are asked; the last ends all."""
CALLS: Final = 10
"""How often each is asked to see what it takes: a second's worth of one of ten environments."""
ALIKE: Final = 2
"""So many in a row that took the same are enough."""
_STEP_SECONDS: Final = 0.1
_LATENCY_SECONDS: Final = 0.004
"""How long a store request is under way in the replay, as in a Region."""
_TRIES: Final = 6
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.4


def routes_of_customers(stage: Stage) -> list[str]:
    """The routes of the template that customers may use, without the one that takes what no other does."""
    template = stage.setting.template
    return [r.key for r in template.routes if r.authorized and r.function not in OPERATORS and r.key in ROUTES]


def unknown_routes(stage: Stage) -> list[str]:
    """Customer routes of the template that are not asked here; there should be none."""
    template = stage.setting.template
    mine = [r.key for r in template.routes if r.authorized and r.function not in OPERATORS]
    return sorted(set(mine) - set(ROUTES))


def traces(stage: Stage, bought: Json) -> dict[str, list[Trace]]:
    """What each route takes, call by call, of the account of a subscription, which is cancelled in the end."""
    account = bought["account"]
    order = json.dumps({"models": stage.ordered()})
    found: dict[str, list[Trace]] = {}
    started: dict[str, Steered] = {}
    for route in (r for r in ROUTES if r in routes_of_customers(stage)):
        name = ROUTES[route]
        event = http_sample(name, account, bought["subscriptionId"])
        if name in ("quote", "purchase"):
            event["body"] = order
        function = FUNCTION_OF_SAMPLE[name]
        if function not in started:
            started[function] = stage.steered(function)
        calls = []
        for _ in range(CALLS):
            stage.store.taken()
            took = started[function].ask(event)
            assert took.answer["statusCode"] < 500, (route, took.answer)
            calls.append(stage.store.taken())
            stage.clock.seconds += _STEP_SECONDS
            if calls[-ALIKE:] == [calls[-1]] * ALIKE and calls[-1]:
                break  # nothing of it is kept from one call to the next
        found[route] = calls
    for environment in started.values():
        environment.stop()
    return found


class Step(NamedTuple):
    """A store request of the attack that is due: which of a call's, for which time it is tried."""

    at: float
    order: int
    trace: Trace
    place: int
    tries: int


@dataclass(slots=True)
class Attack:
    """Calls of every route at the same rate, in the order of their time, until they end."""

    traces: dict[str, list[Trace]]
    per_second: float
    begins: float
    ends: float
    chance: random.Random
    asked: int = 0
    gave_up: int = 0
    _due: list[Step] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _arrivals: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for route in self.traces:
            heapq.heappush(self._arrivals, (self._after(self.begins), route))

    def next_at(self) -> float:
        """When it next asks something; infinity once it is over."""
        times = [heap[0][0] for heap in (self._arrivals, self._due) if heap]
        return min(times, default=float("inf"))

    def go_on(self, meter: Meter) -> None:
        """Do what is due next."""
        if self._arrivals and self._arrivals[0][0] <= self.next_at():
            self._arrive()
            return
        step = heapq.heappop(self._due)
        charges = step.trace[step.place]
        if meter.admits([charge.key for charge in charges], step.at):
            meter.charge(charges, step.at)
            self._push(step._replace(at=step.at + _LATENCY_SECONDS, place=step.place + 1, tries=0))
        elif step.tries + 1 < _TRIES:
            self._push(step._replace(at=step.at + self._pause(step.tries + 1), tries=step.tries + 1))
        else:
            self.gave_up += 1

    def _arrive(self) -> None:
        at, route = heapq.heappop(self._arrivals)
        calls = self.traces[route]
        self._push(Step(at, 0, calls[self.asked % len(calls)], 0, 0))
        self.asked += 1
        if (following := self._after(at)) < self.ends:
            heapq.heappush(self._arrivals, (following, route))

    def _push(self, step: Step) -> None:
        if step.place < len(step.trace):
            heapq.heappush(self._due, step._replace(order=next(self._order)))

    def _after(self, at: float) -> float:
        return at + self.chance.expovariate(self.per_second)

    def _pause(self, tries: int) -> float:
        ceiling = min(_FIRST_PAUSE_SECONDS * 2.0**tries, _LONGEST_PAUSE_SECONDS)
        return ceiling * (0.5 + self.chance.random() / 2)
