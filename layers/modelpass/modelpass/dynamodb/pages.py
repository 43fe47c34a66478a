"""Pages of a listing, newest first. Rule: a cursor names the last entry shown, so that what is added moves no page.

A cursor is the sort key of that entry in base64url. It says nothing that its reader was not shown, and it is good only
inside the partition that is asked for, so it needs no signature.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass import api_keys, schema
from modelpass.encoding import base64url, from_base64url
from modelpass.errors import invalid
from modelpass.schema import text

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ENTRIES: Final = 100
DEFAULT_ENTRIES: Final = 20
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: the entries of a partition whose sort keys have this form and begin so."""

    prefix: str
    sort_key: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Page:
    """How many entries to show, and after which; None begins with the newest."""

    limit: int
    after: str | None


SUBSCRIPTIONS: Final = Listing(
    api_keys.BOUGHT, re.compile(rf"{api_keys.BOUGHT}[0-9]{{15}}#[0-9]{{9,}}#sub_[a-z2-7]{{24}}")
)
# An event of version 1 has no order within its millisecond.
EVENTS: Final = Listing("", re.compile(r"[0-9]{15}#([0-9]{14,}#)?evt_[a-z2-7]{24}"))


def page_of(query: Mapping[str, str], listing: Listing) -> Page:
    """The page that a query asks for; raises `invalid_request` naming the parameter."""
    shown = query.get("limit", str(DEFAULT_ENTRIES))
    if not (shown.isascii() and shown.isdecimal() and len(shown) <= len(str(MOST_ENTRIES))) or not (
        1 <= int(shown) <= MOST_ENTRIES
    ):
        raise invalid("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}.")
    if "cursor" not in query:
        return Page(int(shown), None)
    after = _sort_key(query["cursor"])
    if listing.sort_key.fullmatch(after) is None:
        raise invalid("cursor", "cursor must be the next of an earlier page.")
    return Page(int(shown), after)


def request(table: str, partition: str, listing: Listing, page: Page) -> dict[str, Any]:
    """The query for a page, and for one entry more, which tells whether there is a next."""
    query: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk" + (" AND begins_with(#sk, :prefix)" if listing.prefix else ""),
        "ExpressionAttributeNames": {"#pk": "pk", **({"#sk": "sk"} if listing.prefix else {})},
        "ExpressionAttributeValues": {
            ":pk": text(partition),
            **({":prefix": text(listing.prefix)} if listing.prefix else {}),
        },
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": page.limit + 1,
    }
    if page.after is not None:
        query["ExclusiveStartKey"] = schema.primary_key((partition, page.after))
    return query


def cut(found: list[schema.Item], page: Page) -> tuple[list[schema.Item], str | None]:
    """The entries of a page, and the cursor of the next; None on the last."""
    shown = found[: page.limit]
    return shown, _cursor(shown[-1]["sk"]["S"]) if len(found) > page.limit else None


def _cursor(sort_key: str) -> str:
    return base64url(sort_key.encode())


def _sort_key(cursor: str) -> str:
    if _CURSOR.fullmatch(cursor) is None:
        return ""
    try:
        return from_base64url(cursor).decode()
    except ValueError:
        return ""
