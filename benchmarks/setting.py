"""What every section measures: the built functions on an engine of their own, and a world beside them to prepare it.

Rule: what is measured is the build, in Lambda's Python where the machine has it; the world only puts things in place.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from benchmarks.asked import Listener
from benchmarks.probing import Probe
from local import settings
from local.awslambda import emulator
from local.cloudformation import template
from local.dynamodb import engine
from modelpass.api_keys import DeploymentKeys
from modelpass.entitlements import items as entitlement_items
from ops.errors import CommandError
from tests.support.builders import hold
from tests.support.relay import relay_to
from tests.support.world import TEXT_MODEL, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.awslambda.emulator import Tools
    from local.cloudformation.template import Function, Template

Json = dict[str, Any]

AUTHORIZE, SETTLE = "AuthorizeFunction", "SettleFunction"
_CHOICE: Final = "StoreClient"
_PREFIX: Final = "bench-"
_MORNING: Final = 8
_FARTHEST_WEST: Final = 12
LONG: Final = 86_400
"""Seconds of a hold that stays open."""


@dataclass(slots=True)
class Setting:
    """The build, its tables, and what has to be ended in the end."""

    url: str
    world: World
    templates: dict[str, Template]
    """By the store client that authorize and settle have, the default first."""
    secrets: Json
    tools: Tools
    listener: Listener
    cleanup: contextlib.ExitStack
    accounts: int = 0
    python: str = ""
    boto3: str = ""

    @property
    def versions(self) -> str:
        """The versions that figures depend on, for the head of a table."""
        return f"Python {self.python}, the built x86_64 artifacts, boto3 {self.boto3}, {os.cpu_count()} cores"

    @property
    def clients(self) -> tuple[str, ...]:
        """The store clients that authorize and settle can have, the default first."""
        return tuple(self.templates)

    @property
    def template(self) -> Template:
        """The template as it is deployed by default."""
        return self.templates[self.clients[0]]

    def function(self, name: str, client: str | None = None, **environment: str) -> Function:
        """A function as deployed; `environment` is added to what the template gives."""
        function = self.templates[client or self.clients[0]].functions[name]
        return replace(function, environment={**function.environment, **environment})

    def probe(self, name: str, client: str | None = None, *, heard: bool = False) -> Probe:
        """A process with this function, ended with the section."""
        return self.cleanup.enter_context(self.started(name, client, heard=heard))

    def started(self, name: str, client: str | None = None, *, heard: bool = False, **environment: str) -> Probe:
        """The same, ended by the caller; a `heard` one sends its requests to the store through the listener."""
        if heard:
            environment["AWS_ENDPOINT_URL_DYNAMODB"] = self.listener.url
        probe = Probe(self.function(name, client, **environment), self.tools.python)
        self.python = probe.python
        return probe

    def buy(self, account: str | None = None, days_ago: int = 0, **body: Any) -> Json:
        """A subscription whose day has hours to go, bought now or some days ago."""
        self.accounts += 1
        self.world.clock.now_ms = now_ms() - days_ago * 86_400_000
        body.setdefault("models", [model(calls=10**6, cap=10**9)])
        account = account or f"bench-{self.accounts}"
        bought = self.world.buy(account, timezone=zone_where_it_is_morning(), **body)
        self.world.clock.now_ms = now_ms()
        return {**bought, "account": account}

    def use(self, bought: Json, **more: Any) -> None:
        """Let the first request of the day be over: it opens the windows, which takes a request more."""
        granted = self.world.authorize(bought["apiKey"], "first", 1, **more)
        assert self.world.settle(granted["authorizationId"], 1)["settled"]

    def hold_open(self, bought: Json, count: int, model_id: str = TEXT_MODEL) -> None:
        """Give an entitlement so many open holds, with request ids of 36 characters, as that many grants would."""
        found = self.world.entitlement(bought["subscriptionId"], model_id=model_id)
        at_ms = now_ms()
        held = [
            hold(f"open-{number:031d}", 4000, at_ms=at_ms, seconds=LONG, nonce=number.to_bytes(9, "big"))
            for number in range(count)
        ]
        counters = found.counters._replace(
            day_left=found.limits.daily_call_limit - count,
            day_calls=count,
            month_left=found.limits.monthly_cap - found.counters.month_used - 4000 * count,
        )
        put = entitlement_items.entitlement_item(found._replace(holds={h.key: h for h in held}, counters=counters))
        changed = {name: put[name] for name in ("h", "dl", "dc", "ml")}
        self.world.quick.update_item(
            TableName=self.world.tables.entitlements,
            Key=entitlement_items.entitlement_key(found.id),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changed),
            ExpressionAttributeNames={f"#{name}": name for name in changed},
            ExpressionAttributeValues={f":{name}": value for name, value in changed.items()},
        )


@contextlib.contextmanager
def ready() -> Iterator[Setting]:
    """Everything in place, on free ports of loopback; raises `CommandError` when it is not set up."""
    artifacts = settings.artifacts()
    if artifacts is None:
        raise CommandError("Run `make bench`: it builds what is measured.")
    tools = emulator.tools(settings.lambda_python())
    with contextlib.ExitStack() as cleanup:
        url = cleanup.enter_context(engine.running())
        secrets = template.secret_values(template.load(artifacts / "template.yaml"))
        templates = templates_of(artifacts, url, secrets)
        world = new_world(url, prefix=_PREFIX)
        signing = templates["lean"].functions[AUTHORIZE].environment["DEPLOYMENT_KEY"].encode()
        world = replace(world, deps=world.deps._replace(deployment_keys=DeploymentKeys((signing,))))
        world.clock.now_ms = now_ms()
        world.fill_tiers()
        listener = Listener(cleanup.enter_context(relay_to(url)), world.tables.tiers)
        yield Setting(url, world, templates, secrets, tools, listener, cleanup)


def templates_of(artifacts: Path, url: str, secrets: Json) -> dict[str, Template]:
    """The built template for each store client: functions get its layers and its environment, and these secrets."""
    file = artifacts / "template.yaml"
    parameter = template.load(file)["Parameters"][_CHOICE]
    clients = sorted(parameter["AllowedValues"], key=lambda client: client != parameter["Default"])
    return {
        client: template.read(template.load(file, {"StoreEndpoint": url, _CHOICE: client}), artifacts, secrets, _PREFIX)
        for client in clients
    }


def now_ms() -> int:
    """The time that the functions see."""
    return time.time_ns() // 1_000_000


def zone_where_it_is_morning() -> str:
    """A time zone in which no midnight comes while this runs: a day that ends is a case of its own."""
    west = datetime.now(UTC).hour - _MORNING
    return f"Etc/GMT{(west if west <= _FARTHEST_WEST else west - 24):+d}"
