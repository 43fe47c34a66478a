"""How the built functions bear a store that hangs or throttles, and how soon they grant again once it is well.

Rule: it asserts that every grant is counted, and that nothing else is; of times and shares it asserts nothing.

Several execution environments of authorize, each asked by a caller of its own for one customer after the other, reach
the real engine through a relay. For a while the relay hangs, which means that it takes requests and answers none, or it
answers every request with a ThrottlingException. Then it passes everything on again.

    MODELPASS_ARTIFACTS=.aws-sam/here-3.13 LAMBDA_PYTHON=3.13 PYTHONPATH=layers/modelpass:. \
      AWS_DEFAULT_REGION=eu-west-1 .venv/bin/python -m benchmarks.recovery 60
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from benchmarks import callers, page, setting
from benchmarks.setting import AUTHORIZE
from local.awslambda.emulator import EmulatedRuntime
from local.run import surroundings
from ops.errors import CommandError
from tests.support.relay import Relay, relay_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.setting import Setting

Kind = Literal["hang", "throttle"]
Json = dict[str, Any]

KINDS: Final[tuple[Kind, ...]] = ("hang", "throttle")
SECONDS: Final = 60.0
PROCESSES: Final = 4
CUSTOMERS: Final = 8
_BEFORE_SECONDS: Final = 5.0
_AFTER_SECONDS: Final = 15.0
_PACE_SECONDS: Final = 0.05
_WINDOW_SECONDS: Final = 1.0
_WELL: Final = 0.99
_TIMEOUT_SECONDS: Final = 15
_numbers = itertools.count()


class Figures(NamedTuple):
    """What was seen. Latencies are of authorizes refused meanwhile, as their caller saw them."""

    kind: Kind
    granted_before: float
    granted_meanwhile: float
    requests_per_authorize: float
    """Requests to the store by authorizes, both of the time in which the store was sick."""
    recovered_seconds: float
    """From when the store is well until 99 % of authorizes are granted, in every second from then on."""
    refused_median_ms: float
    refused_p99_ms: float


class Asked(NamedTuple):
    """One authorize: when it began and how long it took, in seconds by a steady clock, and whether it was granted."""

    began: float
    took: float
    granted: bool


@dataclass(slots=True)
class Store:
    """The relay, and when which request of the functions came to it."""

    relay: Relay
    came: list[float] = field(default_factory=list)
    well: threading.Event = field(default_factory=threading.Event)

    def let_pass(self, _: str) -> None:
        """Note a request; while the relay hangs, keep it until it is well again, and then drop it."""
        self.came.append(time.monotonic())
        if not self.well.is_set():
            self.well.wait()
            raise ConnectionAbortedError

    @contextmanager
    def sick(self, kind: Kind) -> Iterator[None]:
        """Hang or throttle meanwhile."""
        try:
            if kind == "hang":
                self.well.clear()
            else:
                self.relay.refusing = "ThrottlingException"
            yield
        finally:
            self.relay.refusing = None
            self.well.set()


def recovery(kind: Kind, seconds: float = SECONDS) -> Figures:
    """Let the store be sick for so long under a load, and tell how it was borne; the build has to be there."""
    with setting.ready() as prepared, relay_to(prepared.url) as relay, ExitStack() as cleanup:
        store = Store(relay)
        store.well.set()
        relay.before = store.let_pass
        cleanup.callback(store.well.set)
        bought = [prepared.buy() for _ in range(CUSTOMERS)]
        for each in bought:
            prepared.use(each)
        runtimes = _runtimes(prepared, relay.url, cleanup)
        ends = threading.Event()
        with ThreadPoolExecutor(PROCESSES) as pool:
            calling = [pool.submit(_call, prepared, runtime, bought, ends) for runtime in runtimes]
            try:
                time.sleep(_BEFORE_SECONDS)
                began = time.monotonic()
                with store.sick(kind):
                    time.sleep(seconds)
                ended = time.monotonic()
                time.sleep(_AFTER_SECONDS)
            finally:
                ends.set()
            asked = sorted(one for done in calling for one in done.result())
        counted = sum(prepared.world.entitlement(each["subscriptionId"]).counters.day_calls - 1 for each in bought)
        granted = sum(one.granted for one in asked)
        assert counted == granted, f"{granted} were granted, {counted} are counted"
    return figures_of(kind, asked, store.came, began, ended)


def _runtimes(prepared: Setting, url: str, cleanup: ExitStack) -> list[EmulatedRuntime]:
    log = tempfile.TemporaryFile(prefix="modelpass-bench-")  # noqa: SIM115 - closed with the rest
    cleanup.callback(log.close)
    function = prepared.function(AUTHORIZE, AWS_ENDPOINT_URL_DYNAMODB=url)
    made = []
    for _ in range(PROCESSES):
        runtime = EmulatedRuntime(function, surroundings(), log, prepared.tools)
        cleanup.callback(runtime.stop)
        runtime.wait_ready()
        _invoke(runtime, {})  # loads the function
        made.append(runtime)
    return made


def _invoke(runtime: EmulatedRuntime, event: Json) -> Any:
    return runtime.invoke({"event": event, "nowMs": None, "timeoutSeconds": _TIMEOUT_SECONDS})


def _call(prepared: Setting, runtime: EmulatedRuntime, bought: list[Json], ends: threading.Event) -> list[Asked]:
    """Ask for one customer after the other, and settle what is granted past the relay, so that holds do not pile up."""
    asked: list[Asked] = []
    for each in itertools.cycle(bought):
        if ends.is_set():
            return asked
        began = time.monotonic()
        answer = _invoke(runtime, callers.ask(each["apiKey"], f"recovery-{next(_numbers)}"))
        took = time.monotonic() - began
        assert answer["allowed"] or answer["error"]["code"] == "temporarily_unavailable", answer
        asked.append(Asked(began, took, answer["allowed"]))
        if answer["allowed"]:
            assert prepared.world.settle(answer["authorizationId"], 1)["settled"]
        time.sleep(max(0.0, _PACE_SECONDS - (time.monotonic() - began)))
    return asked


def figures_of(kind: Kind, asked: list[Asked], came: list[float], began: float, ended: float) -> Figures:
    """What follows from all authorizes and store requests of a run, whose store was sick from `began` to `ended`."""
    before = [one for one in asked if one.began + one.took < began]
    meanwhile = [one for one in asked if began <= one.began < ended]
    refused_ms = [one.took * 1000 for one in meanwhile if not one.granted]
    cuts = statistics.quantiles(refused_ms, n=100)
    return Figures(
        kind=kind,
        granted_before=_share(before),
        granted_meanwhile=_share(meanwhile),
        requests_per_authorize=sum(began <= at < ended for at in came) / len(meanwhile),
        recovered_seconds=_recovered([one for one in asked if one.began >= ended], ended),
        refused_median_ms=cuts[49],
        refused_p99_ms=cuts[98],
    )


def _share(asked: list[Asked]) -> float:
    return sum(one.granted for one in asked) / len(asked)


def _recovered(after: list[Asked], ended: float) -> float:
    """The first moment from which on every second has its share of grants, in seconds since `ended`."""
    last_bad = ended
    for at in [ended, *(one.began for one in after)]:
        window = [one for one in after if at <= one.began < at + _WINDOW_SECONDS]
        if window and _share(window) < _WELL:
            last_bad = max(last_bad, *(one.began + one.took for one in window if not one.granted))
    return last_bad - ended


def main() -> int:
    """Measure both kinds, for 60 seconds or as many as the argument says, and print a table; 1 without a build."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    try:
        found = [recovery(kind, seconds) for kind in KINDS]
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    head = ["store", "granted before", "granted meanwhile", "store requests per authorize", "99 % again after, s"]
    rows = [
        [
            f"{one.kind}, {seconds:g} s",
            f"{one.granted_before:.1%}",
            f"{one.granted_meanwhile:.1%}",
            f"{one.requests_per_authorize:.2f}",
            f"{one.recovered_seconds:.1f}",
            f"{one.refused_median_ms:.1f}",
            f"{one.refused_p99_ms:.0f}",
        ]
        for one in found
    ]
    print(page.table([*head, "refused, median ms", "refused, p99 ms"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
