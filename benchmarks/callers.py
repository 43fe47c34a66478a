"""What a router asks of authorize and settle, with one store client. Rule: every answer is checked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.setting import AUTHORIZE, LONG, SETTLE
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.probing import Probe, Took
    from benchmarks.setting import Setting

Json = dict[str, Any]

GRANT, REPLAY, SETTLED, RESETTLED = "authorize, granted", "the same, repeated", "settle", "the same, settled again"
PAIR: Final = (GRANT, REPLAY, SETTLED, RESETTLED)
ESTIMATE, USED = 4000, 1234
_numbers = itertools.count()


def ask(api_key: str, request_id: str, estimate: int = ESTIMATE, **more: Any) -> Json:
    """What a router sends to authorize."""
    return {"apiKey": api_key, "modelId": TEXT_MODEL, "requestId": request_id, "estimatedUsage": estimate, **more}


def report(grant: Json) -> Json:
    """What a router sends to settle a grant."""
    return {"authorizationId": grant["authorizationId"], "actualUsage": USED}


def asks(about: list[Json], **more: Any) -> list[Json]:
    """A new request about each of these subscriptions, with a request id as long as a UUID."""
    ids = (f"0f8fad5b-d9cb-469f-a165-{number:012d}" for number in itertools.islice(_numbers, len(about)))
    return [
        ask(bought["apiKey"], request_id, holdSeconds=LONG, **more)
        for bought, request_id in zip(about, ids, strict=True)
    ]


def with_holds(setting: Setting, holds: int, count: int) -> list[Json]:
    """The subscriptions that `count` requests are about, so that the last of them is the open hold number `holds`.

    All are about the same one, or each about one of its own where `count` requests would open more than `holds`.
    """
    different, open_before = (1, holds - count) if holds >= count else (count, holds - 1)
    about = [setting.buy() for _ in range(different)]
    for bought in about:
        setting.use(bought)
        setting.hold_open(bought, open_before)
    return about * (count // different)


@dataclass(frozen=True, slots=True)
class Client:
    """A router's two functions with one store client, a process each, and the subscription they are asked about."""

    name: str
    authorize: Probe
    settle: Probe
    bought: Json

    def asks(self, count: int, **more: Any) -> list[Json]:
        """New requests about its subscription."""
        return asks([self.bought] * count, **more)

    def grant(self, asks: list[Json]) -> list[Took]:
        """Send these requests, and check that each is granted as a new one."""
        granted = self.authorize.run(asks)
        assert all(took.answer["allowed"] and "replayed" not in took.answer for took in granted), granted[0]
        return granted

    def report(self, granted: list[Took]) -> list[Took]:
        """Settle what was granted, and check that each was settled in time."""
        settled = self.settle.run([report(took.answer) for took in granted])
        assert all(took.answer["settled"] and not took.answer["late"] for took in settled), settled[0]
        return settled

    def pairs(self, count: int) -> Iterator[tuple[str, list[Took]]]:
        """Open `count` requests at once, repeat them, settle them, and repeat the settles; what each took, by case."""
        asks = self.asks(count)
        granted = self.grant(asks)
        yield GRANT, granted
        again = self.authorize.run(asks)
        assert all(took.answer["replayed"] for took in again), again[0]
        yield REPLAY, again
        yield SETTLED, self.report(granted)
        again = self.settle.run([report(took.answer) for took in granted])
        assert all(took.answer == {"settled": True, "replayed": True} for took in again), again[0]
        yield RESETTLED, again


def client(setting: Setting, name: str | None = None, bought: Json | None = None, *, heard: bool = False) -> Client:
    """The functions with a store client, warm, on a subscription in use; `heard` ones send through the listener."""
    if bought is None:
        bought = setting.buy()
        setting.use(bought)
    authorize, settle = (setting.probe(function, name, heard=heard) for function in (AUTHORIZE, SETTLE))
    made = Client(name or setting.clients[0], authorize, settle, bought)
    for _ in made.pairs(1):
        continue
    return made
