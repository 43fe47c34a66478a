"""The rooms of the house: which folder may import which, and which files are pure. `docs/architecture.md` draws them.

A file belongs to the first room below whose pattern it matches. It may import what its room lists, and nothing else of
the project. Imports for types count as well: they say what a file knows of.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from tests.support.imports import SHIPPED, modules

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
WINGS: Final = ("catalogue", "entitlements", "subscriptions")

FILES: Final = {name: path for name, path in modules().items() if path.name != "__init__.py"}


def is_pure(name: str) -> bool:
    """Whether a file of the package reads no clock, no chance and no store, and knows of none who does."""
    tree, _, place = name.partition(".")
    room, _, inside = place.partition(".")
    if tree != SHIPPED:
        return False
    if name in ROOT or place == "router.validation":
        return True
    if room == "dynamodb":
        return inside in PURE_OF_DYNAMODB
    return room in WINGS and not inside.startswith("commands")


def pure_files() -> dict[str, Path]:
    """The pure files of the package, by the names that they are imported under."""
    return {name: path for name, path in FILES.items() if name.startswith(f"{SHIPPED}.") and is_pure(name)}


def allowed(importer: str) -> tuple[str, ...]:
    """What the room of a file may import; wings' commands are no part of what is pure in them."""
    return next(allowed for room, allowed in ROOMS if fnmatchcase(importer, room))


def trespasses(importer: str, others: set[str]) -> list[str]:
    """Which of these a file must not import."""
    patterns = allowed(importer)
    return sorted(
        other
        for other in others
        if not any(fnmatchcase(other, pattern) for pattern in patterns) or (is_pure(importer) and not is_pure(other))
    )
