"""Against the local stack: what the service counts is what was reported, whatever the line between loses."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.async_client import AsyncClient
from modelpass_client.backend import BackendError
from modelpass_client.client import Client
from modelpass_client.errors import Refused
from modelpass_client.policies import Policies
from modelpass_client.spool import Spool
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.stack import Stack

Json = dict[str, Any]
WAIT = 60.0


class Line:
    """A way to the stack by boto3 that loses questions and answers, as often as it is told."""

    def __init__(self, stack: Stack, losses: float = 0.0) -> None:
        self._stack, self._losses = stack, losses
        self._chance = random.Random(14)

    def _invoke(self, function: str, payload: Json) -> Json:
        if self._chance.random() < self._losses:
            raise BackendError("the question was lost", maybe_done=True)
        answer = self._stack.lambda_client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        if self._chance.random() < self._losses:
            raise BackendError("the answer was lost", maybe_done=True)
        found: Json = json.loads(answer["Payload"].read())
        return found

    def authorize(self, payload: Json) -> Json:
        return self._invoke("AuthorizeFunction", payload)

    def settle(self, payload: Json) -> Json:
        return self._invoke("SettleFunction", payload)

    def describe_key(self, payload: Json) -> Json:
        return self._invoke("DescribeKeyFunction", payload)

    def close(self) -> None:
        pass


class Customer:
    """A customer of the stack and what the service has counted of his text model."""

    def __init__(self, stack: Stack, account: str) -> None:
        self._stack, self._account = stack, account
        bought = stack.buy(account)
        self.key: str = bought["apiKey"]
        self._subscription: str = bought["subscriptionId"]

    def counted(self) -> tuple[int, int, int]:
        """Calls, units and units held."""
        usage = self._stack.usage(self._account, self._subscription)
        (model,) = [model for model in usage["models"] if model["modelId"] == TEXT_MODEL]
        return model["daily"]["used"], model["monthly"]["used"], model["monthly"]["held"]


@pytest.fixture
def customer(stack: Stack, new_account: Callable[[], str]) -> Customer:
    return Customer(stack, new_account())


def test_service_counts_what_was_reported_once_over_a_line_that_loses(
    stack: Stack, customer: Customer, tmp_path: Path
) -> None:
    quick = Policies(first_pause_seconds=0.01, longest_pause_seconds=0.05, authorize_seconds=WAIT)
    with Client(Line(stack, losses=0.3), policies=quick, spool=Spool(tmp_path)) as client:
        for units in (5, 70, 300):
            with client.request(customer.key, TEXT_MODEL, estimate=1000) as grant:
                grant.used(units)
        with pytest.raises(ZeroDivisionError), client.request(customer.key, TEXT_MODEL, estimate=1000):
            raise ZeroDivisionError
        with client.stream(
            client.authorize(customer.key, TEXT_MODEL, 1000, prompt_units=8), iter(["ab", "cde"]), count=len
        ) as stream:
            next(stream)
        with client.request(customer.key, TEXT_MODEL, estimate=40):
            pass  # nobody tells what was used
        assert client.flush(WAIT)
    assert customer.counted() == (5, 5 + 70 + 300 + (8 + 2) + 40, 0)
    assert list(tmp_path.iterdir()) == []


def test_service_counts_what_many_tasks_report_at_once(stack: Stack, customer: Customer) -> None:
    async def serve(client: AsyncClient, number: int) -> None:
        async with client.request(customer.key, TEXT_MODEL, estimate=100) as grant:
            if number % 4 == 3:
                await asyncio.Event().wait()
            grant.used(number)

    async def main() -> None:
        async with AsyncClient(Line(stack)) as client:
            tasks = [asyncio.create_task(serve(client, number)) for number in range(20)]
            await asyncio.wait([task for number, task in enumerate(tasks) if number % 4 != 3])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert customer.counted() == (15, sum(number for number in range(20) if number % 4 != 3), 0)


def test_another_attempt_at_the_same_request_is_refused(stack: Stack, customer: Customer) -> None:
    with Client(Line(stack)) as client:
        grant = client.authorize(customer.key, TEXT_MODEL, 100, request_id="one")
        with pytest.raises(Refused) as refused:
            client.authorize(customer.key, TEXT_MODEL, 100, request_id="one")
        assert refused.value.code == "request_in_progress"
        grant.void()
    assert customer.counted() == (0, 0, 0)


def test_refusals_and_grants_show_what_is_left(stack: Stack, customer: Customer) -> None:
    with Client(Line(stack)) as client:
        with client.request(customer.key, TEXT_MODEL, estimate=100, calls=50) as grant:
            assert grant.headers()["x-ratelimit-remaining-requests"] == "0"
            assert (grant.held_calls, grant.held_units, grant.unit) == (50, 100, "tokens")
        with pytest.raises(Refused) as refused:
            client.authorize(customer.key, TEXT_MODEL, 100)
    assert refused.value.code == "daily_call_limit_reached"
    assert refused.value.retry_after is not None
