"""The API's document and a page to read it by. Rule: the page loads nothing from elsewhere.

The page is Swagger UI from npm. It can send calls too, with a token from `make -s token`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.machine import ROOT
from local.messages import HttpResponse

if TYPE_CHECKING:
    from pathlib import Path

    from local.messages import HttpRequest

_PAGE: Final = "/docs"
_FOLDER: Final = ROOT / "node_modules" / "swagger-ui-dist"
_ASSETS: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
# The browser enforces that the page loads nothing from elsewhere, and sends nothing there.
_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"{_POLICY}; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
}
_HTML: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Modelpass API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_SCRIPT: Final = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: true,
  queryConfigEnabled: false,
  validatorUrl: null,
});
"""


def handle(request: HttpRequest) -> HttpResponse | None:
    """Answer a request for the document or the page; None when it is for something else."""
    if request.method != "GET":
        return None
    match request.raw_path:
        case "/openapi.json":
            return _file(ROOT / "docs" / "openapi.json", "application/json")
        case "/docs" | "/docs/":
            return _answer("text/html; charset=utf-8", _HTML.encode())
        case "/docs/start.js":
            return _answer("text/javascript; charset=utf-8", _SCRIPT.encode())
        case path:
            name = path.removeprefix(f"{_PAGE}/")
            return _file(_FOLDER / name, _ASSETS[name]) if name in _ASSETS else None


def _file(path: Path, content_type: str) -> HttpResponse | None:
    return _answer(content_type, path.read_bytes()) if path.is_file() else None


def _answer(content_type: str, body: bytes) -> HttpResponse:
    return HttpResponse(200, {"Content-Type": content_type, **_HEADERS}, body)
