"""The functions behind Lambda Invoke, in a process of their own. Rule: it stands for Lambda, and nobody measures it.

Each connection has the functions' modules loaded for itself, as an execution environment has. Besides, `Purchase` makes
a subscription, and `Counters` tells what is stored of one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.setting import zone_where_it_is_morning
from local.machine import HOST, ROOT
from modelpass.api.subscription_bodies import parse_purchase
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from modelpass.runtime import wiring
from modelpass.subscriptions.commands import purchase

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

MODEL: Final = "claude-opus-4-6"
FOLDERS: Final = {
    "AuthorizeFunction": "authorize",
    "SettleFunction": "settle",
    "DescribeKeyFunction": "describe_key",
}
CONTEXT: Final = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 15_000)


class Environments(threading.local):
    """The functions of one thread, each loaded when it is first asked."""

    def __init__(self) -> None:
        self.loaded: dict[str, Callable[[Json, Any], Any]] = {}

    def of(self, name: str) -> Callable[[Json, Any], Any]:
        """The handler of a function."""
        if name not in self.loaded:
            spec = importlib.util.spec_from_file_location(
                f"bench_{name}", ROOT / "functions" / FOLDERS[name] / "app.py"
            )
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self.loaded[name] = module.lambda_handler
        return self.loaded[name]


ENVIRONMENTS: Final = Environments()


class Service(BaseHTTPRequestHandler):
    """Lambda's Invoke, as far as a router uses it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Carry out one function."""
        name = self.path.split("/")[3]
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        own = {"Purchase": bought, "Counters": counters}.get(name)
        answer = own(event) if own else ENVIRONMENTS.of(name)(event, CONTEXT)
        content = json.dumps(answer, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def bought(event: Json) -> Json:
    """A new subscription of one model with these limits, in a time zone whose day has hours to go."""
    line = {"modelId": MODEL, "channelTier": "stable", "dailyCallLimit": event["calls"]}
    body = {"models": [{**line, "monthlyTokenCap": event["tokens"]}], "timezone": zone_where_it_is_morning()}
    made = purchase.purchase(wiring.deps(signs=True), event["name"], parse_purchase(body), None)
    return {"apiKey": made.api_key, "subscriptionId": made.subscription.id}


def counters(event: Json) -> Json:
    """What is stored of the subscription's one entitlement: calls of the day, units used and units held."""
    deps = wiring.deps(signs=True)
    found = EntitlementId(event["subscriptionId"], 1, MODEL)
    key = {"TableName": deps.tables.entitlements, "Key": entitlement_items.entitlement_key(found)}
    read = entitlement_items.entitlement_of(deps.send("GetItem", {**key, "ConsistentRead": True})["Item"])
    held = sum(hold.units for hold in read.holds.values())
    return {"calls": read.counters.day_calls, "used": read.counters.month_used, "held": held}


def main() -> None:
    """Serve until standard input ends; the first line of output is the port."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)  # the functions' log
    server = ThreadingHTTPServer((HOST, 0), Service)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out.write(f"{server.server_port}\n")
    out.flush()
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
