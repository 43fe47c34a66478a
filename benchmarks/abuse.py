"""What abuse costs: requests that nobody profits from, each by its own route, from what they consume here.

Rule: as in `cost`, units, requests and bytes are measured, prices and times are assumptions and are printed as such.
The handlers run in this process, on the engine, as API Gateway and the router invoke them.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from benchmarks import filled
from local.cloudformation import template
from local.machine import ROOT
from modelpass.entitlements.windows import day_of
from modelpass.runtime import wiring
from modelpass.subscriptions.model import MAX_MODELS, MAX_NEW_KEYS_PER_DAY
from tests.support.handlers import FUNCTION_OF_SAMPLE, Service, http_sample
from tests.support.lines import recorded
from tests.support.world import TEXT_MODEL, Recorder, model, template_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

Json = dict[str, Any]

SHARE: Final = Decimal("0.29")
"""Of a core, at 512 MiB."""
WAIT_MS: Final = 4
"""Assumed of each request to the store."""
GATEWAY_HEADERS: Final = 200
"""Bytes that API Gateway sends with each answer, assumed."""
OWN_ANSWER: Final = len(b'{"message":"Unauthorized"}')
DAYS: Final = 365
"""Of use, today included: a subscription of a year that is not over."""
GIB: Final = 1024**3
MILLION: Final = 1_000_000
_DAY_MS: Final = 86_400_000
_TYPICAL: Final = {
    "requestId": "Ofh3yhGUDoEEPkg=",
    "requestTime": "23/Nov/2026:00:00:00 +0000",
    "responseLength": "1234567",
    "status": "200",
    "integrationStatus": "200",
    "responseLatency": "123",
    "integrationLatency": "120",
}
"""What API Gateway puts for its variables; a dash for those that are not here."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request of a kind takes on average."""

    name: str
    gateway: bool
    invocations: int
    write_units: Decimal
    read_units: Decimal
    log_bytes: Decimal
    sent_bytes: Decimal
    billed_ms: Decimal
    most_a_day: int | None = None

    def dollars(self, prices: dict[str, Decimal], memory_mib: Decimal) -> tuple[Decimal, ...]:
        """A million of them: API Gateway, DynamoDB, Lambda, logs, what leaves AWS, and together."""
        seconds = self.invocations * self.billed_ms / 1000 * MILLION
        parts = (
            prices["httpApiRequestsPerMillion"] * self.gateway,
            self.write_units * prices["writeUnitsPerMillion"] + self.read_units * prices["readUnitsPerMillion"],
            self.invocations * prices["lambdaRequestsPerMillion"]
            + seconds * memory_mib / 1024 * prices["lambdaGbSecond"],
            self.log_bytes * MILLION / GIB * prices["logsPerGb"],
            self.sent_bytes * MILLION / GIB * prices["egressPerGb"],
        )
        return (*parts, sum(parts, Decimal(0)))


