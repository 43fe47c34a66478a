"""The query and the cursor for one page of a listing, in either order. Rule: pure; what is listed is not known here.

A cursor names the last entry that was shown, so that entries added since move no page. It is the sort key of that entry
in base64url. It tells its reader nothing that he was not shown, and it is good only inside the partition that is asked
for, so it needs no signature.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from modelpass import schema
from modelpass.encoding import base64url, from_base64url
from modelpass.schema import text

_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: the entries of a partition whose sort keys begin with `prefix` and fully match `sort_key`.

    They come newest first, which is by falling sort key, unless they are listed by rising ones.
    """

    prefix: str
    sort_key: re.Pattern[str]
    rising: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How many entries to show, and the sort key after which they begin; None begins with the first of the order."""

    limit: int
    after: str | None


def request(table: str, partition: str, listing: Listing, page: Page) -> dict[str, Any]:
    """The query for a page and one entry more, which tells whether there is a next page."""
    query: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk" + (" AND begins_with(#sk, :prefix)" if listing.prefix else ""),
        "ExpressionAttributeNames": {"#pk": "pk", **({"#sk": "sk"} if listing.prefix else {})},
        "ExpressionAttributeValues": {
            ":pk": text(partition),
            **({":prefix": text(listing.prefix)} if listing.prefix else {}),
        },
        "ScanIndexForward": listing.rising,
        "ConsistentRead": True,
        "Limit": page.limit + 1,
    }
    if page.after is not None:
        query["ExclusiveStartKey"] = schema.primary_key((partition, page.after))
    return query


def cut(found: list[schema.Item], page: Page) -> tuple[list[schema.Item], str | None]:
    """The entries of a page out of what its query found, and the cursor of the next page; None on the last page."""
    shown = found[: page.limit]
    return shown, cursor_of(shown[-1]["sk"]["S"]) if len(found) > page.limit else None


def sort_key_of(cursor: str) -> str:
    """The sort key that a cursor names; empty for what is no cursor."""
    if _CURSOR.fullmatch(cursor) is None:
        return ""
    try:
        return from_base64url(cursor).decode()
    except ValueError:
        return ""


def cursor_of(sort_key: str) -> str:
    """The cursor that names a sort key, or another text that says where a listing goes on."""
    return base64url(sort_key.encode())
