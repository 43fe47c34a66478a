"""The client by one of its ways, which `BENCH_WAY` names. Rule: its public API alone, made as the environment says.

`backend` ways are without the client around them: the two requests and nothing else.
"""

from __future__ import annotations

import http.client
import json
import os
from typing import Any, Final

from benchmarks.router.drivers.loops import serve
from modelpass_client import Client, Refused, Report, settings

MODEL: Final = "claude-opus-4-6"
HOST, PORT = os.environ["BENCH_SERVICE"].split(":")
SECONDS: Final = 60.0


def asked(function: str, payload: Any) -> Any:
    """What the service's process answers."""
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=SECONDS)
    connection.request("POST", f"/2015-03-31/functions/{function}/invocations", json.dumps(payload))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


class ByClient:
    """A grant is a `Grant`; on a lease it is decided here."""

    reports = True

    def __init__(self, *, leased: bool) -> None:
        self.client = Client.from_env()
        self.leased = leased
        self.leases: dict[str, Any] = {}

    def prepare(self, name: str, calls: int, tokens: int, _: int) -> Any:
        """Buy a subscription."""
        return asked("Purchase", {"name": name, "calls": calls, "tokens": tokens})

    def check(self, key: Any, tokens: int, _: str) -> Any:
        """Ask for a grant; None where a limit refuses it."""
        api_key = key["apiKey"]
        if self.leased and api_key not in self.leases:
            self.leases[api_key] = self.client.lease(api_key, MODEL)
        try:
            return self.client.authorize(api_key, MODEL, tokens)
        except Refused as refused:
            if refused.status != 429:  # any other refusal is a fault of this script
                raise
            return None

    def report(self, _: Any, grant: Any, used: int) -> None:
        """Report what was used, in the background."""
        grant.settle(Report(used))

    def flush(self) -> None:
        """Wait for the reports; a lease goes on and reports at its own times."""
        if not self.client.flush(SECONDS):
            raise RuntimeError("reports wait that are not delivered")

    def left(self, key: Any) -> Any:
        """How much of the cap is neither used nor held."""
        return key["tokens"] - sum(asked("Counters", key)[what] for what in ("used", "held"))


class ByBackend(ByClient):
    """The way alone: a grant is the answer."""

    def __init__(self) -> None:
        self.backend = settings.backend_from(os.environ)

    def check(self, key: Any, tokens: int, number: str) -> Any:
        """Send authorize's payload."""
        payload = {"apiKey": key["apiKey"], "modelId": MODEL, "requestId": number, "attempt": number}
        answer = self.backend.authorize({**payload, "estimatedUsage": tokens})
        if not answer["allowed"]:
            raise RuntimeError(answer["error"]["code"])
        return answer["authorizationId"]

    def report(self, _: Any, grant: Any, used: int) -> None:
        """Send settle's payload."""
        answer = self.backend.settle({"authorizationId": grant, "actualUsage": used})
        if not answer["settled"]:
            raise RuntimeError(answer["error"]["code"])

    def flush(self) -> None:
        """Everything is sent."""


if __name__ == "__main__":
    way = os.environ["BENCH_WAY"]
    serve(ByBackend() if way == "backend" else ByClient(leased=way == "lease"))
