"""Who is measured: each row, how its driver is started, what its ratio is to. Rule: all rows are treated alike."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.peers.environments import TOOLS
from local.cloudformation.template import REGION
from local.dynamodb.provisioning import CREDENTIALS
from local.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DRIVERS: Final = "benchmarks.peers.drivers"
WINDOW_SECONDS: Final = 86_400
"""The window of every limit, long enough that none ends during a run."""
SHORT_WINDOW_SECONDS: Final = 8
"""That of the keys whose holder is killed, short enough to see it end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    name: str
    command: Sequence[str | Path]
    environment: str = ""
    """Which of the peers' environments it needs besides the project's own."""
    store: str = "DynamoDB"
    more: dict[str, str] = field(default_factory=dict)
    floor: str = ""
    """The row that does the same without deciding anything, in the same language and on the same store."""
    decides: bool = True


def _own(module: str) -> tuple[str | Path, ...]:
    return (sys.executable, "-m", f"{DRIVERS}.{module}")


def _theirs(environment: str, module: str) -> tuple[str | Path, ...]:
    return (TOOLS / f"peers-{environment}" / "bin" / "python", "-m", f"{DRIVERS}.{module}")


def _on_node(which: str) -> tuple[str | Path, ...]:
    return ("node", ROOT / "benchmarks" / "peers" / "drivers" / "on_node.cjs", which)


YARDSTICK: Final = "bare boto3 `update_item`"
_NODE: Final = "bare `updateItem`, AWS SDK for JavaScript"
_REDIS: Final = "bare redis-py `INCRBY`"

ROWS: Final = (
    Row(YARDSTICK, _own("bare_boto3"), decides=False),
    Row("Modelpass, its own client", _own("modelpass_handlers"), more={"STORE_CLIENT": "lean"}, floor=YARDSTICK),
    Row("Modelpass, boto3", _own("modelpass_handlers"), more={"STORE_CLIENT": "boto3"}, floor=YARDSTICK),
    Row("zae-limiter 0.17.0", _theirs("zae", "zae"), "zae", floor=YARDSTICK),
    Row(_NODE, _on_node("bare"), "node", decides=False),
    Row("rate-limiter-flexible 11.4.0, one limit", _on_node("one"), "node", floor=_NODE),
    Row("rate-limiter-flexible 11.4.0, two limits", _on_node("two"), "node", floor=_NODE),
    Row("LiteLLM 1.106.0 proxy, in memory", _theirs("litellm", "litellm_proxy"), "litellm", "memory"),
    Row("LiteLLM 1.106.0 proxy, Redis", _theirs("litellm", "litellm_proxy"), "litellm", "Redis", floor=_REDIS),
    Row(_REDIS, _theirs("limits", "bare_redis"), "limits", "Redis", decides=False),
    Row("limits 5.8.0, Redis", _theirs("limits", "limits_redis"), "limits", "Redis", floor=_REDIS),
)


def missing(row: Row, failed: dict[str, str]) -> str:
    """Why a row cannot be measured, if it cannot."""
    needed = [row.environment, *(["redis"] if row.store == "Redis" else [])]
    return "; ".join(failed[name] for name in needed if name in failed)


def environment_of(
    row: Row, own: dict[str, str], dynamodb: str, redis: str, window_seconds: int = WINDOW_SECONDS
) -> dict[str, str]:
    """The environment of a row's driver: where its store is, and what its documents advise."""
    given = {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb, **row.more}
    given |= {"AWS_EC2_METADATA_DISABLED": "true"}
    match row.environment:
        case "":
            given |= {"PYTHONPATH": f"layers/modelpass:{ROOT}", **own}
        case "node":
            given |= {"NODE_PATH": str(TOOLS / "peers-node" / "node_modules"), "NODE_ENV": "production"}
        case _:
            given |= {"PYTHONPATH": str(ROOT)}
    if row.environment == "litellm":
        given |= {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it asks nobody outside
            "LITELLM_RATE_LIMIT_WINDOW_SIZE": str(window_seconds),
        }
    if row.store == "Redis":
        given |= {"PEERS_REDIS_ADDRESS": redis, "PEERS_REDIS_URL": f"redis://{redis}"}
    return given
