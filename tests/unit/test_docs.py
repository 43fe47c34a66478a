"""The documents tell what is there: codes, attributes, modules, targets and links, each compared with its source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from contract.event_schemas import SCHEMAS
from local.machine import ROOT
from modelpass import api_keys
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import updates
from modelpass.errors import ErrorCode
from modelpass.outbox import EventType
from modelpass.schema import Tables
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items, row_writes
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_records import Order, OrderStatus, Price, PriceLine, TopUp
from ops.audit.breaches import Equation
from tests.support.builders import SUBSCRIPTION_ID, entitlement, hold, slot, subscription
from tests.support.imports import PACKAGE, modules
from tests.support.world import template_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")]
EVENTS = (ROOT / "docs" / "events.md").read_text("utf-8")
DATA_MODEL = (ROOT / "docs" / "data-model.md").read_text("utf-8")


def named(text: str) -> set[str]:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return {" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings], anchor


def test_every_error_is_listed_with_its_status_and_type() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [(e.code, str(e.status), e.error_type) for e in ErrorCode]


def test_every_attribute_of_an_entitlement_is_listed() -> None:
    listed = set()
    for row in re.findall(r"^\| (`.+?) \| [SNMB]", DATA_MODEL, re.MULTILINE):
        listed |= named(row)
    lived = entitlement(holds=[hold()], lapses=1)._replace(
        suspended=True, top_up=1, change_number=1, earlier_tiers=((1, Tier.BASIC),)
    )
    stored = entitlement_items.entitlement_item(lived)
    assert listed == {*stored, "xc", "kg", "dp", "da", *entitlement_items.OWN_FIGURES.values()}


def test_every_attribute_of_a_subscription_and_a_place_is_named() -> None:
    text = DATA_MODEL.partition("## Subscriptions")[2].partition("## History")[0]
    row = subscription_items.subscription_item(subscription()._replace(cancelling_at_ms=1, key_pending=True))
    place = subscription_items.slot_item("acct", slot(0)._replace(due_at_ms=1, sales=1, pending_order=("ord_1", 1)))
    assert {*row, *place, *row_writes.OPTIONAL} - {"pk", "sk", "v"} <= named(text)


def test_every_attribute_of_an_order_and_its_mark_is_named() -> None:
    text = DATA_MODEL.partition("### Orders")[2].partition("## History")[0]
    price = Price("USD", (PriceLine("m-1", Tier.STABLE, "1.00", "1.00"),), 1)
    made = Order(
        subscription_id=SUBSCRIPTION_ID,
        number=1,
        account_id="acct",
        kind=OrderKind.TOP_UP,
        stored=OrderStatus.PENDING,
        label="",
        price=price,
        at_ms=1,
        by="acct",
        term_number=1,
        months=1,
        from_ms=1,
        until_ms=2,
        models=subscription().models,
        top_up=TopUp("m-1", 1),
        lapses_at_ms=1,
        reference="r",
        reason="r",
    )
    mark = order_items.put_mark(Tables(), SUBSCRIPTION_ID, "digest", order_items.Mark(1, b"b", b"n"))["Put"]["Item"]
    stored = {*order_items.order_item(made), *mark} - {"pk", "sk", "v"}
    assert stored <= named(text)


def members_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_event_type_is_listed_with_what_it_carries() -> None:
    listed = {}
    for kind, data in re.findall(r"^\| `([a-z.]+[a-z_]+)` \|.*\| (.+?) \|$", EVENTS, re.MULTILINE):
        listed[kind] = named(re.sub(r"\([^)]*\)", "", data))
    assert listed == {f"{kind}": members_of(model) for kind, (_, model) in SCHEMAS.items()}
    assert set(SCHEMAS) == set(EventType)


def test_envelope_is_listed_as_the_pipe_makes_it() -> None:
    pipe = template_of("").pipe
    assert pipe is not None
    table = EVENTS.partition("## The envelope")[2].partition("On the bus")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(pipe.detail)
    rows = named(DATA_MODEL.partition("## Events")[2].partition("## Catalogue")[0])
    assert {path.split(".")[3] for path in pipe.detail.values()} <= rows


def test_pattern_for_secret_scanners_is_the_keys_own() -> None:
    assert api_keys.API_KEY_PATTERN in named(DATA_MODEL)


def test_every_clause_of_the_hot_writes_is_explained() -> None:
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    for condition in (updates._GRANT_CONDITION, updates._SETTLE_CONDITION):
        for clause in condition.split(" AND "):
            assert clause.replace("#", "") in named(design), clause
    for update in (updates._GRANT_UPDATE, updates._SETTLE_UPDATE):
        assert update.replace("#", "") in named(design)


def test_every_equation_of_the_audit_is_explained() -> None:
    page = (ROOT / "docs" / "audit.md").read_text("utf-8").partition("## What it demands")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == sorted(Equation)


@pytest.mark.parametrize("package", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_package_says_what_lives_in_it_and_holds_no_code(package: Path) -> None:
    (said,) = ast.parse(package.read_text("utf-8")).body
    assert isinstance(said, ast.Expr)


def test_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", "")
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split())
    assert phony == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`make (?:-s )?([a-z-]+)", page.read_text("utf-8"))) <= phony, page


def test_every_file_that_the_tables_of_the_design_name_is_there() -> None:
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    named_paths = [path for path in named(design) if path.startswith(("tests/", "local/", "layers/", "functions/"))]
    assert len(named_paths) > 20
    for path in named_paths:
        assert list(ROOT.glob(path)), path


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def bound(path: Path) -> set[str]:
    names = {path.stem}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def lacking(docstring: str, modules_by_name: Mapping[str, set[str]]) -> set[str]:
    """The names of the form `module.name` that the module does not have; the types of events have that form, too."""
    dotted = re.findall(r"`(?:\w+\.)*(\w+)\.(\w+)`", docstring)
    absent = {f"{m}.{n}" for m, n in dotted if m in modules_by_name and n not in modules_by_name[m] | {"toml", "yaml"}}
    return absent - set(EventType)


def test_names_of_modules_in_docstrings_are_of_what_is_there() -> None:
    by_name: dict[str, set[str]] = defaultdict(set)
    for dotted, path in modules().items():
        *_, package, name = ("", *dotted.split("."))
        by_name[name] |= bound(path)
        by_name[package].add(name)
    assert lacking("`outbox.Moment`, `modelpass.outbox.Nothing` and `events.d`", by_name) == {
        "outbox.Nothing",
        "events.d",
    }
    for dotted, path in modules().items():
        assert [name for text in docstrings(path) for name in lacking(text, by_name)] == [], dotted


def test_constants_in_docstrings_are_of_what_is_there() -> None:
    for dotted, path in modules().items():
        source = path.read_text("utf-8")
        for text in docstrings(path):
            for name in re.findall(r"`([A-Z]+_[A-Z_]+)`", text):
                assert source.count(name) > text.count(name), f"{dotted}: {name}"
