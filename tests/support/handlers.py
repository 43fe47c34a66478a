"""The handlers as deployed: each `app.py` is imported with its environment, on tables of the template.

Rule: one invocation at a time. Powertools keeps the event and the context on a class that all resolvers of a process
share; every resolver sets both before it reads them, so modules side by side do not disturb each other, but threads
would. They carry claims about shapes and answers, none about races or costs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from local.awslambda.process import Context
from local.cloudformation.template import REGION, Function, Template, read, secret_values
from local.dynamodb.provisioning import CREDENTIALS, client, create_tables, seed_catalogue
from local.machine import ROOT
from local.stack import arn
from modelpass.catalogue.commands.queries import ModelPages
from modelpass.dynamodb.retries import Pacing
from modelpass.entitlements.commands.authorize import Caches
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.ids import is_subscription_id
from modelpass.order_ids import order_id_of
from modelpass.router.settle import TiersOnce
from modelpass.runtime import telemetry
from tests.support import documented, leaks, permitted, spare_tables
from tests.support.http_answers import HttpAnswer
from tests.support.wire import serving
from tests.support.world import expanded_template, guarded, permits, template_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from modelpass.dynamodb.transport import Send

Json = dict[str, Any]
EVENTS = ROOT / "events"
FUNCTION_OF_SAMPLE = {
    "purchase": "PurchaseFunction",
    "purchase-staged": "PurchaseFunction",
    "purchase-mapped-and-staged": "PurchaseFunction",
    "renew": "RenewFunction",
    "extend": "ExtendFunction",
    "change": "ChangeFunction",
    "top-up": "TopUpFunction",
    "update": "UpdateFunction",
    "regenerate": "RegenerateFunction",
    "cancel": "CancelFunction",
    "withdraw-order": "WithdrawOrderFunction",
    "confirm-order": "ApproveFunction",
    "reject-order": "ApproveFunction",
    "correct": "CorrectFunction",
    "release": "CorrectFunction",
    "revoke-key": "RegenerateFunction",
    "revoke-key-as-operator": "SuspendFunction",
    "suspend": "SuspendFunction",
    "resume": "SuspendFunction",
    "look-at-subscription": "LookFunction",
    "look-at-usage": "LookFunction",
    "look-at-history": "LookFunction",
    "look-at-events": "LookFunction",
    "look-at-holds": "LookFunction",
    "look-at-subscriptions": "LookFunction",
    "look-at-subscriptions-slash": "LookFunction",
    "look-at-orders": "LookFunction",
    "look-at-order": "LookFunction",
    "look-at-orders-of-account": "LookFunction",
    "look-at-pending-orders": "LookFunction",
    "look-at-plan": "LookFunction",
    "look-up-key": "LookFunction",
    "put-plan": "PlanFunction",
    "delete-plan": "PlanFunction",
    "put-plan-slash": "PlanFunction",
    "delete-plan-slash": "PlanFunction",
    "get-subscription": "SubscriptionsFunction",
    "get-usage": "SubscriptionsFunction",
    "get-subscriptions": "SubscriptionsFunction",
    "get-history": "SubscriptionsFunction",
    "get-events": "SubscriptionsFunction",
    "get-orders": "OrdersFunction",
    "get-subscription-orders": "OrdersFunction",
    "get-order": "OrdersFunction",
    "get-models": "ModelsFunction",
    "get-models-mapped": "ModelsFunction",
    "list-models": "CatalogueFunction",
    "get-model": "CatalogueFunction",
    "put-model": "CatalogueFunction",
    "withdraw-model": "CatalogueFunction",
    "availability": "CatalogueFunction",
    "get-model-slash": "CatalogueFunction",
    "put-model-slash": "CatalogueFunction",
    "withdraw-model-slash": "CatalogueFunction",
    "availability-slash": "CatalogueFunction",
    "quote": "QuoteFunction",
    "quote-renewal": "QuoteFunction",
    "not-found": "NotFoundFunction",
    "authorize": "AuthorizeFunction",
    "settle": "SettleFunction",
    "settle-part": "SettleFunction",
    "settle-batch": "SettleFunction",
    "describe-key": "DescribeKeyFunction",
    "get-key": "KeyFunction",
    "get-key-models": "KeyFunction",
    "reset": "ResetFunction",
}
IN_FRONT_OF_SAMPLE = {
    "get-models-mapped": ("/entitlements", "$default"),
    "purchase-staged": ("/prod", "prod"),
    "purchase-mapped-and-staged": ("/entitlements", "prod"),
}
"""Samples from behind a mapping, a named stage, and both: what the path has in front of the route's, and the stage."""
INSIDE = "an inside detail that no caller and no log may see"
_SUBSCRIPTION_ID = "sub_REPLACE-WITH-AN-ID"
_ORDER_ID = "ord_REPLACE-WITH-AN-ID"
_TABLE = "AWS::DynamoDB::Table"
_numbers = itertools.count(1)


def sample(name: str) -> Json:
    """A sample event as it is kept."""
    event: Json = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return event


