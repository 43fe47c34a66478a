"""One service on the real engine, driven in process: a clock that stands still, a recorder of every store call.

Rule: nothing of ours is mocked. Faults and interleavings come in at the seam where requests leave the process.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from local.cloudformation.template import REGION, Template, load, read, secret_values
from local.dynamodb.provisioning import client, create_tables, credentials, seed_catalogue
from local.iam.policies import of_functions
from local.machine import ROOT
from modelpass import schema
from modelpass.api import catalogue_bodies, operator_bodies
from modelpass.api.subscription_bodies import parse_purchase, parse_renewal
from modelpass.api_keys import DeploymentKeys
from modelpass.catalogue import tier_items
from modelpass.catalogue.commands import admin
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.circuit_breaker import CircuitBreaker
from modelpass.dynamodb.endpoint import credentials_of, store_endpoint
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import ConditionFailedError, Response, Send, consumed
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.commands import release as release_command
from modelpass.entitlements.commands.authorize import Caches
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.entitlements.model import Entitlement, EntitlementId
from modelpass.entitlements.refusal_cache import RefusalCache
from modelpass.router import authorize as authorize_door
from modelpass.router import describe_key as describe_key_door
from modelpass.router import settle as settle_door
from modelpass.runtime import config
from modelpass.runtime.deps import Deps
from modelpass.schedule import reset as reset_door
from modelpass.schema import Request, Tables
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.commands import cancel as cancel_command
from modelpass.subscriptions.commands import correct as correct_command
from modelpass.subscriptions.commands import plan, purchase, queries
from modelpass.subscriptions.commands import regenerate as regenerate_command
from modelpass.subscriptions.commands import renew as renew_command
from modelpass.subscriptions.commands import revoke_key as revoke_key_command
from modelpass.subscriptions.commands import suspend as suspend_command
from modelpass.subscriptions.orders import PlanEnd, PlanOrder
from modelpass.times import DAY_MS, to_ms
from tests.support import spare_tables, stored_items
from tests.support.capacity import units_of_refused_write
from tests.support.permitted import ASKED, Permits, Permitted, commands_of
from tests.support.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.circuit_breaker import Change
    from modelpass.subscriptions.model import Subscription

Json = dict[str, Any]
TEXT_MODEL, IMAGE_MODEL = "claude-opus-4-6", "nano-banana-2"
DEPLOYMENT_KEY = b"a deployment key that only tests use, ever"
STORE_CLIENTS = ("lean", "boto3")
STORE_CLIENT = os.environ.get("STORE_CLIENT", "lean")
"""What worlds ask the store by, unless told: `STORE_CLIENT=boto3` runs every test in process with the other client."""
_prefixes = itertools.count()
_DOWN = schema.primary_key(tiers_down_key())


@cache
def expanded_template() -> Json:
    return load(ROOT / "template.yaml")


@cache
def client_of(endpoint: str) -> Any:
    return client(endpoint)


@cache
def quick_client_of(endpoint: str) -> Any:
    """A client without an SDK for the engine of this run; boto3 for one that is named, which may check signatures."""
    return client_of(endpoint) if os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") else Plain(endpoint)


@cache
def send_of(endpoint: str, store_client: str) -> Send:
    """The way to an engine by one of the clients that functions use: `lean` or `boto3`."""
    environment = {"STORE_CLIENT": store_client, "AWS_ENDPOINT_URL_DYNAMODB": endpoint, **credentials()}
    if not config.lean_client_chosen(environment):
        return boto3_send(client_of(endpoint))
    return LeanClient(store_endpoint(environment), REGION, lambda: credentials_of(environment)).send


@cache
def template_of(prefix: str) -> Template:
    expanded = expanded_template()
    return read(expanded, ROOT, secret_values(expanded), prefix)


@cache
def permits() -> Permits:
    """What the template lets its functions do, and what they asked for so far in this process."""
    return Permits(of_functions(expanded_template()), commands_of(template_of("").functions.values()), ASKED)


@dataclass(slots=True)
class Clock:
    """Epoch milliseconds that stand still until moved."""

    now_ms: int = 1_795_392_000_000  # 2026-11-23T00:00:00Z

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        self.now_ms += ms

    def set(self, instant: Any) -> None:
        self.now_ms = to_ms(instant)


@dataclass(slots=True)
class Recorder:
    """Every call to the store: its operation, and the write and read units it cost."""

    send: Send
    calls: list[str] = field(default_factory=list)
    write_units: float = 0.0
    read_units: float = 0.0
    requests: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, operation: str, request: Request) -> Response:
        self.calls.append(operation)
        self.requests.append((operation, request))
        try:
            response = self.send(operation, request)
        except ConditionFailedError as failure:
            if operation == "UpdateItem":
                self.write_units += units_of_refused_write(failure.item)
            raise
        read, written = consumed(operation, response)
        self.read_units += read
        self.write_units += written
        return response

    def clear(self) -> None:
        self.calls.clear()
        self.requests.clear()
        self.write_units = self.read_units = 0.0


@dataclass(slots=True)
class World:
    """The service and everything a test needs to drive and to check it."""

    deps: Deps
    clock: Clock
    recorder: Recorder
    dynamodb: Any
    quick: Any
    tables: Tables
    refusals: RefusalCache
    store: Send
    """The way to the store without a fault, a record or a permission in it."""
    template: Template
    end: Callable[[], None]
    """What becomes of the tables once nobody asks for them."""

    @property
    def caches(self) -> Caches:
        """What the process knows: its refusals, for as long as it lives, and the tiers that are down at the moment."""
        down = TierCache(self.deps._replace(send=self.store))
        down.down_of(TEXT_MODEL, self.deps.retry_budget())  # warm, and not counted
        return Caches(down, self.refusals)

    def another_process(self) -> World:
        """The same service in a process that has refused nothing yet."""
        return replace(self, refusals=RefusalCache(self.deps.pacing.monotonic))

    def with_send(self, send: Send) -> World:
        """The same service, as a process runs it that has not asked the store yet and asks it this way."""
        return replace(self, deps=guarded(self.deps._replace(send=send)))

    def writing(self, version: int) -> World:
        """The same service, as a process runs it that writes this schema version."""
        tables = self.tables._replace(version=version)
        return replace(self.another_process(), deps=self.deps._replace(tables=tables), tables=tables)

    def buy(self, account: str = "acct", key: str | None = None, **body: Any) -> Json:
        body.setdefault("models", [model()])
        parsed = parse_purchase(body)
        outcome = purchase.purchase(self.deps, account, parsed, key)
        return {
            "apiKey": outcome.api_key,
            "subscriptionId": outcome.subscription.id,
            "replayed": outcome.replayed,
        }

    def renew(self, subscription_id: str, account: str = "acct", key: str | None = None, **body: Any) -> Json:
        outcome = renew_command.renew(self.deps, account, subscription_id, parse_renewal(body), key)
        return {"apiKey": outcome.api_key, "replayed": outcome.replayed}

    def regenerate(self, subscription_id: str, account: str = "acct") -> Json:
        outcome = regenerate_command.regenerate(self.deps, account, subscription_id)
        return {"apiKey": outcome.api_key, "status": outcome.status.value}

    def revoke_key(self, subscription_id: str, account: str = "acct", operator: str | None = None) -> None:
        """Revoke a key, as its customer does, or an operator."""
        if operator is not None:
            return revoke_key_command.revoke_key_as_operator(self.deps, operator, subscription_id)
        return revoke_key_command.revoke_key(self.deps, account, subscription_id)

    def suspend(self, subscription_id: str, reason: str = "abuse", by: str = "anna") -> Json:
        """Suspend a subscription, as an operator does."""
        return suspend_command.suspend(self.deps, by, subscription_id, reason)

    def resume(self, subscription_id: str, by: str = "anna") -> Json:
        """Let a suspended subscription go on, as an operator does."""
        return suspend_command.resume(self.deps, by, subscription_id)

    def release(self, subscription_id: str, authorization_id: str, by: str = "anna") -> None:
        """Give back what an authorization holds, as an operator does."""
        release_command.release(self.deps, by, subscription_id, authorization_id)

    def look(self, subscription_id: str, account: str | None = "acct") -> Json:
        """A subscription as its customer sees it, or an operator where no account asks."""
        return queries.get_subscription(self.deps, account, subscription_id)

    def cancel(self, subscription_id: str, account: str = "acct") -> Json:
        ended = cancel_command.cancel(self.deps, account, subscription_id)
        return subscription_answers.subscription(ended, ended.status(self.deps.now_ms()))

    def set_plan(
        self, plan_id: str = "gold", account: str = "acct", *, days: int = 30, as_of_ms: int | None = None
    ) -> Json:
        until_ms = self.clock.now_ms + days * DAY_MS
        told = plan.set_plan(self.deps, account, PlanOrder(plan_id, until_ms, as_of_ms))
        return subscription_answers.plan(account, told)

    def end_plan(self, plan_id: str = "gold", account: str = "acct", *, as_of_ms: int | None = None) -> Json:
        return {"heldBy": plan.end_plan(self.deps, account, PlanEnd(plan_id, as_of_ms)).held_by}

    def correct(
        self, subscription_id: str, units: int | None, key: str = "ticket-1", *, by: str = "operator", **body: Any
    ) -> Json:
        """Correct usage, as an operator does."""
        raw = {"modelId": TEXT_MODEL, "units": units, "reason": "bytes for tokens", **body}
        parsed = operator_bodies.parse_correction(raw)
        answer, replayed = correct_command.correct(self.deps, by, subscription_id, parsed, key)
        return {**answer, "replayed": True} if replayed else answer

    def authorize(self, api_key: str, request_id: str, estimate: int = 10, **more: Any) -> Json:
        more.setdefault("modelId", TEXT_MODEL)
        payload = {"apiKey": api_key, "requestId": request_id, "estimatedUsage": estimate, **more}
        return authorize_door.handle_authorize(self.deps, self.caches, payload, "req-test")

    def describe_key(self, api_key: str) -> Json:
        return describe_key_door.handle_describe_key(self.deps, {"apiKey": api_key}, "req-test")

    def settle(self, authorization_id: str, used: int, **more: Any) -> Json:
        payload = {"authorizationId": authorization_id, "actualUsage": used, **more}
        tiers = self.caches.tiers if "continue" in payload else settle_door.TiersOnce(self.deps)
        return settle_door.handle_settle(self.deps, tiers, payload, "req-test", float("inf"))

    def reset(self, stop_after: float = float("inf")) -> Json:
        return reset_door.reset(self.deps, self.deps.pacing.monotonic() + stop_after)

    def entitlement(self, subscription_id: str, term: int = 1, model_id: str = TEXT_MODEL) -> Entitlement:
        key = entitlement_items.entitlement_key(EntitlementId(subscription_id, term, model_id))
        found = self.dynamodb.get_item(TableName=self.tables.entitlements, Key=key, ConsistentRead=True)
        return entitlement_items.entitlement_of(found["Item"])

    def entitlement_of(self, entitlement: EntitlementId) -> Entitlement:
        return self.entitlement(entitlement.subscription_id, entitlement.term_number, entitlement.model_id)

    def subscription(self, subscription_id: str) -> Subscription:
        key = schema.primary_key(subscription_items.subscription_key(subscription_id))
        found = self.dynamodb.get_item(TableName=self.tables.subscriptions, Key=key, ConsistentRead=True)
        return subscription_items.subscription_of(found["Item"])

    def make_all_due(self) -> None:
        """Let the next reset look at every entitlement."""
        for stored in self.all_items(self.tables.entitlements):
            self.quick.update_item(
                TableName=self.tables.entitlements,
                Key={"pk": stored["pk"]},
                UpdateExpression="SET dp = :dp, da = :da",
                ExpressionAttributeValues={
                    ":dp": schema.text(schema.due_shard(stored["pk"]["S"])),
                    ":da": schema.number(0),
                },
            )

    def names(self) -> list[str]:
        """The tables of this world."""
        return [name for name in self.tables if isinstance(name, str)]

    def drop_tables(self) -> None:
        """Leave nothing of what the tables hold; they may be another world's from now on."""
        self.end()

    def all_items(self, table: str) -> list[schema.Item]:
        return stored_items.of_table(self.quick, table)

    def events(self) -> list[str]:
        return sorted(item["type"]["S"] for item in self.all_items(self.tables.events))

    def turn_tier(self, model_id: str, tier: str, **body: Any) -> Json:
        """Take a tier down or bring it back, as an operator does."""
        return admin.set_tier_availability(self.deps, catalogue_bodies.parse_availability(model_id, tier, body))

    def fill_tiers(self) -> None:
        """Let the tiers table have its item, as the first reset of a deployment leaves it."""
        found = (self.dynamodb.get_item(TableName=table, Key=_DOWN).get("Item") for table in self.tier_tables())
        update = tier_items.bring_up(self.tables, StoredTiers(*found))
        if update is not None:
            self.store("UpdateItem", update)

    def tier_tables(self) -> tuple[str, str]:
        """The tables that have an item of the tiers that are down, and its copy."""
        return self.tables.tiers, self.tables.catalogue

    def take_down(self, model_id: str, *tiers: str) -> None:
        for tier in tiers:
            self.turn_tier(model_id, tier, available=False, reason="a test")


