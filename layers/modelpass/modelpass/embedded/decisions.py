"""The router's three functions in a router's process. Rule: their own code, and nothing of the process is read.

Whoever makes one hands everything in: settings by the names that they have in the functions, credentials, and where
lines of the log go. One is made per process, and any number of threads may use it; each call holds its thread for as
long as the store takes, so no event loop may run it.

The clock of this machine is the service's here. While it differs from that of the store's replies by over 2 seconds,
or is not known to agree, nothing is granted: every authorize that would look at the clock is `temporarily_unavailable`,
and so is a settle that would let a hold go on. A report that ends a hold is booked all the same: a hold belongs to the
windows that it was granted in, and the time of booking is taken from the store where this machine's is wrong.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.dynamodb import transport
from modelpass.dynamodb.endpoint import ConfigError, credentials_of, missing, region_of, store_endpoint
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.transport import Cause, StoreBusyError, StoreError
from modelpass.embedded.service_clock import ServiceClock
from modelpass.entitlements.commands.authorize import Caches
from modelpass.errors import temporarily_unavailable
from modelpass.router.authorize import handle_authorize
from modelpass.router.describe_key import handle_describe_key
from modelpass.router.settle import handle_settle
from modelpass.runtime import config, telemetry, wiring
from modelpass.runtime.telemetry import Output
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelpass.dynamodb.sigv4 import Credentials

    Json = dict[str, Any]

__all__ = ["NEEDED", "OPTIONAL", "ConfigError", "Decisions"]

NOWHERE: Final = Output(None)
TABLES: Final = (
    *("ENTITLEMENTS_TABLE", "SUBSCRIPTIONS_TABLE", "HISTORY_TABLE"),
    *("EVENTS_TABLE", "CATALOGUE_TABLE", "TIERS_TABLE"),
)
"""The settings that name tables; each of them is needed."""
NEEDED: Final = ("AWS_REGION", "DEPLOYMENT_KEY", *TABLES)
"""The settings that are needed."""
OPTIONAL: Final = (
    *("AWS_ENDPOINT_URL_DYNAMODB", "DEPLOYMENT_KEYS_ACCEPTED"),
    *("MAX_OPEN_HOLDS", "SALE_APPROVAL", "SCHEMA_VERSION_WRITTEN"),
)
"""The settings that are needed where the deployment has others than the defaults; further names are passed over."""
_ASKS_AGAIN_SECONDS: Final = 1.0
"""How long after the last reply the store is asked for its time once more, before a request is refused for it."""
_ID_BYTES: Final = 8


class Decisions:
    """The router's door, opened inside of a router's process.

    `settings` has all that is `NEEDED`, and what is `OPTIONAL` as far as the deployment's differs from the defaults.
    They must be those of the deployment's functions. Raises `ConfigError`, which names a setting that is missing or
    wrong and never shows its value.

    `credentials` is called for each request to the store. When it raises, nothing is granted. `output` says where lines
    of the log go; what its `write` raises is passed over.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        credentials: Callable[[], Credentials],
        output: Output = NOWHERE,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        for name in NEEDED:
            if not settings.get(name):
                raise missing(name)
        self._output = _safe(output)
        self._clock = ServiceClock(wall_ns, time.monotonic)
        self._client = LeanClient(
            store_endpoint(settings),
            region_of(settings),
            _checked(credentials),
            clock=lambda: self._clock.now_ms() / MS_PER_SECOND,
            heard=self._clock.heard,
        )
        keys = config.signing_keys(settings)
        deps = wiring.deps_around(self._client.send, config.tables(settings), keys)
        deps = deps._replace(
            max_open_holds=config.max_open_holds(settings),
            sale_approval=config.sale_approval(settings),
        )
        self._settling = deps._replace(now_ms=self._clock.now_ms)
        self._granting = deps._replace(now_ms=self._trusted_now_ms)
        self._caches = Caches.empty(self._granting)
        self._asked_at = float("-inf")
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"Decisions({self._settling.tables.entitlements})"

    def authorize(self, event: object) -> Json:
        """Answer one authorize as `AuthorizeFunction` does; it raises nothing."""
        self._own_connections()
        with telemetry.written_to(self._output):
            return handle_authorize(self._granting, self._caches, event, self._new_id())

    def settle(self, event: object) -> Json:
        """Answer one settle, or a batch of them, as `SettleFunction` does; it raises nothing.

        While the clock is not known to be right, a settle that lets its hold go on is refused, with nothing booked: the
        same report may be sent again later, or to the function.
        """
        self._own_connections()
        with telemetry.written_to(self._output):
            goes_on = isinstance(event, dict) and event.get("continue") is not None
            deps = self._granting if goes_on else self._settling
            return handle_settle(deps, self._caches.tiers, event, self._new_id(), deps.stop_at)

    def describe_key(self, event: object) -> Json:
        """Answer what a key is good for as `DescribeKeyFunction` does; it raises nothing.

        What it tells is as of now, so it is refused as well while the clock is not known to be right.
        """
        self._own_connections()
        with telemetry.written_to(self._output):
            return handle_describe_key(self._granting, event, self._new_id())

    def clock_difference_ms(self) -> int | None:
        """By how much this machine's clock is ahead of the service's for certain (below 0: behind), 0 within 2 seconds.

        None when that is not known: no reply of the last minute has told the service's time.
        """
        return self._clock.difference_ms()

    def close(self) -> None:
        """Close the connections that wait."""
        self._client.close()

    def _own_connections(self) -> None:
        """Let go of connections that were made before a fork: the other process reads its replies from them."""
        if self._process != os.getpid():
            self._client.close()
            self._process = os.getpid()

    def _new_id(self) -> str:
        return self._settling.entropy(_ID_BYTES).hex()

    def _trusted_now_ms(self) -> int:
        """The time by this machine's clock; raises `temporarily_unavailable` unless the store's is known to agree."""
        difference = self._clock.difference_ms()
        if difference == 0:
            return self._clock.wall_ms()
        now = self._granting.pacing.monotonic()
        if difference is None or now - self._asked_at >= _ASKS_AGAIN_SECONDS:
            self._asked_at = now
            self._ask()
            difference = self._clock.difference_ms()
        if difference == 0:
            return self._clock.wall_ms()
        if difference is None:
            telemetry.note(clock="unknown")
        else:
            telemetry.note(clock="differs", clockAheadMs=difference)
        raise temporarily_unavailable()

    def _ask(self) -> None:
        """Send the cheapest request there is, for the date of its reply, which one that tells of an error has, too."""
        with suppress(StoreError):
            transport.get(self._granting.send, self._granting.tables.tiers, schema.primary_key(tiers_down_key()))


def _checked(credentials: Callable[[], Credentials]) -> Callable[[], Credentials]:
    """The same, for a client: what cannot stand in a header is refused, and what fails is a store that is not asked."""
    last: list[Credentials] = []

    def checked() -> Credentials:
        try:
            given = credentials()
        except Exception as error:
            raise StoreBusyError(type(error).__name__, Cause.OPEN) from None
        if last[:1] != [given]:
            key_id, secret, token = given
            named = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token or ""}
            last[:1] = [credentials_of(named)]
        return last[0]

    return checked


def _safe(output: Output) -> Output:
    """The same, whose `write` raises nothing: no grant is lost for a log that is full.

    Raises `ConfigError` for a level that there is not.
    """
    if output.level not in telemetry.LEVELS:
        msg = f"the level of the log must be one of {', '.join(telemetry.LEVELS)}"
        raise ConfigError(msg)
    write = output.write
    if write is None:
        return output

    def written(line: str) -> None:
        with suppress(Exception):  # it is the log that fails: there is nowhere to tell of it
            write(line)

    return output._replace(write=written)
