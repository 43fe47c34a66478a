"""The console as the local stack serves it: files of the build and nothing else, packed, kept, with strict headers."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest

from local import settings
from local.messages import HttpRequest, HttpResponse
from local.web.console import Console, configuration
from modelpass.api.claims import DEFAULTS
from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "http://127.0.0.1:3000"
SCRIPT = b"console.log('hello');" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_bytes(b"<!doctype html>")
    (dist / "icon.svg").write_bytes(b"<svg/>")
    (dist / "assets" / "index-MAbQ2dUb.js").write_bytes(SCRIPT)
    (dist / ".hidden.js").write_bytes(b"")
    (dist / "notes.md").write_bytes(b"")
    (tmp_path / "beside.js").write_bytes(b"")
    return dist


def ask(folder: Path, path: str, method: str = "GET", encoding: str = "") -> HttpResponse | None:
    served = Console(configuration(f"{ORIGIN}/_local/identity", "https://r.example/v1", DEFAULTS), ORIGIN, folder)
    return served.handle(HttpRequest(method, path, "", {"accept-encoding": encoding}, b"", "127.0.0.1"))


def found(folder: Path, path: str, encoding: str = "") -> HttpResponse:
    answer = ask(folder, path, encoding=encoding)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("path", "kind", "kept"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
        ("/assets/index-MAbQ2dUb.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_what_is_named_by_its_content_is_kept_for_long_and_the_rest_asked_for_anew(
    folder: Path, path: str, kind: str, kept: str
) -> None:
    answer = found(folder, path)
    assert (answer.status, answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (200, kind, kept)


def test_the_browser_is_told_to_run_and_to_reach_nothing_else(folder: Path) -> None:
    for path in ("/", "/config.json", "/assets/index-MAbQ2dUb.js"):
        headers = found(folder, path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": f"'self' {ORIGIN}",
            "font-src": "'self'",
            "base-uri": "'none'",
            "form-action": f"'self' {ORIGIN}",
            "frame-ancestors": "'none'",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
    ],
)
def test_files_are_packed_for_those_who_take_it(folder: Path, accepted: str, packed: bool) -> None:  # noqa: FBT001
    answer = found(folder, "/assets/index-MAbQ2dUb.js", accepted)
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert ("Content-Encoding" in answer.headers) == packed
    assert (gzip.decompress(answer.body) if packed else answer.body) == SCRIPT
    assert packed == (len(answer.body) < len(SCRIPT))


def test_a_new_build_is_served_without_a_restart(folder: Path) -> None:
    assert gzip.decompress(found(folder, "/", "gzip").body) == b"<!doctype html>"
    (folder / "index.html").write_bytes(b"<!doctype html><p>new")
    os.utime(folder / "index.html", (1, 1))
    assert gzip.decompress(found(folder, "/", "gzip").body) == b"<!doctype html><p>new"


@pytest.mark.parametrize(
    "path",
    [
        "/../beside.js",
        "/assets/../../beside.js",
        "/%2e%2e/beside.js",
        "//assets/index-MAbQ2dUb.js",
        "/.hidden.js",
        "/notes.md",
        "/assets",
        "/assets/",
        "/missing.js",
        "/v1/models",
        "/index.html/",
    ],
)
def test_nothing_but_files_of_the_build_is_served(folder: Path, path: str) -> None:
    assert ask(folder, path) is None


def test_only_reading_is_answered(folder: Path) -> None:
    assert ask(folder, "/", "POST") is None
    head = ask(folder, "/", "HEAD")
    assert head is not None
    assert head.status == 200


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    answer = found(tmp_path / "none", "/")
    assert answer.status == 404
    assert b"make console" in answer.body
    assert ask(tmp_path / "none", "/index.html") is None
    assert found(tmp_path / "none", "/config.json").status == 200


def test_the_console_is_told_where_people_sign_in_and_where_the_router_is(folder: Path) -> None:
    answer = found(folder, "/config.json")
    assert answer.headers["Cache-Control"] == "no-cache"
    issuer = f"{ORIGIN}/_local/identity"
    customers = {"issuer": issuer, "clientId": "modelpass-console", "scope": "openid offline_access"}
    operators = {
        "issuer": issuer,
        "clientId": "modelpass-console-operators",
        "scope": "openid offline_access operator",
    }
    assert json.loads(answer.body) == {
        "customer": {**customers, "api": "", "extra": {}},
        "operator": {**operators, "api": "", "extra": {}},
        "routerUrl": "https://r.example/v1",
        "token": "access_token",
        "operatorClaim": "scope",
        "operatorValue": "operator",
    }


@pytest.mark.parametrize(
    "url", ["router.example", "ftp://a.example", "https://", "https://a.example/?x=1", "http://a b"]
)
def test_an_address_of_the_router_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ROUTER_URL", url)
    with pytest.raises(CommandError, match="ROUTER_URL"):
        settings.router_url()


def test_the_router_has_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROUTER_URL", raising=False)
    assert settings.router_url() == "https://router.example/v1"
    monkeypatch.setenv("ROUTER_URL", "http://127.0.0.1:4000/v1")
    assert settings.router_url() == "http://127.0.0.1:4000/v1"
