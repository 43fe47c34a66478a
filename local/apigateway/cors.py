"""The CORS headers that API Gateway adds for browsers. Rule: only to the answers of functions, and as configured.

A preflight is answered by whatever route takes OPTIONS, the default route too; without such a route, by API Gateway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from local.cloudformation.template import Cors
    from local.messages import HttpRequest

_PREFIX: Final = "access-control-"


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks what it may send."""
    asked = "origin" in request.headers and "access-control-request-method" in request.headers
    return request.method == "OPTIONS" and asked


def headers(configured: Cors | None, request: HttpRequest) -> dict[str, str]:
    """The headers for an answer to this request; none without an Origin, or for one that is not allowed."""
    origin = request.headers.get("origin")
    if configured is None or origin is None:
        return {}
    allowed = _allowed(configured.origins, origin)
    if allowed is None:
        return {}
    if not is_preflight(request):
        return {"Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": ",".join(configured.exposed)}
    return {
        "Access-Control-Allow-Origin": allowed,
        "Access-Control-Allow-Methods": ",".join(configured.methods),
        "Access-Control-Allow-Headers": ",".join(configured.headers),
        "Access-Control-Max-Age": str(configured.max_age_seconds),
    }


def without(given: dict[str, str]) -> dict[str, str]:
    """A function's headers but for those of CORS, which API Gateway replaces where CORS is configured."""
    return {name: value for name, value in given.items() if not name.lower().startswith(_PREFIX)}


def _allowed(origins: tuple[str, ...], origin: str) -> str | None:
    if "*" in origins:
        return "*"
    any_of_scheme = any(one.endswith("://*") and origin.startswith(one[:-1]) for one in origins)
    return origin if origin in origins or any_of_scheme else None