def http_sample(name: str, account: str, subscription_id: str = _SUBSCRIPTION_ID, **changes: Any) -> Json:
    """A sample HTTP event of an account: `headers` are added (None takes one away), `body` replaces.

    An order is the subscription's first, which bought it.
    """
    text = json.dumps(sample(name)).replace(_SUBSCRIPTION_ID, subscription_id)
    if is_subscription_id(subscription_id):
        text = text.replace(_ORDER_ID, order_id_of(subscription_id, 1))
    event: Json = json.loads(text)
    if "authorizer" in event["requestContext"]:
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = account
    for header, value in changes.pop("headers", {}).items():
        event["headers"].pop(header, None)
        if value is not None:
            event["headers"][header] = value
    return {**event, **changes}


class Answer(HttpAnswer[str]):
    """An HTTP answer as handed to API Gateway."""

    __slots__ = ()

    @property
    def error(self) -> tuple[str, str | None]:
        """Its code and its param, once the envelope is known to be whole."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "code", "param"}
        return error["code"], error["param"]


@dataclass(slots=True)
class Service:
    """One deployment: tables by logical name, and every handler, loaded when first called."""

    template: Template
    tables: dict[str, str]
    dynamodb: Any
    number: int = field(default_factory=lambda: next(_numbers))
    modules: dict[str, ModuleType] = field(default_factory=dict)
    endpoint: str | None = None
    store_client: str = "boto3"
    """By boto3, so that each request is held to what the function may do; moto has no port that another could ask."""

    def module(self, function: str) -> ModuleType:
        """A function's module, imported once, as at a cold start."""
        if function not in self.modules:
            deployed = self.template.functions[function]
            with self._environment(deployed), self._permitted(function):
                self.modules[function] = _import(deployed, self.number)
        return self.modules[function]

    def invoke(self, function: str, event: object) -> Any:
        """What the handler returns; raises what it raises."""
        handler = self.module(function).lambda_handler
        deployed = self.template.functions[function]
        deadline = time.monotonic() + deployed.timeout_seconds
        context = Context("lambda-request-1", function, str(deployed.memory_mb), arn(function), deadline)
        with self._environment(deployed):
            return json.loads(json.dumps(handler(event, context)))

    def http(self, name: str, account: str, subscription_id: str = _SUBSCRIPTION_ID, **changes: Any) -> Answer:
        """The answer to a sample HTTP event, made the account's."""
        return self.answer(name, http_sample(name, account, subscription_id, **changes))

    def answer(self, name: str, event: Json) -> Answer:
        """The answer to an HTTP event, from the function of a sample; it must be as the document says."""
        leaks.keep_bearer(event["headers"].get("authorization"))
        result = self.invoke(FUNCTION_OF_SAMPLE[name], event)
        assert result["isBase64Encoded"] is False
        answer = Answer(result["statusCode"], result["headers"], result["body"])
        documented.check(event["routeKey"], answer.status, answer.headers, answer.body.encode())
        return answer

    def buy(self, account: str) -> Json:
        """The sample purchase, by an account that has none."""
        answer = self.http("purchase", account)
        assert answer.status == 201, answer
        bought: Json = answer.json
        return bought

    def models(self) -> list[Json]:
        """The models as an operator is shown them, whom no kept page is shown."""
        event = http_sample("get-models", "operator")
        event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = "operator"
        answer = self.answer("get-models", event)
        assert (answer.status, answer.json["next"]) == (200, None), answer
        listed: list[Json] = answer.json["models"]
        return listed

    def authorize(self, api_key: str, **changes: Any) -> Json:
        """The answer to the sample authorize under a key."""
        answer: Json = self.invoke("AuthorizeFunction", {**sample("authorize"), "apiKey": api_key, **changes})
        return answer

    def settle(self, authorization_id: str, **changes: Any) -> Json:
        """The answer to the sample settle of an authorization."""
        event = {**sample("settle"), "authorizationId": authorization_id, **changes}
        answer: Json = self.invoke("SettleFunction", event)
        return answer

    def describe_key(self, api_key: str, **changes: Any) -> Json:
        """What the key is good for."""
        answer: Json = self.invoke("DescribeKeyFunction", {**sample("describe-key"), "apiKey": api_key, **changes})
        return answer

    def items(self) -> dict[str, list[Json]]:
        """All that is stored, table by table."""
        pages = self.dynamodb.get_paginator("scan")
        return {
            name: [item for page in pages.paginate(TableName=table) for item in page["Items"]]
            for name, table in self.tables.items()
        }

    def put_version(self, table: str, key: Json, version: str) -> None:
        """Give a stored item the mark of another schema version."""
        self.dynamodb.update_item(
            TableName=self.tables[table],
            Key=key,
            UpdateExpression="SET v = :v",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":v": {"N": version}},
        )

    @contextlib.contextmanager
    def stored(self, table: str, key: Json, **changed: Any) -> Iterator[None]:
        """An item with some attributes changed, for a while."""
        name = self.tables[table]
        kept = self.dynamodb.get_item(TableName=name, Key=key)["Item"]
        self.dynamodb.put_item(TableName=name, Item={**kept, **changed})
        try:
            yield
        finally:  # the tests that follow have the same tables
            self.dynamodb.put_item(TableName=name, Item=kept)

    @contextlib.contextmanager
    def sending(self, function: str, send: Send) -> Iterator[None]:
        """Let a function's requests to the store go through `send`, and its retries follow at once.

        As in a process that has just started, its breaker has seen nothing yet.
        """
        module = self.module(function)
        kept = module.deps
        pacing = Pacing(time.monotonic, lambda _: None, lambda: 0.5)
        deps = guarded(kept._replace(send=send, pacing=pacing), telemetry.store_breaker)
        changes: dict[str, Any] = {"deps": deps}
        if hasattr(module, "caches"):
            changes["caches"] = Caches(TierCache(deps), module.caches.refusals)
        if hasattr(module, "tiers"):
            changes["tiers"] = TiersOnce(deps)
        if hasattr(module, "kept"):
            changes["kept"] = ModelPages(deps.pacing.monotonic)
        with patch.multiple(module, **changes):
            yield

    @contextlib.contextmanager
    def impatient(self, name: str) -> Iterator[None]:
        """Let the function of a sample try again at once where it would pause."""
        function = FUNCTION_OF_SAMPLE[name]
        with self.sending(function, self.module(function).deps.send):
            yield

    @contextlib.contextmanager
    def _permitted(self, function: str) -> Iterator[None]:
        """Whatever clients are made meanwhile do what the function may do and no more."""
        logical = {physical: name for name, physical in self.tables.items()}
        boto3.setup_default_session()  # as at a cold start, for the function alone
        check = permitted.of_clients(permits(), function, logical)
        boto3.DEFAULT_SESSION.events.register("before-parameter-build", check)
        try:
            yield
        finally:
            boto3.DEFAULT_SESSION = None

    @contextlib.contextmanager
    def _environment(self, function: Function) -> Iterator[None]:
        """What the function is given and nothing else; names of tables are CloudFormation's."""
        given = {name: self.tables.get(value, value) for name, value in function.environment.items()}
        outside = {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_LAMBDA_FUNCTION_NAME": function.name}
        outside["STORE_CLIENT"] = self.store_client
        if self.endpoint is not None:
            outside["AWS_ENDPOINT_URL_DYNAMODB"] = self.endpoint
        with patch.dict(os.environ, {**given, **outside}, clear=True):
            yield


def tables_of_template() -> Json:
    """The template with its tables alone: artifacts of functions do not exist before a build."""
    expanded = expanded_template()
    tables = {name: resource for name, resource in expanded["Resources"].items() if resource["Type"] == _TABLE}
    return {"Parameters": expanded["Parameters"], "Resources": tables}


def create_stack(name: str) -> dict[str, str]:
    """Make the template's tables by CloudFormation; their names by logical name."""
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(tables_of_template()))
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}


