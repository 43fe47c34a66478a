"""`make scale`: the work of a reset among 100,000 entitlements, alone and several at once, and an audit of them all.

Rule: it prints the figures that `docs/scale.md` shows, and asserts only that all work was done. The counts of work are
exact and the same on every machine; seconds are this machine's. For several runs at once, the store is made to answer
after some milliseconds, as one in a Region does.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from deploy.artifact import without_credentials
from local.cloudformation.template import REGION
from local.dynamodb import engine
from local.dynamodb.provisioning import CREDENTIALS
from local.machine import ROOT
from modelpass.times import rfc3339
from ops.audit.targets import names_of
from tests.support.crowd import Crowd, Work, counting, gather
from tests.support.world import new_world

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

SIZES: Final = (10_000, 100_000)
FEW, MANY, TOGETHER = 200, 2_000, 300
RUNS: Final = (1, 2, 10)
LATENCY_SECONDS: Final = 0.01


def main() -> None:
    """Measure, and print."""
    with engine.running() as url:
        _work(url)
        of = _gathered(url, SIZES[-1])
        _row(of, FEW)
        _row(of, MANY)
        _at_once(of)
        _audit(url, of)


def _work(url: str) -> None:
    print(
        "entitlements     due  GetItem  Transact  Query  items read  written  read units  write units  CPU ms an item"
    )
    of = _gathered(url, SIZES[0])
    _row(of, FEW)
    _row(of, MANY)
    of.world.drop_tables()


def _gathered(url: str, size: int) -> Crowd:
    began = time.monotonic()
    of = gather(new_world(url), size)
    sys.stderr.write(f"{size} entitlements are there after {time.monotonic() - began:.0f} s\n")
    return of


def _row(of: Crowd, due: int) -> None:
    of.use(due)
    began = time.process_time()
    work, result = of.reset()
    cpu_ms = (time.process_time() - began) * 1000 / due
    assert (result["windowsRolled"], result["more"]) == (due, False)
    requests = [work.requests[name] for name in ("GetItem", "TransactWriteItems", "Query")]
    figures = (of.size, due, *requests, work.items_read, work.items_written, work.read_units, work.write_units)
    widths = (12, 8, 9, 10, 7, 12, 9, 12, 13)
    print("".join(f"{figure:{width},g}" for figure, width in zip(figures, widths, strict=True)) + f"{cpu_ms:16.1f}")


def _at_once(of: Crowd) -> None:
    """Several runs among the same work: how much of it is done in vain, and how much sooner it is done."""
    print(f"\nruns at once, the store answering after {LATENCY_SECONDS * 1000:g} ms")
    print("runs  items a second  requests an item  refused steps")
    for runs in RUNS:
        due = TOGETHER
        of.use(due)
        works = [Work() for _ in range(runs)]
        refused: Counter[str] = Counter()
        beside = [of.world.with_send(counting(_slow(of.world.deps.send, refused), work)) for work in works]
        began = time.monotonic()
        with ThreadPoolExecutor(runs) as pool:
            results = list(pool.map(lambda world: world.reset(), beside))
        seconds = time.monotonic() - began
        assert sum(r["windowsRolled"] for r in results) == due
        requests = sum(sum(w.requests.values()) - w.requests["Query"] for w in works) + refused.total()
        print(f"{runs:4}{due / seconds:16.0f}{requests / due:18.2f}{refused['ConditionFailedError']:15}")


def _slow(send: Send, refused: Counter[str]) -> Send:
    def slow(operation: str, request: Request) -> Response:
        time.sleep(LATENCY_SECONDS)
        try:
            return send(operation, request)
        except Exception as error:
            refused[type(error).__name__] += 1
            raise

    return slow


def _audit(url: str, of: Crowd) -> None:
    """`make audit` of all of it, in a process of its own."""
    named = {f"{name.upper()}_TABLE": table for name, table in names_of(of.world.tables).items()}
    outside = {"AWS_ENDPOINT_URL_DYNAMODB": url, "AWS_DEFAULT_REGION": REGION, "AT": rfc3339(of.world.clock.now_ms)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "ops", "audit"],
        cwd=ROOT,
        env={**without_credentials(), **CREDENTIALS, **outside, **named},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    most_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # the engine is a child that runs on
    print(f"\naudit: {seconds:.0f} s, {most_mb:.0f} MB, status {done.returncode}\n{done.stdout or done.stderr}", end="")


if __name__ == "__main__":
    main()
