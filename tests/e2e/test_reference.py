"""The document and the page to read it by, as the stack serves them. Rule: it loads nothing from elsewhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from contract.openapi.document import FILE
from local.machine import ROOT

if TYPE_CHECKING:
    from tests.support.stack import Stack

PACKAGE = ROOT / "node_modules" / "swagger-ui-dist"


def test_the_document_is_served_as_it_is_committed(stack: Stack) -> None:
    answer = stack.send("GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == FILE.read_bytes()


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_and_all_it_asks_for_are_served_here(stack: Stack, path: str) -> None:
    page = stack.send("GET", path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    wanted = re.findall(r'(?:src|href)="([^"]*)"', page.body.decode())
    assert {at.rpartition(".")[2] for at in wanted} == {"css", "js", "png"}
    for at in wanted:
        assert at.startswith("/docs/")
        asset = stack.send("GET", at)
        assert (asset.status, asset.headers["x-content-type-options"]) == (200, "nosniff")
        kept = PACKAGE / at.rpartition("/")[2]
        assert not kept.exists() or asset.body == kept.read_bytes()


def test_the_browser_is_told_to_load_nothing_from_elsewhere(stack: Stack) -> None:
    page = stack.send("GET", "/docs")
    policy = page.headers["content-security-policy"]
    sources = {word for part in policy.split("; ") for word in part.split(" ")[1:]}
    assert sources == {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert "script-src 'self';" in policy
    assert "//" not in page.body.decode()
    assert "//" not in stack.send("GET", "/docs/start.js").body.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/docs"), ("GET", "/docs/package.json"), ("GET", "/docs/../README.md"), ("GET", "/docs/..%2fREADME.md")],
)
def test_nothing_but_the_page_is_there(stack: Stack, method: str, path: str) -> None:
    answer = stack.send(method, path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_the_page_comes_from_a_pinned_package_that_runs_nothing_when_it_is_installed() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert wanted == {"swagger-ui-dist": lock["node_modules/swagger-ui-dist"]["version"]}
    assert all("integrity" in entry and "resolved" not in entry for name, entry in lock.items() if name)
    assert "ignore-scripts=true" in (ROOT / ".npmrc").read_text("utf-8").split()
