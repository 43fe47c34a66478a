"""`docs/routers.md` names every refusal that a router can get, and its headers follow from the answers beside them."""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.machine import ROOT
from modelpass.errors import ErrorCode
from tests.support.imports import PACKAGE
from tests.support.machine_requests import STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]
PAGE: Final = (ROOT / "docs" / "routers.md").read_text("utf-8")
ROWS: Final = re.findall(r"^\| `(\w+)` \| (\d+) \| ([ASD ]+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
HEADERS: Final = re.findall(r"^\| `([\w-]+)` \| .+ \| .+ \|$", PAGE.partition("\n## Headers\n")[2], re.MULTILINE)
EXAMPLES: Final = re.findall(r"```json\n(.+?)```\n\nbecomes these:\n\n```http\n(.+?)```", PAGE, re.DOTALL)
RAISED_BY: Final = {
    "invalid": "INVALID_REQUEST",
    "temporarily_unavailable": "TEMPORARILY_UNAVAILABLE",
    "internal_error": "INTERNAL_ERROR",
}
"""Functions of `errors` that make a refusal, and its code."""
OF_SUBSCRIPTIONS: Final = ("missing_entitlement", "describe_key")
"""Commands of that wing that the router's functions run."""
OF_A_MISSING_ENTITLEMENT: Final = ("refuse_unheld_model", "_refuse_ended")
"""The rules that they ask."""


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def codes_in(tree: ast.AST) -> Iterator[str]:
    """The codes that code names, or makes by a function of `errors`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="ErrorCode"), attr=name):
                yield name
            case ast.Call(func=ast.Name(id=name)) if name in RAISED_BY:
                yield RAISED_BY[name]


def codes_of_the_router() -> set[str]:
    """Every code that is named where the router's functions decide, by its name in `ErrorCode`."""
    commands = PACKAGE / "subscriptions" / "commands"
    paths = [*PACKAGE.glob("entitlements/**/*.py"), *PACKAGE.glob("router/*.py"), PACKAGE / "api_keys.py"]
    paths += [commands / f"{name}.py" for name in OF_SUBSCRIPTIONS]
    trees: list[ast.AST] = [tree_of(path) for path in paths]
    rules = tree_of(PACKAGE / "subscriptions" / "rules.py")
    asked = [f for f in rules.body if isinstance(f, ast.FunctionDef) and f.name in OF_A_MISSING_ENTITLEMENT]
    assert len(asked) == len(OF_A_MISSING_ENTITLEMENT)
    return {code for tree in [*trees, *asked] for code in codes_in(tree)}


def test_every_refusal_of_the_router_has_its_row_and_no_other_has() -> None:
    wanted = [ErrorCode[name] for name in ErrorCode.__members__ if name in codes_of_the_router()]
    assert [(code, status) for code, status, *_ in ROWS] == [(e.code, str(e.status)) for e in wanted]


def test_rows_name_the_functions_that_answer_so() -> None:
    functions = {code: set(names.split()) for code, _, names, *_ in ROWS}
    assert all(functions.values())
    assert {code for code, names in functions.items() if "A" in names} >= set(STATUS)
    assert {code for code, names in functions.items() if "S" in names} == {
        *("invalid_request", "authorization_not_found", "internal_error", "temporarily_unavailable"),
    }
    assert {code for code, names in functions.items() if "D" in names} == {
        *("invalid_request", "invalid_api_key", "internal_error", "temporarily_unavailable"),
    }


def test_rows_say_what_the_router_does_and_what_its_customer_gets() -> None:
    assert all(len(does.split()) > 1 or does.startswith("nothing;") for *_, does, _ in ROWS)
    assert all(gets.strip() for *_, gets in ROWS)


def lines_of(block: str) -> dict[str, str]:
    pairs = [line.split(": ", 1) for line in block.strip().splitlines()]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def duration(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds % 60}s"


def item(field: str, name: str) -> dict[str, str]:
    """The parameters of an item of a list of structured fields, as they stand there."""
    (found,) = (part for part in field.split(", ") if part.startswith(f'"{name}";'))
    return dict(parameter.split("=", 1) for parameter in found.split(";")[1:])


@pytest.mark.parametrize(("answer", "block"), EXAMPLES, ids=["granted", "refused"])
def test_headers_of_an_example_follow_from_its_answer(answer: str, block: str) -> None:
    told: Json = json.loads(answer)
    headers = lines_of(block)
    now = parsedate_to_datetime(headers.pop("Date"))
    assert headers.pop("Retry-After", None) == (str(told["retryAfter"]) if "retryAfter" in told else None)
    assert headers.pop("x-should-retry", None) == ("false" if told.get("statusCode") == 429 else None)
    in_tokens = told.get("unit") == "tokens"
    policy, rate = headers.pop("RateLimit-Policy"), headers.pop("RateLimit")
    wanted: dict[str, str] = {}
    windows = {"requests": "daily", "tokens": "monthly"}
    for counted, name in windows.items():
        window = told[name]
        seconds = round((datetime.fromisoformat(window["resetsAt"]) - now).total_seconds())
        assert item(rate, name) == {"r": str(window["remaining"]), "t": str(seconds)}
        assert item(policy, name)["q"] == str(window["limit"])
        if counted == "tokens" and not in_tokens:
            continue
        wanted |= {
            f"x-ratelimit-limit-{counted}": str(window["limit"]),
            f"x-ratelimit-remaining-{counted}": str(window["remaining"]),
            f"x-ratelimit-reset-{counted}": duration(seconds),
            f"anthropic-ratelimit-{counted}-limit": str(window["limit"]),
            f"anthropic-ratelimit-{counted}-remaining": str(window["remaining"]),
            f"anthropic-ratelimit-{counted}-reset": window["resetsAt"],
        }
    assert headers == wanted
    assert item(policy, "daily")["w"] == "86400"
    assert set(item(policy, "monthly")) == {"q", "qu"}
    assert item(policy, "monthly")["qu"] == ('"tokens"' if in_tokens else '"generations"')


def test_table_of_headers_has_those_of_the_examples_and_no_other() -> None:
    shown = {name for _, block in EXAMPLES for name in lines_of(block)} - {"Date", "x-should-retry"}
    assert sorted(HEADERS) == sorted(shown)


def test_examples_are_both_kinds_of_answer() -> None:
    assert [json.loads(answer)["allowed"] for answer, _ in EXAMPLES] == [True, False]
    assert [duration(s) for s in (0, 45, 360, 93_605)] == ["0s", "45s", "6m0s", "26h0m5s"]
