"""Which file of the project may import which, and which files are pure. Rule: a table and what follows from it alone.

What files really import is read by `tests/support/imports.py`; `tests/unit/test_import_rules.py` and
`tests/unit/test_purity.py` compare the two. The words used here:

- A *room* is a folder of the package, or one of the other trees of the project: `functions`, `ops`, `local` and so on.
- The *root* is the files that lie directly in the package: words that every room shares.
- A *wing* is a room about one subject: `catalogue`, `entitlements`, `subscriptions`. Its folder `commands/` is a room
  of its own, because commands speak to the store and the rest of a wing does not.
- A *door* is a room that requests come in by: `api` over HTTP, `router` by Lambda Invoke, `schedule` from EventBridge.
- The *embedded* room opens the router's door inside another's process: it stands where a function stands.
- A *pure* file reads no clock, no chance and no store, and imports no file that does.

Imports for types count like any other: they show what a file depends on. Files of `tests` are in no room, and who
imports `tests.support` (`benchmarks` and `mutation` do) is not checked.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from tests.support.imports import SHIPPED, modules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROOT_MODULES: Final = (
    *(
        "api_keys",
        "encoding",
        "errors",
        "ids",
        "macs",
        "outbox",
        "order_ids",
        "preconditions",
        "schema",
        "time_zones",
        "times",
    ),
)
WINGS: Final = ("catalogue", "entitlements", "subscriptions")
DOORS: Final = ("api", "router", "schedule")
PURE_OF_DYNAMODB: Final = ("http1", "pages", "root_certificates", "sigv4", "wire_json")

ROOT: Final = tuple(f"modelpass.{name}" for name in ROOT_MODULES)
CATALOGUE: Final = "modelpass.catalogue.*"
ENTITLEMENTS: Final = "modelpass.entitlements.*"
SUBSCRIPTIONS: Final = "modelpass.subscriptions.*"
DYNAMODB: Final = "modelpass.dynamodb.*"
GIVEN: Final = ("modelpass.runtime.deps", "modelpass.runtime.telemetry", "modelpass.runtime.unreadable")
"""What commands may use of `runtime`. Its `wiring`, which makes these, only `embedded` imports in the package."""
COMMANDS_USE: Final = (*ROOT, DYNAMODB, *GIVEN)
"""What the commands of every wing may import besides wings."""
DOORS_USE: Final = (*COMMANDS_USE, CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS, "modelpass.runtime.config")
"""What every door may import besides itself."""

MAY_IMPORT: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # A file belongs to the first room whose pattern it matches, so the commands of a wing come before the wing.
    # A wing's pattern names its commands too; a pure file may import none of them all the same (`trespasses`).
    ("modelpass.catalogue.commands.*", (*COMMANDS_USE, CATALOGUE)),
    ("modelpass.entitlements.commands.*", (*COMMANDS_USE, CATALOGUE, ENTITLEMENTS)),
    ("modelpass.subscriptions.commands.*", (*COMMANDS_USE, CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS)),
    (CATALOGUE, (*ROOT, CATALOGUE)),
    (ENTITLEMENTS, (*ROOT, ENTITLEMENTS, "modelpass.catalogue.tiers")),
    (SUBSCRIPTIONS, (*ROOT, SUBSCRIPTIONS, CATALOGUE, ENTITLEMENTS)),
    (DYNAMODB, (*ROOT, DYNAMODB)),
    ("modelpass.runtime.*", (*ROOT, DYNAMODB, "modelpass.runtime.*")),
    *((f"modelpass.{door}.*", (*DOORS_USE, f"modelpass.{door}.*")) for door in DOORS),
    ("modelpass.embedded.*", (*DOORS_USE, "modelpass.runtime.wiring", "modelpass.router.*", "modelpass.embedded.*")),
    *((name, ROOT) for name in ROOT),
    ("functions.*", ("modelpass.*",)),
    # The client is installed without the service; only its direct way runs the service's own code, where that is too.
    ("modelpass_client.direct", ("modelpass_client.*", "modelpass.*")),
    ("modelpass_client.*", ("modelpass_client.*",)),
    ("deploy.*", ("deploy.*",)),
    ("ops.*", ("ops.*", "modelpass.*")),
    ("contract.*", ("contract.*", "modelpass.*", "local.cloudformation.*", "modelpass_client.cli.*")),
    ("local.*", ("local.*", "ops.*", "deploy.*", "modelpass.*")),
    ("examples.*", ("modelpass_client.*",)),
    ("benchmarks.*", ("benchmarks.*", "local.*", "ops.*", "deploy.*", "modelpass.*", "modelpass_client.*")),
    ("mutation.*", ("mutation.*",)),
)
"""Each room with what its files may import of the project, as patterns of dotted names. The rest is forbidden."""

FILES: Final = {name: path for name, path in modules().items() if path.name != "__init__.py"}
"""Every file of the project that may hold code, by its dotted name."""


def may_import(importer: str) -> tuple[str, ...]:
    """What the room of a file may import; a file that is in no room fails."""
    for room, patterns in MAY_IMPORT:
        if fnmatchcase(importer, room):
            return patterns
    raise AssertionError(f"{importer} is in no room: `MAY_IMPORT` must say what its folder may import")


def trespasses(importer: str, imported: Iterable[str]) -> list[str]:
    """Which of the imported files this file must not import: its room forbids it, or one is pure and the other not."""
    patterns = may_import(importer)
    return sorted(
        name
        for name in imported
        if not any(fnmatchcase(name, pattern) for pattern in patterns) or (is_pure(importer) and not is_pure(name))
    )


def is_pure(name: str) -> bool:
    """Whether a file has to be pure."""
    tree, _, place = name.partition(".")
    room, _, inside = place.partition(".")
    if tree != SHIPPED:
        return False
    if name in ROOT or place == "router.validation":
        return True
    if room == "dynamodb":
        return inside in PURE_OF_DYNAMODB
    return room in WINGS and inside.partition(".")[0] != "commands"


def pure_files() -> dict[str, Path]:
    """The files of the package that have to be pure, by their dotted names."""
    return {name: path for name, path in FILES.items() if is_pure(name)}
