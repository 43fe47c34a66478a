"""The rooms of the house: which folder may import which, and which files are pure. `docs/architecture.md` draws them.

A file belongs to the first room below whose pattern it matches. It may import what its room lists, and nothing else of
the project. Imports for types count as well: they say what a file knows of.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import modelpass
from tests.support.imports import PACKAGE, SHIPPED, modules

if TYPE_CHECKING:
    from pathlib import Path

ROOT_MODULES: Final = ("api_keys", "encoding", "errors", "ids", "macs", "outbox", "schema", "times")
ROOT: Final = tuple(f"modelpass.{name}" for name in ROOT_MODULES)
PURE_OF_DYNAMODB: Final = ("http1", "pages", "root_certificates", "sigv4", "wire_json")
COMMANDS_USE: Final = (*ROOT, "modelpass.dynamodb.*", "modelpass.runtime.deps", "modelpass.runtime.telemetry")
"""What the commands of every wing may import besides wings."""
DOORS: Final = ("api", "router", "schedule")
BEHIND_A_DOOR: Final = (
    *ROOT,
    "modelpass.catalogue.*",
    "modelpass.entitlements.*",
    "modelpass.subscriptions.*",
    "modelpass.dynamodb.*",
    "modelpass.runtime.config",
    "modelpass.runtime.deps",
    "modelpass.runtime.telemetry",
)
CATALOGUE: Final = "modelpass.catalogue.*"
ENTITLEMENTS: Final = "modelpass.entitlements.*"
SUBSCRIPTIONS: Final = "modelpass.subscriptions.*"

ROOMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # commands first: their pattern is the narrower one
    ("modelpass.catalogue.commands.*", (*COMMANDS_USE, CATALOGUE)),
    ("modelpass.entitlements.commands.*", (*COMMANDS_USE, CATALOGUE, ENTITLEMENTS)),
    ("modelpass.subscriptions.commands.*", (*COMMANDS_USE, CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS)),
    (CATALOGUE, (*ROOT, CATALOGUE)),
    (ENTITLEMENTS, (*ROOT, ENTITLEMENTS, "modelpass.catalogue.tiers")),
    (SUBSCRIPTIONS, (*ROOT, SUBSCRIPTIONS, CATALOGUE, ENTITLEMENTS)),
    ("modelpass.dynamodb.*", (*ROOT, "modelpass.dynamodb.*")),
    ("modelpass.runtime.*", (*ROOT, "modelpass.dynamodb.*", "modelpass.runtime.*")),
    *((f"modelpass.{door}.*", (*BEHIND_A_DOOR, f"modelpass.{door}.*")) for door in DOORS),
    ("modelpass.*", ROOT),
    ("functions.*", ("modelpass.*",)),
    ("deploy.*", ("deploy.*",)),
    ("ops.*", ("ops.*", "modelpass.*")),
    ("contract.*", ("contract.*", "modelpass.*", "local.cloudformation.*")),
    ("local.*", ("local.*", "ops.*", "deploy.*", "modelpass.*")),
    ("benchmarks.*", ("benchmarks.*", "local.*", "ops.*", "deploy.*", "modelpass.*")),
)
DEBTS: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("functions.catalogue.app", "modelpass.api.catalogue_bodies"),
        ("functions.catalogue.app", "modelpass.api.requests"),
        ("functions.catalogue.app", "modelpass.api.tracing"),
        ("functions.catalogue.app", "modelpass.catalogue.commands.admin"),
        ("functions.catalogue.app", "modelpass.runtime.wiring"),
        ("functions.subscriptions.app", "modelpass.api.requests"),
        ("functions.subscriptions.app", "modelpass.api.tracing"),
        ("functions.subscriptions.app", "modelpass.runtime.wiring"),
        ("functions.subscriptions.app", "modelpass.subscriptions.commands.queries"),
        ("modelpass.api.catalogue_bodies", "modelpass.router.validation"),
        ("modelpass.api.operator_bodies", "modelpass.router.validation"),
        ("modelpass.api.requests", "modelpass.router.validation"),
        ("modelpass.api.subscription_bodies", "modelpass.router.validation"),
        ("modelpass.api_keys", "modelpass.entitlements.model"),
        ("modelpass.catalogue.commands.admin", "modelpass.api.catalogue_bodies"),
        ("modelpass.catalogue.commands.admin", "modelpass.entitlements.items"),
        ("modelpass.catalogue.commands.admin", "modelpass.entitlements.model"),
        ("modelpass.catalogue.model", "modelpass.entitlements.items"),
        ("modelpass.catalogue.model", "modelpass.entitlements.model"),
        ("modelpass.catalogue.tiers", "modelpass.entitlements.items"),
        ("modelpass.catalogue.tiers", "modelpass.entitlements.model"),
        ("modelpass.catalogue.transactions", "modelpass.entitlements.items"),
        ("modelpass.catalogue.transactions", "modelpass.entitlements.model"),
        ("modelpass.catalogue.transactions", "modelpass.entitlements.updates"),
        ("modelpass.dynamodb.lean_client", "modelpass.entitlements.model"),
        ("modelpass.dynamodb.lean_client", "modelpass.entitlements.windows"),
        ("modelpass.dynamodb.lean_client", "modelpass.runtime.config"),
        ("modelpass.dynamodb.pages", "modelpass.entitlements.items"),
        ("modelpass.dynamodb.transport", "modelpass.entitlements.items"),
        ("modelpass.entitlements.commands.authorize", "modelpass.router.validation"),
        ("modelpass.entitlements.commands.authorize", "modelpass.subscriptions.items"),
        ("modelpass.entitlements.commands.settle", "modelpass.router.validation"),
        ("modelpass.entitlements.history", "modelpass.subscriptions.items"),
        ("modelpass.outbox", "modelpass.entitlements.change"),
        ("modelpass.outbox", "modelpass.entitlements.items"),
        ("modelpass.outbox", "modelpass.entitlements.model"),
        ("modelpass.outbox", "modelpass.entitlements.updates"),
        ("modelpass.outbox", "modelpass.entitlements.windows"),
        ("modelpass.outbox", "modelpass.subscriptions.pricing"),
        ("modelpass.runtime.config", "modelpass.entitlements.updates"),
        ("modelpass.runtime.deps", "modelpass.entitlements.model"),
        ("modelpass.runtime.deps", "modelpass.entitlements.updates"),
        ("modelpass.runtime.telemetry", "modelpass.entitlements.windows"),
        ("modelpass.schema", "modelpass.entitlements.model"),
        ("modelpass.subscriptions.commands.correct", "modelpass.api.operator_bodies"),
        ("modelpass.subscriptions.commands.purchase", "modelpass.api.subscription_bodies"),
    }
)
"""Imports that files brought along into their rooms; each split takes some away, and none may join."""
WINGS: Final = ("catalogue", "entitlements", "subscriptions")

FILES: Final = {name: path for name, path in modules().items() if path.name != "__init__.py"}
HALL: Final = frozenset(name for name, path in FILES.items() if path.parent == PACKAGE and name not in ROOT)
"""Files that have no room of their own yet: until they have, they import and are imported freely."""


def is_pure(name: str) -> bool:
    """Whether a file of the package reads no clock, no chance and no store, and knows of none who does."""
    _, _, place = name.partition(".")
    room, _, inside = place.partition(".")
    if name in HALL:
        return place in _listed_as_pure()
    if name in ROOT or place == "router.validation":
        return True
    if room == "dynamodb":
        return inside in PURE_OF_DYNAMODB
    return room in WINGS and not inside.startswith("commands")


def pure_files() -> dict[str, Path]:
    """The pure files of the package, by the names that they are imported under."""
    return {name: path for name, path in FILES.items() if name.startswith(f"{SHIPPED}.") and is_pure(name)}


def _listed_as_pure() -> list[str]:
    """Files without a room that the package says are pure."""
    return re.findall(r"`([a-z0-9_*]+)`", (modelpass.__doc__ or "").partition("Edge:")[0])


def allowed(importer: str) -> tuple[str, ...]:
    """What the room of a file may import; wings' commands are no part of what is pure in them."""
    return next(allowed for room, allowed in ROOMS if fnmatchcase(importer, room))


def trespasses(importer: str, others: set[str]) -> list[str]:
    """Which of these a file must not import."""
    if importer in HALL:
        return []
    patterns = allowed(importer)
    return sorted(
        other
        for other in others - HALL - {owed for debtor, owed in DEBTS if debtor == importer}
        if not any(fnmatchcase(other, pattern) for pattern in patterns) or (is_pure(importer) and not is_pure(other))
    )