@dataclass(slots=True)
class Abuser:
    """An account with everything that it may have, and what measures its requests."""

    world: World
    service: Service
    recorder: Recorder
    bought: Json
    order: str

    def http(self, name: str, times: int, sample: str, status: int, **changes: Any) -> Taken:
        """Requests over HTTP."""
        event = http_sample(sample, self.bought["account"], self.bought["subscriptionId"], **changes)
        function, sent = FUNCTION_OF_SAMPLE[sample], 0
        asks_the_store = hasattr(self.service.module(function), "deps")
        through = self.service.sending(function, self.recorder) if asks_the_store else contextlib.nullcontext()
        with through:

            def ask(_: int) -> None:
                nonlocal sent
                answer = self.service.invoke(function, event)
                assert answer["statusCode"] == status, answer
                headers = sum(len(f"{key}: {value}\r\n") for key, value in answer["headers"].items())
                sent = len(answer["body"].encode()) + headers + GATEWAY_HEADERS

            return self._taken(name, times, ask, lambda: sent, line_of(event["routeKey"], self._named(event)))

    def _named(self, event: Json) -> str:
        """The account that the access log names: none where nobody had to say who asks."""
        return self.bought["account"] if "authorizer" in event["requestContext"] else "-"

    def invoked(self, name: str, times: int, event: Callable[[int], Json]) -> Taken:
        """Authorizes that are refused, as the router sends them on for whoever has or had a key."""
        function = "AuthorizeFunction"
        with self.service.sending(function, self.recorder):

            def ask(number: int) -> None:
                assert not self.service.invoke(function, event(number))["allowed"]

            return self._taken(name, times, ask, lambda: 0, None)

    def _taken(
        self, name: str, times: int, ask: Callable[[int], None], sent: Callable[[], int], line: str | None
    ) -> Taken:
        ask(-1)
        self.recorder.clear()
        with recorded("INFO") as written:
            began = time.process_time()
            for number in range(times):
                ask(number)
            cpu_ms = Decimal(time.process_time() - began) * 1000 / times
        requests = Decimal(len(self.recorder.calls)) / times
        logged = Decimal(len(written.getvalue().encode())) / times + len(line or "")
        writes, reads = Decimal(self.recorder.write_units) / times, Decimal(self.recorder.read_units) / times
        billed = cpu_ms / SHARE + requests * WAIT_MS
        return Taken(name, line is not None, 1, writes, reads, logged, Decimal(sent()), billed)


def line_of(route: str, account: str) -> str:
    """What API Gateway writes into its access log for a request."""
    stages = template.load(ROOT / "template.yaml")["Resources"].values()
    formats = [
        r["Properties"]["AccessLogSettings"]["Format"] for r in stages if r["Type"] == "AWS::ApiGatewayV2::Stage"
    ]
    text = formats[0]["Fn::Sub"][0].replace("${Account}", account)
    return re.sub(r"\$context\.([\w.]+)", lambda name: {**_TYPICAL, "routeKey": route}.get(name[1], "-"), text) + "\n"


def cases(world: World, url: str) -> list[Taken]:
    """Every kind, the cheapest first to ask for."""
    of = _abuser(world, url)
    day = day_of(int(time.time() * 1000), "UTC")
    first = (day - timedelta(days=DAYS - 1)).isoformat()
    days = {"rawQueryString": f"from={first}", "queryStringParameters": {"from": first}}
    page = {"rawQueryString": "limit=100", "queryStringParameters": {"limit": "100"}}
    key = of.bought["apiKey"]
    forged = key[:-1] + ("A" if key[-1] != "A" else "B")
    return [
        Taken(
            "without a JWT, 401 by API Gateway",
            gateway=True,
            invocations=0,
            write_units=Decimal(0),
            read_units=Decimal(0),
            log_bytes=Decimal(len(line_of("GET /v1/models", "-"))),
            sent_bytes=Decimal(OWN_ANSWER + GATEWAY_HEADERS),
            billed_ms=Decimal(0),
        ),
        of.http("no such route, 404, anonymous", 50, "not-found", 404),
        of.http(f"`GET /v1/models`, {MAX_MODELS + 3} models", 20, "get-models", 200),
        of.http(f"quote of {MAX_MODELS} models", 20, "quote", 200, body=of.order),
        of.http(f"history, a page of {DAYS} days of {MAX_MODELS} models", 5, "get-history", 200, **days),
        of.http("events, a page of 100", 20, "get-events", 200, **page),
        of.http("purchase, replayed", 20, "purchase", 201, body=of.order),
        of.http("by a forged key alone, 401", 50, "get-key", 401, headers={"authorization": f"Bearer {forged}"}),
        of.http(
            f"by the key alone, {MAX_MODELS} models", 20, "get-key", 200, headers={"authorization": f"Bearer {key}"}
        ),
        of.invoked("authorize with a forged key", 50, lambda number: _ask(forged, f"f-{number}")),
        of.invoked("authorize that is refused", 50, lambda number: _ask(key, f"r-{number}")),
        replace(
            of.http(f"new key, {MAX_MODELS} models", MAX_NEW_KEYS_PER_DAY - 1, "regenerate", 200),
            most_a_day=MAX_NEW_KEYS_PER_DAY,
        ),
        of.http("new key, refused after these", 20, "regenerate", 429),
    ]


