"""Which tables an audit looks at, from the environment. Rule: what is not there is said, and nothing is made.

By the tables' names (`ENTITLEMENTS_TABLE=…` and so on, such as those of tables restored under other names), by a
CloudFormation stack (`STACK=…`; a name given beside it counts more), both through the standard AWS environment; by a
folder that `make run DATA=…` has filled; or, with none of these, those of the local stack that runs at `PORT`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

import boto3
from botocore.config import Config

from local import database, engine, settings, template
from local.deployed import LOGICAL, table_names
from local.engine import HOST, ROOT
from local.problems import StartError
from modelpass import config
from modelpass.windows import instant_ms
from modelpass.writes import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.template import Template

WORKERS: Final = 16
_ANSWER_SECONDS: Final = 20
_RETRIES: Final = Config(retries={"mode": "standard", "total_max_attempts": 10}, max_pool_connections=WORKERS)
_AUDITED: Final = ("entitlements", "subscriptions", "history", "events")
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """A client, the tables, and the time that those who write them go by."""

    dynamodb: Any
    tables: Tables
    now_ms: Callable[[], int]


@contextlib.contextmanager
def chosen() -> Iterator[Target]:
    """What the environment names; raises `StartError` when it is not there."""
    named = {name: value for name, value in names_of(config.tables(os.environ)).items() if value}
    stack, data = os.environ.get("STACK"), settings.data_folder()
    at_ms = _instant()
    now_ms = _system_ms if at_ms is None else (lambda: at_ms)
    if stack or named:
        deployed = table_names(boto3.client("cloudformation"), stack) if stack else {}
        tables = Tables()._replace(**{**deployed, **named})
        yield Target(boto3.client("dynamodb", config=_RETRIES), _complete(tables), now_ms)
    elif data is not None:
        if not data.is_dir():
            raise StartError(f"There is no data in {data}.")
        with settings.claimed(data), engine.running(data) as url:
            yield Target(database.client(url), _of_template(_template()), now_ms)
    else:
        found = _running(settings.port())
        yield replace(found, now_ms=now_ms) if at_ms is not None else found


def names_of(tables: Tables) -> dict[str, Any]:
    """The names of tables by what they hold."""
    return {kind: getattr(tables, kind) for kind in LOGICAL}


def _template() -> Template:
    expanded = template.load(settings.template_file(), settings.parameters())
    return template.read(expanded, ROOT, template.secret_values(expanded))


def _of_template(read: Template) -> Tables:
    """The tables as the functions are told of them."""
    told: dict[str, str] = {}
    for function in read.functions.values():
        told |= function.environment
    return config.tables(told)


def _running(port: int) -> Target:
    """The tables of the stack at a port, and its clock."""
    url = f"http://{HOST}:{port}"
    told = _ask(f"{url}/_local/store", url)
    try:
        dynamodb, tables = database.client(told["endpoint"]), _complete(Tables(**told["tables"]))
    except (KeyError, TypeError):
        raise StartError(f"What answers at {url} is no stack of this version.") from None

    def now_ms() -> int:
        return instant_ms(_ask(f"{url}/_local/clock", url)["now"]) or _system_ms()

    return Target(dynamodb, tables, now_ms)


def _ask(address: str, url: str) -> Any:
    try:
        with urlopen(address, timeout=_ANSWER_SECONDS) as response:  # noqa: S310
            return json.load(response)
    except (OSError, ValueError) as error:
        what = f"No stack answers at {url} ({error}): start one with `make run`, or say what to audit"
        raise StartError(f"{what}: DATA=folder, STACK=name, or the tables by name.") from None


def _complete(tables: Tables) -> Tables:
    missing = [f"{name.upper()}_TABLE" for name in _AUDITED if not getattr(tables, name)]
    if missing:
        raise StartError(f"Which tables are meant? There is no {', '.join(missing)}.")
    return tables


def _instant() -> int | None:
    text = os.environ.get("AT")
    if not text:
        return None
    at_ms = instant_ms(text)
    if at_ms is None:
        raise StartError(f"AT must be a time such as 2026-12-24T00:00:00Z, not {text!r}.")
    return at_ms


def _system_ms() -> int:
    return time.time_ns() // _NS_PER_MS
