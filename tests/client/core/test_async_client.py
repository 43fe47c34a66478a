"""The event loop never waits, a full pool refuses, and a cancelled question leaves no hold behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from modelpass_client.async_client import AsyncClient
from modelpass_client.client import Client
from modelpass_client.errors import Refused
from modelpass_client.policies import Policies
from tests.client.core.backends import Scripted

WAIT = 20.0  # seconds after which a test has failed


class Hung(Scripted):
    """A backend that answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Event()

    def authorize(self, payload: Any) -> Any:
        self.entered.release()
        assert self.let_go.wait(WAIT)
        return super().authorize(payload)

    async def until_asked(self, times: int) -> None:
        for _ in range(times):
            assert await asyncio.to_thread(self.entered.acquire, timeout=WAIT)


def test_request_is_settled_as_told() -> None:
    backend = Scripted()

    async def main() -> None:
        async with AsyncClient(backend) as client, client.request("key", "m", estimate=100) as grant:
            grant.used(60)

    asyncio.run(main())
    (report,) = backend.settled
    assert (report["authorizationId"], report["actualUsage"]) == ("id-1", 60)
    assert backend.closed


def test_cancelled_request_is_settled_without_awaiting() -> None:
    backend = Scripted()

    async def main() -> None:
        async with AsyncClient(backend) as client:
            began = asyncio.Event()

            async def serve() -> None:
                async with client.request("key", "m", estimate=100, prompt_units=9):
                    began.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(serve())
            await began.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert [report["actualUsage"] for report in backend.settled] == [9]


def test_hung_service_leaves_the_loop_free_and_a_full_pool_refuses_at_once() -> None:
    backend = Hung()

    async def main() -> None:
        client = AsyncClient(backend, policies=Policies(async_threads=2, async_waiting=1))
        asking = [asyncio.create_task(client.authorize("key", "m", 1)) for _ in range(3)]
        await backend.until_asked(2)
        with pytest.raises(Refused) as refused:
            await client.authorize("key", "m", 1)
        assert refused.value.code == "temporarily_unavailable"
        for _ in range(100):
            await asyncio.sleep(0)  # the loop turns while two threads hang
        backend.let_go.set()
        grants = await asyncio.gather(*asking)
        assert len(grants) == 3
        for grant in grants:
            grant.void()
        (await client.authorize("key", "m", 1)).void()  # places are free again
        await client.aclose()

    asyncio.run(main())


def test_cancelled_question_is_voided_when_its_answer_comes() -> None:
    backend = Hung()

    async def main() -> None:
        async with AsyncClient(backend) as client:
            task = asyncio.create_task(client.authorize("key", "m", 100))
            await backend.until_asked(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            backend.let_go.set()

    asyncio.run(main())
    assert [(report["actualUsage"], report["calls"]) for report in backend.settled] == [(0, 0)]


def test_service_that_hangs_beyond_its_bound_is_not_waited_for() -> None:
    backend = Hung()

    async def main() -> None:
        async with AsyncClient(backend, policies=Policies(authorize_seconds=0.01)) as client:
            with pytest.raises(Refused) as refused:
                await client.authorize("key", "m", 100)
            assert refused.value.code == "temporarily_unavailable"
            backend.let_go.set()

    asyncio.run(main())
    assert [(report["actualUsage"], report["calls"]) for report in backend.settled] == [(0, 0)]


def test_client_serves_several_loops_one_after_the_other() -> None:
    backend = Scripted()
    client = AsyncClient(backend)
    for _ in range(2):
        asyncio.run(client.authorize("key", "m", 1)).void()
    asyncio.run(client.close())
    assert len(backend.settled) == 2


def test_sync_and_async_have_the_same_names() -> None:
    names = {name for name in vars(Client) if not name.startswith("_")}
    inside = {"ask", "leased", "granted", "from_service", "with_leases", "book", "hurry", "settle_all"}
    assert names - inside - set(vars(AsyncClient)) == set()
