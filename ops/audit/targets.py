"""Which tables an audit looks at, from the environment. Rule: a missing table is reported, and nothing is created.

A deployment is named by its tables (`ENTITLEMENTS_TABLE=…` and so on, such as tables restored under other names), or by
its CloudFormation stack (`STACK=…`; a table that is named as well replaces the stack's), both through the standard AWS
environment. `AT=…` sets the time to audit as of.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import boto3

from modelpass.runtime import config
from modelpass.schema import Tables
from modelpass.times import NS_PER_MS, TIME_RULE, instant_ms
from ops.aws import dynamodb_client
from ops.errors import CommandError
from ops.stack_tables import LOGICAL, table_names

if TYPE_CHECKING:
    from collections.abc import Callable

_AUDITED: Final = ("entitlements", "subscriptions", "history", "events")


@dataclass(frozen=True, slots=True)
class Target:
    """A client, the tables, and the clock of the functions that write them, in milliseconds."""

    dynamodb: Any
    tables: Tables
    now_ms: Callable[[], int]

    def as_of(self, at_ms: int | None) -> Target:
        """The same tables as of an instant; None leaves the time as it is."""
        return self if at_ms is None else replace(self, now_ms=lambda: at_ms)


def deployment() -> Target:
    """The deployment that the environment names; raises `CommandError` when it names none, or lacks a table."""
    at_ms = time_named()
    if not is_named():
        raise CommandError("Say what to audit: STACK=name, or the tables by name.")
    stack = os.environ.get("STACK")
    deployed = table_names(boto3.client("cloudformation"), stack) if stack else {}
    tables = Tables()._replace(**{**deployed, **_named()})
    return Target(dynamodb_client(), complete(tables), system_ms).as_of(at_ms)


def is_named() -> bool:
    """Whether the environment names a deployment, or a table of one."""
    return bool(os.environ.get("STACK") or _named())


def _named() -> dict[str, Any]:
    return {name: value for name, value in names_of(config.tables(os.environ)).items() if value}


def time_named() -> int | None:
    """The time in `AT`, in milliseconds, None when it is not set; raises `CommandError` when it is no time."""
    text = os.environ.get("AT")
    if not text:
        return None
    at_ms = instant_ms(text)
    if at_ms is None:
        raise CommandError(f"AT must be {TIME_RULE}, not {text!r}.")
    return at_ms


def names_of(tables: Tables) -> dict[str, Any]:
    """The names of tables by what they hold."""
    return {kind: getattr(tables, kind) for kind in LOGICAL}


def complete(tables: Tables) -> Tables:
    """Tables that can be audited; raises `CommandError` naming those that are missing."""
    missing = [f"{name.upper()}_TABLE" for name in _AUDITED if not getattr(tables, name)]
    if missing:
        raise CommandError(f"Which tables are meant? There is no {', '.join(missing)}.")
    return tables


def system_ms() -> int:
    """The machine's own time in milliseconds."""
    return time.time_ns() // NS_PER_MS
