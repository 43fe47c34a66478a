"""Settles through the queue: what was sent is booked or parked. Rule: what is stored decides, not what was answered.

Each report that can be booked has an entitlement of its own, so that the units used there tell whether it was booked,
not at all or twice. Batches go to the built function; some meet a store that fails, replies that get lost, or the end
of their process at any store request.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import page
from benchmarks.callers import ask
from benchmarks.probing import ProbeError
from benchmarks.reliability import store as stores
from benchmarks.reliability.queue import Fate, Message, Queue, fates
from benchmarks.reliability.stage import Stage, body_of, measured, ready
from benchmarks.reliability.store import Reply, no_answer
from benchmarks.setting import AUTHORIZE, SETTLE
from local import settings
from local.cloudformation import template
from tests.support.handlers import http_sample, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.reliability.functions import Steered

Json = dict[str, Any]

EACH: Final = 4
"""So many messages of each kind."""
_BETWEEN_BATCHES_SECONDS: Final = 5
"""A message that comes back has waited for much longer in SQS: a breaker has had its rest by then."""
BATCH: Final = 10
USED: Final = 7
FAULTS: Final = ("none", "the store fails", "a reply is lost", "killed before a write", "killed after a write")
ENDED: Final = "processes that were killed in a batch"
FORGED: Final = "auth_" + "A" * 120
BAD: Final[dict[str, Callable[[str], str]]] = {
    "not JSON": lambda id_: f'{{"authorizationId": "{id_}"',
    "no object": lambda id_: json.dumps([id_, USED]),
    "empty": lambda _: "",
    "without an id": lambda _: json.dumps({"actualUsage": USED}),
    "forged id": lambda _: json.dumps({"authorizationId": FORGED, "actualUsage": USED}),
    "cut id": lambda id_: json.dumps({"authorizationId": id_[:-3], "actualUsage": USED}),
    "without usage": lambda id_: json.dumps({"authorizationId": id_}),
    "usage below zero": lambda id_: json.dumps({"authorizationId": id_, "actualUsage": -1}),
    "usage in words": lambda id_: json.dumps({"authorizationId": id_, "actualUsage": "seven"}),
    "usage beyond all": lambda id_: json.dumps({"authorizationId": id_, "actualUsage": 10**18}),
}
"""Reports that cannot be booked, made of an authentic id."""
GOOD: Final[dict[str, Json]] = {
    "plain": {},
    "unknown fields": {"latencyMs": 812, "router": {"zone": "a"}},
    "optional fields null": {"calls": None, "servedTier": None},
    "served by another tier": {"servedTier": "basic"},
    "far above its estimate": {"actualUsage": 5_000},
    "sent twice": {},
    "delivered again": {},
    "hold expired": {},
    "subscription cancelled": {},
}
"""Reports that can be booked, with the fields that each has besides."""


@dataclass(slots=True)
class Sent:
    """A message, and whose entitlement its usage belongs to."""

    message: Message
    bought: Json


def measure() -> dict[str, str]:
    """The table of this section."""
    with ready() as stage:
        chance = random.Random(13)
        sent = list(_messages(stage))
        queue = Queue(_most_receives())
        queue.send(_shuffled([one.message for one in sent], chance))
        met = _drain(stage, queue, [one.message for one in sent], chance)
        found = fates([one.message for one in sent], _booked(stage, sent), queue.parked)
    return {"settles": f"{measured()} {_said(met)}\n\n{_table(sent, found)}"}


def _messages(stage: Stage) -> Iterator[Sent]:
    """Every kind of message, each about a request that was granted."""
    authorize = stage.steered(AUTHORIZE)
    numbers = itertools.count()
    for kind, more in [*GOOD.items(), *((kind, None) for kind in BAD)]:
        for _ in range(EACH):
            bought = stage.setting.buy()
            seconds = 1 if kind == "hold expired" else 900
            request = ask(bought["apiKey"], f"r-{next(numbers)}", 10, holdSeconds=seconds)
            granted = authorize.ask(request).answer
            assert granted["allowed"], granted
            if kind == "subscription cancelled":
                stage.setting.world.cancel(bought["subscriptionId"], bought["account"])
            yield Sent(_message(f"m-{next(numbers)}", kind, granted["authorizationId"], more), bought)
    stage.clock.seconds += 2


def _message(id_: str, kind: str, authorization: str, more: Json | None) -> Message:
    if more is None:
        return Message(id_, kind, BAD[kind](authorization))
    fields = {"authorizationId": authorization, "actualUsage": USED, **more}
    return Message(id_, kind, json.dumps(fields), int(fields["actualUsage"]))


def _shuffled(messages: list[Message], chance: random.Random) -> list[Message]:
    again = [
        Message(f"{message.id}-again", message.kind, message.body)
        for message in messages
        if message.kind == "sent twice"
    ]
    both = [*messages, *again]
    chance.shuffle(both)
    return both


def _drain(stage: Stage, queue: Queue, sent: list[Message], chance: random.Random) -> Counter[str]:
    """Let the function settle batch after batch, with a fault in each of the first, until nothing waits."""
    met: Counter[str] = Counter()
    settle = stage.steered(SETTLE)
    redelivered = [message for message in sent if message.kind == "delivered again"]
    for number in itertools.count():
        batch = queue.receive(BATCH)
        if not batch:
            if not redelivered:
                return met
            queue.send(redelivered)
            redelivered = []
            continue
        fault = FAULTS[number % len(FAULTS)] if number < len(FAULTS) * EACH * 2 else FAULTS[0]
        met[fault] += 1
        _arm(stage, settle, fault, chance.randrange(1, BATCH))
        try:
            answer = settle.ask(_event(batch)).answer
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        except ProbeError:  # Lambda reports the invocation as failed, and all of the batch comes again
            met[ENDED] += 1
            settle.stop()
            failed = {message.id for message in batch}
            settle = stage.steered(SETTLE)
        finally:
            stage.store.before = stage.store.after = no_answer
        queue.give_back(batch, failed)
        stage.clock.seconds += _BETWEEN_BATCHES_SECONDS
    raise AssertionError


def _arm(stage: Stage, settle: Steered, fault: str, at: int) -> None:
    """Let a fault come at the store request of this number, counted from 1."""
    asked = itertools.count(1)

    def killed(_: str) -> Reply | None:
        if next(asked) != at:
            return None
        settle.kill()
        return Reply(0, None)

    def failing(_: str) -> Reply | None:
        return stores.error(stores.FAILING) if next(asked) >= at else None

    def lost(_: str) -> Reply | None:
        return Reply(0, None) if next(asked) == at else None

    match fault:
        case "the store fails":
            stage.store.before = failing
        case "a reply is lost":
            stage.store.after = lost
        case "killed before a write":
            stage.store.before = killed
        case "killed after a write":
            stage.store.after = killed


def _event(batch: list[Message]) -> Json:
    record = sample("settle-batch")["Records"][0]
    return {"Records": [{**record, "messageId": message.id, "body": message.body} for message in batch]}


def _booked(stage: Stage, sent: list[Sent]) -> dict[str, int]:
    """The units that are used of each message's entitlement, as its owner is shown."""
    look = stage.steered("SubscriptionsFunction")
    booked = {}
    for one in sent:
        event = http_sample("get-usage", one.bought["account"], one.bought["subscriptionId"])
        booked[one.message.id] = int(body_of(look.ask(event))["models"][0]["monthly"]["used"])
    return booked


def _most_receives() -> int:
    queue = template.load(settings.template_file())["Resources"]["SettleQueue"]["Properties"]
    return int(queue["RedrivePolicy"]["maxReceiveCount"])


def _said(met: Counter[str]) -> str:
    return "Batches: " + ", ".join(f"{met[fault]} ({fault})" for fault in FAULTS) + f"; {met[ENDED]} {ENDED}."


def _table(sent: list[Sent], found: dict[str, Fate]) -> str:
    kinds = list(dict.fromkeys(one.message.kind for one in sent))
    rows: list[list[page.Cell]] = [
        [kind, *_counts([found[one.message.id] for one in sent if one.message.kind == kind])] for kind in kinds
    ]
    rows.append(["together", *_counts(list(found.values()))])
    return page.table(["messages", "sent", "booked", "parked", "neither", "booked twice"], rows)


def _counts(of: list[Fate]) -> list[page.Cell]:
    counted = Counter(of)
    twice = counted[Fate.TWICE]
    booked, parked = counted[Fate.BOOKED] + twice, counted[Fate.PARKED]
    return [len(of), booked, parked, len(of) - booked - parked, twice]
