"""The body, the headers and the query of a request. Rule: reads a request and nothing else, and writes nothing.

Who calls is read by `identity`. A body is only parsed as JSON here: which fields it must have is checked by
`validation` and the `…_bodies` modules. Every fault raises `invalid_request` and names the part at fault.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from modelpass.dynamodb.pages import Page, sort_key_of
from modelpass.errors import invalid, invalid_cursor, member_path, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

    from modelpass.dynamodb.pages import Listing

MAX_BODY_BYTES: Final = 256 * 1024
IDEMPOTENCY_KEY_PATTERN: Final = "[!-~]{1,255}"
MOST_ENTRIES: Final = 100
"""How many entries a page of a listing may have."""
DEFAULT_ENTRIES: Final = 20
"""How many entries a page of a listing has unless the query says otherwise."""
_IDEMPOTENCY_KEY: Final = re.compile(IDEMPOTENCY_KEY_PATTERN)
_JSON: Final = "application/json"


def idempotency_key_of(event: APIGatewayProxyEventV2) -> str | None:
    """The Idempotency-Key header; None when it was not sent."""
    value = event.headers.get("idempotency-key")
    if value is not None and _IDEMPOTENCY_KEY.fullmatch(value) is None:
        raise invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return value


def required_idempotency_key_of(event: APIGatewayProxyEventV2) -> str:
    """The Idempotency-Key header of a call that requires it."""
    value = idempotency_key_of(event)
    if value is None:
        raise invalid("Idempotency-Key", "Idempotency-Key is required.")
    return value


def json_body_of(event: APIGatewayProxyEventV2) -> object:
    """The value of a JSON body.

    Refuses another content type, more than `MAX_BODY_BYTES`, and what parsers read differently: members that appear
    twice, `NaN` and its like, and text that has no UTF-8. A number too large for a float or for Python becomes an
    infinity, which the field that holds it refuses.
    """
    raw = _raw_body(event)
    content_type = event.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise invalid("Content-Type", f"Content-Type must be {_JSON}.")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_members, parse_constant=_no_constant, parse_int=_whole)
        duplicate = _path_of_duplicate(value)
        if duplicate is None:
            json.dumps(value, ensure_ascii=False).encode()  # lone surrogates have no UTF-8
    except (ValueError, RecursionError):
        raise invalid(None, "The body is not valid JSON.") from None
    if duplicate is not None:
        raise invalid(duplicate, "The member appears twice.")
    return value


def optional_json_body_of(event: APIGatewayProxyEventV2) -> object:
    """The value of a JSON body, as `json_body_of` gives it; an empty object where there is no body."""
    return json_body_of(event) if _raw_body(event).strip() else {}


def require_empty_body(event: APIGatewayProxyEventV2) -> None:
    """Refuse every body but an empty one and `{}`."""
    body = optional_json_body_of(event)
    if body != {}:
        field = quoted(next(iter(body))) if isinstance(body, dict) else None
        raise invalid(field, "This call takes no body, or {}.")


def query_of(event: APIGatewayProxyEventV2, *known: str) -> dict[str, str]:
    """The query's parameters by name; refuses one that is not among the `known` ones.

    Every handler calls it, once it knows who calls: a parameter that would do nothing is never taken in silence.
    """
    given: dict[str, str] = event.raw_event.get("queryStringParameters") or {}
    for name in given:
        if name not in known:
            raise invalid(quoted(name), "Unknown parameter.")
    return given


def page_of(query: Mapping[str, str], listing: Listing, default: int = DEFAULT_ENTRIES) -> Page:
    """The page that the parameters `limit` and `cursor` ask for, of a listing whose cursors these are."""
    limit = limit_of(query, default, MOST_ENTRIES)
    if "cursor" not in query:
        return Page(limit, None)
    after = sort_key_of(query["cursor"])
    if listing.sort_key.fullmatch(after) is None:
        raise invalid_cursor()
    return Page(limit, after)


def limit_of(query: Mapping[str, str], default: int, most: int) -> int:
    """How many entries the parameter `limit` asks for, from 1 to `most`."""
    given = query.get("limit", str(default))
    if not (given.isascii() and given.isdecimal() and len(given) <= len(str(most)) and 1 <= int(given) <= most):
        raise invalid("limit", f"limit must be a whole number from 1 to {most}.")
    return int(given)


def _raw_body(event: APIGatewayProxyEventV2) -> bytes:
    body = event.body or ""
    try:
        raw = b64decode(body, validate=True) if event.is_base64_encoded else body.encode("utf-8", "surrogatepass")
    except ValueError:
        raise invalid(None, "The body is not valid base64.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise invalid(None, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return raw


class _WithDuplicate(dict[str, Any]):
    """An object in which the member `name` appears more than once."""

    name: str


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    marked = _WithDuplicate(members)
    marked.name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return marked


def _path_of_duplicate(value: object, path: str = "") -> str | None:
    """The path of the first member that appears twice, such as `models[1].channelTier`; None when there is none."""
    if isinstance(value, _WithDuplicate):
        return member_path(path, value.name)
    if isinstance(value, dict):
        found = (_path_of_duplicate(inner, member_path(path, name)) for name, inner in value.items())
    elif isinstance(value, list):
        found = (_path_of_duplicate(inner, f"{path}[{index}]") for index, inner in enumerate(value))
    else:
        return None
    return next((at for at in found if at is not None), None)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _whole(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # thousands of digits: out of every range, so the field that holds it refuses it
        return math.copysign(math.inf, -1 if digits.startswith("-") else 1)
