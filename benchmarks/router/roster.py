"""Who is measured: each way of the client, and what it is held against. Rule: all are asked the same questions."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Final

from benchmarks.peers.environments import TOOLS
from benchmarks.peers.roster import Row, environment_of
from local.machine import ROOT

DRIVERS: Final = "benchmarks.router.drivers"
FEW, SOME, MANY = 8, 50, 2_000


@dataclass(frozen=True, slots=True)
class Way:
    """One row of the table."""

    row: Row
    times: int = FEW
    """So many decisions are open at once where CPU is measured: as many as fit one write unit, or a lease."""
    workers: int = 4
    """So many threads or tasks make what one process can; one where nothing is waited for."""
    processes: int = 8
    ours: bool = False
    shown: bool = True
    """Whether it is a way to decide, and not a part of one."""

    @property
    def name(self) -> str:
        """As the table has it."""
        return self.row.name

    @property
    def leased(self) -> bool:
        """Whether it decides on a lease."""
        return self.row.more.get("BENCH_WAY") == "lease"

    @property
    def stores(self) -> bool:
        """Whether its decisions are in DynamoDB."""
        return self.ours and self.shown


@dataclass(frozen=True, slots=True)
class Places:
    """Where the stores are, and the settings of functions."""

    own: dict[str, str] = field(repr=False)
    dynamodb: str = ""
    redis: str = ""
    service: str = ""
    """Host and port of the process that stands for Lambda."""


def environment(way: Way, places: Places, window_seconds: int) -> dict[str, str]:
    """The environment of a way's driver."""
    given = environment_of(way.row, places.own, places.dynamodb, places.redis, window_seconds)
    if not way.ours:
        return given
    direct = {f"MODELPASS_{name}": value for name, value in places.own.items() if not name.startswith("POWERTOOLS")}
    return {
        **given,
        **direct,
        "PYTHONPATH": f"clients/python:layers/modelpass:{ROOT}",
        "AWS_REGION": given["AWS_DEFAULT_REGION"],
        "MODELPASS_ENDPOINT": f"http://{places.service}",
        "MODELPASS_STORE_ENDPOINT": places.dynamodb,
        "MODELPASS_SETTLE_THREADS": "4",
        "BENCH_SERVICE": places.service,
    }


def _python(environment: str, module: str) -> tuple[str, ...]:
    python = str(TOOLS / f"peers-{environment}" / "bin" / "python") if environment else sys.executable
    return (python, "-m", f"{DRIVERS}.{module}")


def _client(name: str, backend: str, way: str) -> Row:
    return Row(name, _python("", "client_way"), more={"MODELPASS_BACKEND": backend, "BENCH_WAY": way})


def _other(name: str, environment: str, module: str, store: str) -> Row:
    return Row(name, _python(environment, module), environment, store)


BARE: Final = "bare boto3 `update_item`"
INVOKE_ALONE, BOTO3_ALONE = "Invoke, lean: the way alone", "Invoke, boto3: the way alone"
DIRECT_ALONE: Final = "direct: the way alone"
INVOKE, BOTO3, DIRECT, LEASE = "client, Invoke lean", "client, Invoke by boto3", "client, direct", "client, lease"
LIMITS_REDIS: Final = "`limits` 5.8.0, Redis"

WAYS: Final = (
    Way(Row(BARE, _python("", "bare_update")), shown=False),
    Way(_client(BOTO3_ALONE, "boto3", "backend"), ours=True, shown=False),
    Way(_client(INVOKE_ALONE, "invoke", "backend"), ours=True, shown=False),
    Way(_client(DIRECT_ALONE, "direct", "backend"), ours=True, shown=False),
    Way(_client(BOTO3, "boto3", "each"), ours=True),
    Way(_client(INVOKE, "invoke", "each"), ours=True),
    Way(_client(DIRECT, "direct", "each"), ours=True),
    Way(_client(LEASE, "invoke", "lease"), times=MANY, workers=1, ours=True),
    Way(_other("`limits` 5.8.0, memory", "limits", "limits_storage", "memory"), times=MANY, workers=1),
    Way(_other(LIMITS_REDIS, "limits", "limits_storage", "Redis"), times=SOME),
    Way(_other("LiteLLM 1.106.0's limiter, memory", "litellm", "litellm_limiter", "memory"), times=SOME, processes=2),
    Way(_other("LiteLLM 1.106.0's limiter, Redis", "litellm", "litellm_limiter", "Redis"), times=SOME, processes=2),
)