def unheard(_: Change) -> None:
    """Tell nobody."""


def guarded(deps: Deps, tell: Callable[[Change], None] = unheard) -> Deps:
    """What a command is given in a process whose breaker has seen nothing yet."""
    breaker = CircuitBreaker(deps.pacing, tell)
    return deps._replace(send=breaker.guarded(deps.send), may_retry=breaker.may_retry)


def model(model_id: str = TEXT_MODEL, tier: str = "stable", calls: int = 50, cap: int = 1000) -> Json:
    return {
        "modelId": model_id,
        "channelTier": tier,
        "dailyCallLimit": calls,
        "monthlyTokenCap": cap,
    }


def new_world(
    endpoint: str,
    entropy: Callable[[int], bytes] = os.urandom,
    prefix: str | None = None,
    store_client: str = STORE_CLIENT,
) -> World:
    """A world with empty tables of its own; its service asks by the client that is named.

    Under a prefix that is named they are made, and dropped in the end, as they are in an engine that is named.
    """
    quick = quick_client_of(endpoint)
    new = prefix is not None or not isinstance(quick, Plain)
    spare = None if new else spare_tables.take(endpoint)
    if prefix is None:
        prefix = spare or f"w{os.getpid()}x{next(_prefixes)}-"  # processes may share an engine
    template = template_of(prefix)
    if spare is None:
        create_tables(quick, template)
    tables = Tables(
        entitlements=f"{prefix}EntitlementsTable",
        subscriptions=f"{prefix}SubscriptionsTable",
        history=f"{prefix}HistoryTable",
        events=f"{prefix}EventsTable",
        catalogue=f"{prefix}CatalogueTable",
        tiers=f"{prefix}TiersTable",
    )
    seed_catalogue(quick, tables.catalogue, ROOT / "catalogue.json")
    store = send_of(endpoint, store_client)
    clock, recorder = Clock(), Recorder(Permitted(store, prefix, permits()))
    steady = itertools.count()
    deps = Deps(
        now_ms=clock,
        entropy=entropy,
        pacing=Pacing(lambda: next(steady) * 1e-6, lambda _: None, random.Random(0).random),
        send=recorder,
        tables=tables,
        deployment_keys=DeploymentKeys((DEPLOYMENT_KEY,)),
    )
    refusals = RefusalCache(deps.pacing.monotonic)
    dropped = partial(spare_tables.drop, quick, template)
    end = dropped if new else partial(spare_tables.put, endpoint, quick, prefix, template)
    dynamodb = client_of(endpoint)
    return World(guarded(deps), clock, recorder, dynamodb, quick, tables, refusals, store, template, end)


__all__ = ["DAY_MS", "IMAGE_MODEL", "TEXT_MODEL", "Clock", "World", "json", "model", "new_world"]