@contextlib.contextmanager
def deployed_on_failing_store(status: int, code: str, template: Template | None = None) -> Iterator[Service]:
    """A service whose store answers every request with an error of DynamoDB's; `template` shares its secrets."""

    with serving() as wire:
        wire.refuses(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": INSIDE})
        yield Service(template or _template(), {}, None, endpoint=wire.url, store_client="lean")


@contextlib.contextmanager
def deployed_on_moto() -> Iterator[Service]:
    """A service with a stack of its own in moto, whose answers take many times as long as the engine's."""
    with mock_aws():
        number = next(_numbers)
        tables = create_stack(f"modelpass-{number}")
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        seed_catalogue(dynamodb, tables["CatalogueTable"], ROOT / "catalogue.json")
        yield Service(_template(), tables, dynamodb, number)


@contextlib.contextmanager
def deployed_on(engine: str) -> Iterator[Service]:
    """A service on tables of its own in a real engine."""
    prefix, dynamodb = f"h{os.getpid()}x{next(_numbers)}-", client(engine)
    prefixed, template = template_of(prefix), _template()
    create_tables(dynamodb, prefixed)
    tables = {table["TableName"].removeprefix(prefix): table["TableName"] for table in prefixed.tables}
    seed_catalogue(dynamodb, tables["CatalogueTable"], ROOT / "catalogue.json")
    yield Service(template, tables, dynamodb, endpoint=engine)
    spare_tables.drop(dynamodb, prefixed)


def _template() -> Template:
    expanded = expanded_template()
    return read(expanded, ROOT, secret_values(expanded))


def _import(function: Function, number: int) -> ModuleType:
    """Every function's module is called `app`: each is imported by path, under a name of its own."""
    path = function.folder / "app.py"
    spec = importlib.util.spec_from_file_location(f"handler_{number}_{function.folder.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(*bodies: object) -> Json:
    """The sample batch with the bodies given, texts as they are; messages are called m-0, m-1 and so on."""
    template = sample("settle-batch")["Records"][0]
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{**template, "messageId": f"m-{n}", "body": text} for n, text in enumerate(texts)]}