def _ask(api_key: str, request_id: str) -> Json:
    return {"apiKey": api_key, "modelId": TEXT_MODEL, "requestId": request_id, "estimatedUsage": 10**15}


def _abuser(world: World, url: str) -> Abuser:
    named = (table for table in world.tables if isinstance(table, str))
    service = Service(template_of(""), {name.rpartition("-")[2]: name for name in named}, world.dynamodb, endpoint=url)
    names = [f"abuse-{number:02d}" for number in range(MAX_MODELS)]
    for name in names:
        body = json.dumps({"modelId": name, "kind": "text", "tiers": [_tier()]})
        event = http_sample("put-model", "operator", body=body, rawPath=f"/v1/models/{name}")
        event["pathParameters"] = {"modelId": name}
        answer = service.invoke("CatalogueFunction", event)
        assert answer["statusCode"] == 200, answer
    order = json.dumps({"models": [model(name, calls=10**6, cap=10**9) for name in names], "months": 12})
    account = "acct_abuse"
    now_ms = int(time.time() * 1000)
    with patch.object(wiring, "clock", lambda: now_ms - (DAYS - 1) * _DAY_MS):
        bought = service.answer("purchase", http_sample("purchase", account, body=order)).json | {"account": account}
    filled.with_days(world, bought, names, day_of(now_ms, "UTC"), DAYS)
    filled.with_events(world, bought, 200, now_ms)
    return Abuser(world, service, Recorder(world.store), bought, order)


def _tier() -> Json:
    price = {"currency": "USD", "base": "12.00", "perUnit": "0.000003", "perDailyCall": "0.04"}
    return {"channelTier": "stable", "price": price}


def table(found: list[Taken], prices: dict[str, Decimal], memory_mib: Decimal) -> str:
    """A row for each kind, a million times, in dollars."""
    head = ["a million of", "write units", "read units", "bytes logged", "bytes sent", "ms billed"]
    head += ["API Gateway", "DynamoDB", "Lambda", "logs", "egress", "together"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for one in found:
        figures = [f"{one.write_units:.2f}", f"{one.read_units:.2f}", f"{one.log_bytes:.0f}", f"{one.sent_bytes:.0f}"]
        money = [f"{amount:.2f}" for amount in one.dollars(prices, memory_mib)]
        lines.append(f"| {' | '.join([one.name, *figures, f'{one.billed_ms:.0f}', *money])} |")
    return "\n".join(lines)


def dearest(found: list[Taken], prices: dict[str, Decimal], memory_mib: Decimal, per_second: int) -> str:
    """The dearest route at its throttle, by the hour and by the day; what has a bound by the day, by that."""
    open_ended = (one for one in found if one.gateway and one.most_a_day is None)
    most = max(open_ended, key=lambda one: one.dollars(prices, memory_mib)[-1])
    bounded = [
        f"{one.name}, at most {one.most_a_day} a day of one subscription:"
        f" {one.dollars(prices, memory_mib)[-1] / MILLION * one.most_a_day:.4f} dollars a day."
        for one in found
        if one.most_a_day is not None
    ]
    second = most.dollars(prices, memory_mib)[-1] / MILLION * per_second
    return (
        f"The dearest route at its throttle of {per_second} requests a second: {most.name},"
        f" {second * 3600:.2f} dollars an hour, {second * 86_400:.0f} a day. " + " ".join(bounded)
    )


def throttle() -> int:
    """Requests a second that each route takes by default."""
    return int(template.load(ROOT / "template.yaml")["Parameters"]["ApiRequestsPerSecond"]["Default"])
