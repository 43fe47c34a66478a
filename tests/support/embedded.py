"""Decisions in a router's process, on the tables of a world. Rule: the world and the store's replies show real time."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local.cloudformation.template import REGION
from local.dynamodb.provisioning import credentials
from modelpass.api_keys import DeploymentKeys
from modelpass.dynamodb.endpoint import credentials_of
from modelpass.embedded.decisions import Decisions
from modelpass.runtime.telemetry import Output
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.dynamodb.sigv4 import Credentials
    from tests.support.world import World

    Opens = Callable[..., "Router"]

Json = dict[str, Any]
KEY = "a-deployment-key-that-only-routers-of-tests-hold"


def in_real_time(world: World) -> World:
    """The same service, by the clock of this machine, and with a deployment key as a function may be given it."""
    world.clock.now_ms = time.time_ns() // 10**6
    keys = DeploymentKeys((KEY.encode(),))
    return replace(world, deps=world.deps._replace(now_ms=lambda: time.time_ns() // 10**6, deployment_keys=keys))


def settings_of(world: World, url: str, **others: str) -> dict[str, str]:
    """What a router hands in, by the names that the settings have in the functions."""
    tables = {
        f"{name}_table".upper(): getattr(world.tables, name) for name in world.tables._fields if name != "version"
    }
    told = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL_DYNAMODB": url, "DEPLOYMENT_KEY": KEY}
    return {**tables, **told, **others}


def given() -> Credentials:
    """Credentials that the engine takes."""
    return credentials_of(credentials())


@dataclass(slots=True)
class Router:
    """A router with decisions in its process, whose clock is ahead of the true time by so many seconds."""

    decisions: Decisions
    ahead: list[float]
    lines: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[Json]:
        """The lines that it was handed so far."""
        return [json.loads(line) for line in self.lines]

    def authorize(self, api_key: str, request_id: str, estimate: int = 10, **more: Any) -> Json:
        return self.decisions.authorize(
            {"apiKey": api_key, "requestId": request_id, "estimatedUsage": estimate, "modelId": TEXT_MODEL, **more}
        )

    def settle(self, authorization_id: str, used: int, **more: Any) -> Json:
        return self.decisions.settle({"authorizationId": authorization_id, "actualUsage": used, **more})


@contextmanager
def routers(world: World, url: str) -> Iterator[Opens]:
    """What opens routers, whose connections are closed in the end; settings may be others than those of the world."""
    opened: list[Decisions] = []

    def open_one(
        ahead: float = 0.0, credentials: Callable[[], Credentials] = given, output: Output | None = None, **others: str
    ) -> Router:
        by, lines = [ahead], list[str]()
        decisions = Decisions(
            settings_of(world, url, **others),
            credentials,
            output or Output(lines.append),
            wall_ns=lambda: time.time_ns() + round(by[0] * 10**9),
        )
        opened.append(decisions)
        return Router(decisions, by, lines)

    yield open_one
    for decisions in opened:
        decisions.close()
