"""The reset's handler as it is deployed, with its sample event: what it answers, and that a bad item stops nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.handlers import sample
from tests.support.world import DAY_MS

if TYPE_CHECKING:
    from tests.support.handlers import Service
    from tests.support.world import Clock

pytestmark = pytest.mark.usefixtures("clock")


def test_reset_tells_what_it_did_and_then_that_nothing_is_left(own_service: Service, clock: Clock) -> None:
    bought = own_service.buy("acct_reset")
    own_service.authorize(bought["apiKey"])
    clock.advance(40 * DAY_MS)
    nothing = {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}
    first = own_service.invoke("ResetFunction", sample("reset"))
    assert first == {**nothing, "windowsRolled": 1, "subscriptionsExpired": 1, "holdsReleased": 1}
    assert own_service.invoke("ResetFunction", sample("reset")) == nothing


def test_reset_rolls_a_window_that_was_used(own_service: Service, clock: Clock) -> None:
    bought = own_service.buy("acct_roll")
    own_service.settle(own_service.authorize(bought["apiKey"])["authorizationId"])
    clock.advance(2 * DAY_MS)
    answer = own_service.invoke("ResetFunction", sample("reset"))
    assert answer == {"windowsRolled": 1, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}


def test_reset_goes_on_past_an_item_it_cannot_read(own_service: Service, clock: Clock) -> None:
    unreadable, other = own_service.buy("acct_unreadable"), own_service.buy("acct_other")
    own_service.authorize(other["apiKey"])
    key = {"pk": {"S": unreadable["subscriptionId"]}, "sk": {"S": "subscription"}}
    own_service.put_version("SubscriptionsTable", key, "99")
    clock.advance(40 * DAY_MS)
    answer: dict[str, Any] = own_service.invoke("ResetFunction", sample("reset"))
    assert (answer["subscriptionsExpired"], answer["holdsReleased"]) == (1, 1)
