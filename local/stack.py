"""The running stack: its template, runtimes, store, events and clock. Rule: it knows nothing of HTTP or processes."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.awslambda.pool import FunctionError, Pool
from local.clock import Clock
from local.cloudformation.template import ACCOUNT, REGION, Schedule, Template
from modelpass.runtime import config
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from local.eventbridge.feed import Feed
    from local.iam.gate import Gate


@dataclass(slots=True)
class Stack:
    """The template, a pool of runtimes for each function, the key that signs tokens, the store, events, the clock."""

    template: Template
    pools: dict[str, Pool]
    signing_key: EllipticCurvePrivateKey
    feed: Feed
    store_url: str
    gate: Gate | None = None
    clock: Clock = field(default_factory=Clock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def invoke(self, name: str, event: object, request_id: str | None = None) -> Any:
        """Run a function once; raises `FunctionError`."""
        return self.pools[name].invoke(
            {
                "event": event,
                "requestId": request_id or str(uuid.uuid4()),
                "nowMs": self.clock.frozen_ms,
                "arn": arn(name),
            }
        )

    def schedule_of(self, function: str) -> Schedule | None:
        """The schedule of a function, if it has one."""
        return next((s for s in self.template.schedules if s.function == function), None)

    def run_schedule(self, schedule: Schedule) -> Any:
        """Run a scheduled function now, with the event that the scheduler sends; raises `FunctionError`."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "time": rfc3339(self.clock.now_ms() // 1000 * 1000),
            "region": REGION,
            "resources": [],
            "detail": "{}",
        }
        return self.invoke(schedule.function, event)

    def store(self) -> dict[str, Any]:
        """The URL of the engine and the names of the tables, for tools that read what is stored."""
        return {"endpoint": self.store_url, "tables": config.tables(self.template.environment())._asdict()}

    def start_schedules(self) -> None:
        """Let every schedule run by itself until the stack stops."""
        for schedule in self.template.schedules:
            threading.Thread(target=self._repeat, args=(schedule,), daemon=True).start()

    def _repeat(self, schedule: Schedule) -> None:
        while not self.stopping.wait(schedule.every_seconds):
            try:
                self.run_schedule(schedule)
            except FunctionError:
                continue  # the function's log says why; the next run comes all the same

    def stop(self) -> None:
        """End every runtime."""
        self.stopping.set()
        for pool in self.pools.values():
            pool.stop()


def arn(name: str) -> str:
    """The ARN under which a function is invoked."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
