"""Very many entitlements, of which some are due, and the work a reset has with them. Rule: counted, never timed.

Subscriptions of 40 models each, as purchases would have written them, but many in one request.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelpass import api_keys
from modelpass.entitlements.model import EntitlementId
from modelpass.entitlements.windows import term_of
from modelpass.ids import subscription_id_of
from modelpass.subscriptions.model import MAX_MODELS
from tests.support.builders import limits, subscription
from tests.support.sold import bought
from tests.support.world import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from modelpass.dynamodb.transport import Response
    from modelpass.entitlements.model import Limits
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Subscription
    from tests.support.world import World

_BATCH = 25
"""Most items of a BatchWriteItem."""
MODELS = tuple(limits(f"model-{number:02d}", cap=100_000) for number in range(MAX_MODELS))
HELD_EVERY = 10
"""Of so many that are due, one has a hold that was never settled."""


@dataclass(slots=True)
class Work:
    """What was asked of the store: requests by operation, items that came back, items that were written, units."""

    requests: Counter[str] = field(default_factory=Counter)
    items_read: int = 0
    items_written: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def count(self, operation: str, request: Request, response: Response) -> None:
        """Take one request into account."""
        self.requests[operation] += 1
        self.items_read += response.get("Count", 0) + ("Item" in response)
        if operation == "UpdateItem":
            self.items_written += 1
        elif operation == "TransactWriteItems":
            self.items_written += len(request["TransactItems"])


@dataclass(frozen=True, slots=True)
class Crowd:
    """A world with so many entitlements; the n-th of them is model n mod 40 of subscription n div 40."""

    world: World
    size: int

    def use(self, count: int) -> None:
        """Let the first so many be used: when their day is over, the reset has to close it."""
        for number in range(count):
            granted = self.world.authorize(*_request(self.world, number), 10, modelId=_model(number), holdSeconds=60)
            if number % HELD_EVERY:
                self.world.settle(granted["authorizationId"], 7)
        self.world.clock.advance(DAY_MS)

    def reset(self) -> tuple[Work, dict[str, Any]]:
        """Run the reset once: the work, and its result."""
        work, recorder = Work(), self.world.recorder
        recorder.clear()
        result = self.world.with_send(counting(self.world.deps.send, work)).reset()
        work.read_units, work.write_units = recorder.read_units, recorder.write_units
        return work, result


def counting(send: Callable[[str, Request], Response], work: Work) -> Callable[[str, Request], Response]:
    """A store whose answers are counted."""

    def counted(operation: str, request: Request) -> Response:
        response = send(operation, request)
        work.count(operation, request, response)
        return response

    return counted


def gather(world: World, size: int) -> Crowd:
    """Fill a world with so many entitlements, a multiple of 40, none of them used."""
    world.fill_tiers()
    sell(world, range(size // MAX_MODELS))
    return Crowd(world, size)


def sell(
    world: World, numbers: range, models: tuple[Limits, ...] = MODELS, without: AbstractSet[str] = frozenset()
) -> None:
    """Let the subscriptions of these numbers have been bought, but for their rows in tables that are left out."""
    waiting: dict[str, list[Request]] = {}
    for number in numbers:
        sold = _subscription(world, number, models)
        for action in bought(sold, now_ms=world.clock.now_ms, tables=world.tables)["TransactItems"]:
            put = action["Put"]
            if put["TableName"] in without:
                continue
            waiting.setdefault(put["TableName"], []).append({"PutRequest": {"Item": put["Item"]}})
        for table, puts in waiting.items():
            for batch in _full(puts):
                _write(world, table, batch)
    for table, puts in waiting.items():
        if puts:
            _write(world, table, puts)


def _full(puts: list[Request]) -> Iterator[list[Request]]:
    while len(puts) >= _BATCH:
        yield puts[:_BATCH]
        del puts[:_BATCH]


def _write(world: World, table: str, puts: list[Request]) -> None:
    answer = world.quick.batch_write_item(RequestItems={table: puts})
    assert not answer.get("UnprocessedItems")


def _subscription(world: World, number: int, models: tuple[Limits, ...]) -> Subscription:
    """The same for the same number, whatever the crowd."""
    term = term_of(world.clock.now_ms, 12, "UTC")
    api_key = _api_key(world, number)
    return subscription(term, models)._replace(
        id=_id(number),
        account_id=f"acct-{number}",
        key_hash=api_keys.api_key_hash(api_key),
        key_tail=api_keys.api_key_tail(api_key),
    )


def _id(number: int) -> str:
    return subscription_id_of(number.to_bytes(15, "big"))


def _api_key(world: World, number: int) -> str:
    secret = number.to_bytes(api_keys.SECRET_BYTES, "big")
    return api_keys.issue_api_key(_id(number), 1, secret, world.deps.deployment_keys)


def _request(world: World, number: int) -> tuple[str, str]:
    return _api_key(world, number // MAX_MODELS), f"r-{world.clock.now_ms}"


def _model(number: int) -> str:
    return MODELS[number % MAX_MODELS].model_id


def id_of(number: int) -> EntitlementId:
    """The n-th entitlement of a crowd."""
    return EntitlementId(_id(number // MAX_MODELS), 1, _model(number))
