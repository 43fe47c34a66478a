"""Who may import whom: each file imports only what its room may, and no files import each other in a circle.

The table of the rooms, and the words for them, stand in `tests/support/rooms.py`. An import inside a function or for
types alone is an import here.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.imports import CLIENT, SHIPPED, TREES, circle, graph, imported
from tests.support.rooms import FILES, ROOT_MODULES, may_import, pure_files, trespasses

GRAPH: Final = graph(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_file_imports_only_what_its_room_may(name: str) -> None:
    assert trespasses(name, GRAPH[name]) == []


def test_the_root_holds_just_what_is_listed() -> None:
    flat = {name.removeprefix("modelpass.") for name in FILES if name.startswith("modelpass.") and name.count(".") == 1}
    assert flat == set(ROOT_MODULES)


def test_every_tree_is_read() -> None:
    assert {name.partition(".")[0] for name in FILES} == {SHIPPED, CLIENT, *TREES}


def test_folder_that_the_table_does_not_name_is_in_no_room() -> None:
    with pytest.raises(AssertionError, match=r"modelpass\.attic\.old is in no room"):
        may_import("modelpass.attic.old")


def test_pure_files_are_found_in_every_room_that_has_some() -> None:
    rooms = {tuple(name.split(".")[1:-1]) for name in pure_files()}
    wings = {("catalogue",), ("entitlements",), ("subscriptions",), ("subscriptions", "sales")}
    assert rooms == {(), *wings, ("dynamodb",), ("router",)}


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle(GRAPH) == []


@pytest.mark.parametrize(
    ("importer", "other"),
    [
        ("modelpass.times", "modelpass.entitlements.model"),
        ("modelpass.times", "modelpass_client.errors"),
        ("modelpass_client.errors", "modelpass.times"),
        ("modelpass.catalogue.model", "modelpass.catalogue.commands.queries"),
        ("modelpass.catalogue.commands.admin", "modelpass.entitlements.rules"),
        ("modelpass.entitlements.rules", "modelpass.catalogue.model"),
        ("modelpass.entitlements.rules", "modelpass.subscriptions.model"),
        ("modelpass.entitlements.rules", "modelpass.dynamodb.transport"),
        ("modelpass.entitlements.commands.authorize", "modelpass.subscriptions.rules"),
        ("modelpass.entitlements.commands.authorize", "modelpass.router.validation"),
        ("modelpass.subscriptions.rules", "modelpass.entitlements.commands.settle"),
        ("modelpass.subscriptions.commands.purchase", "modelpass.api.requests"),
        ("modelpass.subscriptions.commands.purchase", "modelpass.runtime.wiring"),
        ("modelpass.dynamodb.lean_client", "modelpass.runtime.config"),
        ("modelpass.dynamodb.pages", "modelpass.dynamodb.transport"),
        ("modelpass.runtime.telemetry", "modelpass.entitlements.windows"),
        ("modelpass.router.authorize", "modelpass.api.requests"),
        ("modelpass.api.resolver", "modelpass.runtime.wiring"),
        ("modelpass.router.validation", "modelpass.router.settle"),
        ("modelpass.router.settle", "modelpass.embedded.decisions"),
        ("modelpass.runtime.wiring", "modelpass.router.settle"),
        ("modelpass.embedded.decisions", "modelpass.api.requests"),
        ("ops.seed", "local.settings"),
        ("contract.openapi.document", "local.run"),
        ("local.run", "contract.openapi.document"),
        ("deploy.artifact", "modelpass.errors"),
        ("functions.reset.app", "local.run"),
    ],
)
def test_what_trespasses_is_found(importer: str, other: str) -> None:
    assert {importer, other} <= set(FILES)
    assert trespasses(importer, {other}) == [other]


def test_circles_are_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from modelpass.entitlements import rules", {"modelpass.entitlements", "modelpass.entitlements.rules"}),
        ("def f():\n    import modelpass.errors", {"modelpass.errors"}),
        ("import modelpass.errors as e, modelpass.ids", {"modelpass.errors", "modelpass.ids"}),
        ("if TYPE_CHECKING:\n    from . import model", {"modelpass.entitlements", "modelpass.entitlements.model"}),
        ("from ..errors import Refused", {"modelpass.errors", "modelpass.errors.Refused"}),
    ],
)
def test_every_form_of_an_import_is_read(source: str, found: set[str]) -> None:
    assert imported(source, "modelpass.entitlements.rules") == found
