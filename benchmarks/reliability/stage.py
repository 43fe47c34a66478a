"""The built functions under one clock, on an engine with DynamoDB's limits in front. Rule: reached by their own doors.

Functions get events and payloads as API Gateway, Lambda Invoke and the queue give them; nothing of them is replaced but
their clock. The world of `setting` only puts in place what was bought before.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import setting
from benchmarks.reliability import store as stores
from benchmarks.reliability.clock import Moment
from benchmarks.reliability.functions import Steered
from local.machine import ROOT
from modelpass.dynamodb import wire_json
from modelpass.subscriptions.model import MAX_MODELS
from modelpass.times import rfc3339
from tests.support.handlers import http_sample
from tests.support.world import model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.probing import Probe, Took
    from benchmarks.reliability.store import Store
    from benchmarks.setting import Setting

Json = dict[str, Any]

_AHEAD_SECONDS: Final = 900
"""The steered functions are so far ahead of this machine that whatever it buys was bought before."""
_FIRST_SECONDS: Final = 1_000.0
_BATCH: Final = 25
"""Most items of a BatchWriteItem."""


@dataclass(slots=True)
class Stage:
    """Everything that a section needs."""

    setting: Setting
    clock: Moment
    store: Store
    cleanup: contextlib.ExitStack
    wall: float
    offered: list[str] = field(default_factory=list)
    """The models that were put into the catalogue beside those of `catalogue.json`."""
    pattern: list[str] = field(default_factory=list)
    """What the first of them stored."""

    def steered(self, name: str, **environment: str) -> Steered:
        """An execution environment of a function, which lives until the section ends or it is stopped."""
        environment["AWS_ENDPOINT_URL_DYNAMODB"] = self.store.url
        function = self.setting.function(name, **environment)
        started = Steered(function, self.setting.tools.python, self.clock, self.wall)
        self.cleanup.callback(started.stop)
        return started

    def probe(self, name: str) -> Probe:
        """One that lives in this machine's own time, for what happens at once, and asks the engine without limits."""
        return self.cleanup.enter_context(self.setting.started(name))

    def offer(self, size: int) -> None:
        """Let the catalogue hold so many models beside its own.

        One is put by an operator's call; the others are copies of what that stored, under other ids.
        """
        if not self.offered:
            self._put(_model_id(0))
        while len(self.offered) < size:
            numbers = range(len(self.offered), min(size, len(self.offered) + _BATCH))
            puts = [{"PutRequest": {"Item": copy}} for number in numbers for copy in self._copies(_model_id(number))]
            table = self.setting.world.tables.catalogue
            answer = self.setting.world.quick.batch_write_item(RequestItems={table: puts})
            assert not answer.get("UnprocessedItems")
            self.offered += [_model_id(number) for number in numbers]

    def ordered(self) -> list[Json]:
        """As many of the offered models as a subscription may have, as a purchase orders them."""
        return [model(name, calls=10**6, cap=10**9) for name in self.offered[:MAX_MODELS]]

    def _put(self, model_id: str) -> None:
        body: Json = {"modelId": model_id, "kind": "text", "tiers": [_tier(tier) for tier in ("basic", "stable")]}
        event = {**http_sample("put-model", "operator"), "body": json.dumps(body), "rawPath": f"/v1/models/{model_id}"}
        event["pathParameters"] = {"modelId": model_id}
        (took,) = self.probe("CatalogueFunction").run([event])
        assert took.answer["statusCode"] == 200, took.answer
        items = self.setting.world.all_items(self.setting.world.tables.catalogue)
        self.pattern = [text for item in items if model_id in (text := wire_json.encoded(item).decode())]
        assert self.pattern, "an operator's call stored no item that names its model"
        self.offered = [model_id]

    def _copies(self, model_id: str) -> list[Json]:
        first = _model_id(0)
        return [wire_json.decoded(text.replace(first, model_id).encode()) for text in self.pattern]


@contextlib.contextmanager
def ready() -> Iterator[Stage]:
    """Everything in place, on free ports of loopback; raises `CommandError` when it is not set up."""
    with setting.ready() as prepared, tempfile.TemporaryDirectory(prefix="modelpass-clock-") as folder:
        clock = Moment(Path(folder) / "now")
        clock.seconds = _FIRST_SECONDS
        hash_keys = {
            table["TableName"]: next(k["AttributeName"] for k in table["KeySchema"] if k["KeyType"] == "HASH")
            for table in prepared.template.tables
        }
        with contextlib.ExitStack() as cleanup:
            store = cleanup.enter_context(stores.in_front_of(prepared.url, hash_keys, clock))
            yield Stage(prepared, clock, store, cleanup, time.time() + _AHEAD_SECONDS - _FIRST_SECONDS)


def body_of(took: Took, status: int = 200) -> Json:
    """The body of an HTTP answer; fails for another status."""
    assert took.answer["statusCode"] == status, took.answer
    body: Json = json.loads(took.answer["body"])
    return body


def measured() -> str:
    """What was measured and when, for the head of a table."""
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    # The page itself is changed by every section that was measured before.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/reliability.md")
    return f"Measured at commit `{commit}{'-dirty' if changed else ''}` on {rfc3339(int(time.time()) * 1000)[:10]}."


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _model_id(number: int) -> str:
    return f"reliability-{number:05d}"


def _tier(tier: str) -> Json:
    price = {"currency": "USD", "base": "12.00", "perUnit": "0.000003", "perDailyCall": "0.04"}
    return {"channelTier": tier, "price": price}
