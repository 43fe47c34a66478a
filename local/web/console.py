"""The console at `/`, as CloudFront serves it, and `/config.json`. Rule: files of the build, and what they must know.

The build is read when it is asked for, so a new one needs no restart. Where there is none, `/` says how to make it.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from local.identity.clients import CUSTOMERS_CONSOLE, OFFLINE, OPENID, OPERATOR, OPERATORS_CONSOLE
from local.machine import ROOT
from local.messages import HttpResponse, json_response
from ops.console_files import PAGE, headers_of, is_known

if TYPE_CHECKING:
    from pathlib import Path

    from local.messages import HttpRequest
    from modelpass.api.claims import ClaimNames

FOLDER: Final = ROOT / "console" / "dist"
CONFIG: Final = "/config.json"
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_PACKED: Final = (".css", ".html", ".js", ".svg", ".txt")
_MISSING: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Modelpass</title></head>
<body>
<main>
<h1>The console is not built</h1>
<p>The service answers, but the files of its console are missing. To build them, run <code>make console</code>
and load this page again. The API's reference is at <a href="/docs">/docs</a>.</p>
</main>
</body>
</html>
"""


def policy(issuer_origin: str) -> str:
    """The Content-Security-Policy of the console: it speaks to its own origin and to where people sign in."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {issuer_origin}",
            "font-src 'self'",
            "base-uri 'none'",
            f"form-action 'self' {issuer_origin}",
            "frame-ancestors 'none'",
        )
    )


def configuration(issuer: str, router_url: str, names: ClaimNames) -> dict[str, Any]:
    """What the console reads before anything else: who signs people in, and what tells operators from customers."""

    def people(client_id: str, *words: str) -> dict[str, Any]:
        scope = " ".join((OPENID, OFFLINE, *words))
        return {"issuer": issuer, "clientId": client_id, "scope": scope, "api": "", "extra": {}}

    return {
        "customer": people(CUSTOMERS_CONSOLE),
        "operator": people(OPERATORS_CONSOLE, OPERATOR),
        "routerUrl": router_url,
        "token": "access_token",
        "operatorClaim": names.operator,
        "operatorValue": names.operator_value,
    }


class Console:
    """Serves a folder that holds a build, with its configuration."""

    def __init__(self, config: dict[str, Any], issuer_origin: str, folder: Path = FOLDER) -> None:
        self._config, self._folder = config, folder
        self._headers = {
            "Content-Security-Policy": policy(issuer_origin),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def handle(self, request: HttpRequest) -> HttpResponse | None:
        """Answer a request for the console; None when it is for something else, or for a file that is not there."""
        if request.method not in ("GET", "HEAD"):
            return None
        if request.raw_path == CONFIG:
            return json_response(200, self._config, {**self._headers, "Cache-Control": "no-cache"})
        path = f"/{PAGE}" if request.raw_path == "/" else request.raw_path
        name = path[1:]
        file = self._folder / name
        if _PATH.fullmatch(path) and is_known(name) and file.is_file():
            return self._file(file, name, request.headers.get("accept-encoding", ""))
        if request.raw_path == "/":
            headers = {"Content-Type": headers_of(PAGE).content_type, "Cache-Control": "no-store"}
            return HttpResponse(404, {**self._headers, **headers}, _MISSING.encode())
        return None

    def _file(self, file: Path, name: str, accepted: str) -> HttpResponse:
        served = headers_of(name)
        headers = {**self._headers, "Content-Type": served.content_type, "Cache-Control": served.cache_control}
        if not name.endswith(_PACKED):
            return HttpResponse(200, headers, file.read_bytes())
        headers["Vary"] = "Accept-Encoding"
        if not _takes_gzip(accepted):
            return HttpResponse(200, headers, file.read_bytes())
        return HttpResponse(200, {**headers, "Content-Encoding": "gzip"}, _packed(file, file.stat().st_mtime_ns))


@lru_cache(maxsize=128)
def _packed(file: Path, changed_ns: int) -> bytes:  # noqa: ARG001 - a file that has changed is packed anew
    return gzip.compress(file.read_bytes(), mtime=0)


def _takes_gzip(accepted: str) -> bool:
    for choice in accepted.split(","):
        name, _, weight = choice.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
