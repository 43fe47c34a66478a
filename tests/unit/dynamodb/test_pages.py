"""Pages of a listing: what may be asked for, at its bounds, and that a cursor leads on from the last entry shown."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.api import requests
from modelpass.dynamodb import pages
from modelpass.dynamodb.pages import Listing, Page
from modelpass.encoding import base64url
from modelpass.errors import Refused
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.commands.queries import EVENTS, SUBSCRIPTIONS

EVENT = "001796126400000#evt_" + "a" * 24
LATER_EVENT = "001796126400000#00000000000001#evt_" + "a" * 24
BOUGHT = f"{subscription_items.BOUGHT}001796126400000#000000001#sub_" + "a" * 24


def cursor(sort_key: str) -> str:
    return base64url(sort_key.encode())


@pytest.mark.parametrize(
    ("query", "listing", "page"),
    [
        ({}, EVENTS, Page(20, None)),
        ({"limit": "1"}, EVENTS, Page(1, None)),
        ({"limit": "100"}, EVENTS, Page(100, None)),
        ({"limit": "007"}, EVENTS, Page(7, None)),
        ({"cursor": cursor(EVENT)}, EVENTS, Page(20, EVENT)),
        ({"limit": "3", "cursor": cursor(LATER_EVENT)}, EVENTS, Page(3, LATER_EVENT)),
        ({"cursor": cursor(BOUGHT)}, SUBSCRIPTIONS, Page(20, BOUGHT)),
    ],
)
def test_page_is_the_one_asked_for(query: dict[str, str], listing: Listing, page: Page) -> None:
    assert requests.page_of(query, listing) == page


@pytest.mark.parametrize("limit", ["0", "101", "", "-1", "1.0", "٣", "²", "0001", "+1", " 1", "1_0"])
def test_limit_is_a_whole_number_from_1_to_100(limit: str) -> None:
    with pytest.raises(Refused) as caught:
        requests.page_of({"limit": limit}, EVENTS)
    told = caught.value.refusal
    assert (told.param, told.message) == ("limit", "limit must be a whole number from 1 to 100.")


@pytest.mark.parametrize(
    "given", ["", "?", "a", cursor("x"), cursor(BOUGHT), "a" * 201, base64url(b"\xff\xff\xff"), f"{cursor(EVENT)}="]
)
def test_cursor_that_no_page_of_this_listing_gave_is_refused(given: str) -> None:
    with pytest.raises(Refused) as caught:
        requests.page_of({"cursor": given}, EVENTS)
    told = caught.value.refusal
    assert (told.param, told.message) == ("cursor", "cursor must be the next of an earlier page.")


def test_one_entry_more_is_asked_for_after_the_last_one_shown_newest_first() -> None:
    asked = pages.request("T", "p", EVENTS, Page(20, EVENT))
    assert asked == {
        "TableName": "T",
        "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":pk": {"S": "p"}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": 21,
        "ExclusiveStartKey": {"pk": {"S": "p"}, "sk": {"S": EVENT}},
    }


def test_listing_with_a_beginning_asks_for_what_begins_so() -> None:
    asked = pages.request("T", "p", SUBSCRIPTIONS, Page(1, None))
    assert asked["KeyConditionExpression"] == "#pk = :pk AND begins_with(#sk, :prefix)"
    assert asked["ExpressionAttributeNames"] == {"#pk": "pk", "#sk": "sk"}
    assert asked["ExpressionAttributeValues"] == {":pk": {"S": "p"}, ":prefix": {"S": subscription_items.BOUGHT}}
    assert "ExclusiveStartKey" not in asked


@pytest.mark.parametrize(("found", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_cursor_of_the_next_page_names_the_last_entry_shown(*, found: int, shown: int, more: bool) -> None:
    entries: list[Any] = [{"sk": {"S": f"{n}#é"}} for n in range(found)]
    assert pages.cut(entries, Page(2, None)) == (entries[:shown], cursor("1#é") if more else None)
