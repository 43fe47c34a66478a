"""Against the local stack: a lease grants what the day has, to the last call, over a line that loses messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass_client.client import Client
from modelpass_client.errors import Refused
from modelpass_client.policies import Policies
from tests.client.core.test_service import Customer, Line
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

WAIT = 60.0


@pytest.mark.parametrize("losses", [0.0, 0.1])
def test_a_lease_grants_a_day_to_its_last_call_and_not_one_more(
    stack: Stack, new_account: Callable[[], str], losses: float
) -> None:
    customer = Customer(stack, new_account())
    line = Line(stack, losses)
    granted = leased = 0
    client = Client(
        line, policies=Policies(authorize_seconds=WAIT, first_pause_seconds=0.01, longest_pause_seconds=0.1)
    )
    lease = client.lease(customer.key, TEXT_MODEL)
    while True:
        try:
            with lease.request(estimate=100) as grant:
                grant.used(60)
        except Refused as refused:
            code, limit = refused.code, refused.answer["daily"]["limit"]
            break
        granted += 1
        leased += grant.authorization_id is None
    client.close(WAIT)
    assert customer.counted() == (granted, granted * 60, 0)
    assert (code, granted) == ("daily_call_limit_reached", limit)
    assert leased > granted // 2
