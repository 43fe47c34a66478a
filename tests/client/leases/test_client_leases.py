"""Leases as a client has them: threads, a service in memory, and real time that no test waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client import AsyncClient, Client, Policies, Refused, Spool
from modelpass_client.backend import BackendError
from tests.client.leases.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelpass_client.grant import Grant

Json = dict[str, Any]

PATIENCE_SECONDS = 30.0
"""How long a test waits for what must come, before it fails."""


class Backend:
    """Keys with a service in memory each; a gate that is closed makes the messages of a key wait."""

    def __init__(self, *keys: str, cap: int = 10**9, limit: int = 10**9, older: frozenset[str] = frozenset()) -> None:
        self.services = {key: Service(cap=cap, limit=limit, key=key, older=older) for key in keys}
        self.sent: list[tuple[str, Json]] = []
        self.gates: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def authorize(self, payload: Json) -> Json:
        return self._serve("authorize", payload["apiKey"], payload)

    def settle(self, payload: Json) -> Json:
        key, _, known = payload["authorizationId"].partition(":")
        return self._serve("settle", key, {**payload, "authorizationId": known})

    def describe_key(self, payload: Json) -> Json:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def count(self, function: str) -> int:
        return sum(sent == function for sent, _ in self.sent)

    def _serve(self, function: str, key: str, payload: Json) -> Json:
        gate = self.gates.get(key)
        if gate is not None and not gate.wait(PATIENCE_SECONDS):
            raise BackendError("nobody opened the gate", maybe_done=False)
        with self._lock:
            self.sent.append((function, payload))
            service = self.services[key]
            service.now_ms = int(time.monotonic() * 1000)
            answer: Json = getattr(service, function)(payload)
        named = {"authorizationId": f"{key}:{answer['authorizationId']}"} if "authorizationId" in answer else {}
        return answer | named


class Direct(Backend):
    """A way that decides in the router's process."""

    def __init__(self, *, clock_checked: bool) -> None:
        super().__init__("k")
        self.clock_checked = clock_checked


def client_of(backend: Backend, **more: Any) -> Client:
    policies = Policies(longest_request_seconds=8.0, clock_difference_seconds=1.0, **more.pop("policies", {}))
    return Client(backend, policies=policies, **more)


def until(true: Callable[[], object]) -> None:
    """Look again and again, without a bound on how often but one on how long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < ends
        threading.Event().wait(0.001)


def test_many_threads_share_a_lease_that_asks_the_service_now_and_then() -> None:
    backend = Backend("k")
    with client_of(backend) as client, client.lease("k", "m") as lease:

        def work() -> None:
            for _ in range(200):
                with lease.request(estimate=100) as grant:
                    assert grant.authorization_id is None
                    grant.used(60)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    service = backend.services["k"]
    assert (service.used, service.calls, service.held) == (1600 * 60, 1600, 0)
    assert len(backend.sent) < 160


def test_a_key_whose_service_hangs_holds_up_no_other_key_and_no_decision() -> None:
    backend = Backend("hangs", "goes on")
    client = client_of(backend)
    stuck, other = client.lease("hangs", "m"), client.lease("goes on", "m")
    until(lambda: stuck.authorize(100) and client.leases._leases["hangs", "m"]._hold.free_units > 1000)
    backend.gates["hangs"] = threading.Event()
    grants = [stuck.authorize(100) for _ in range(5)]  # decided in the process
    assert all(grant.authorization_id is None and grant.may_start() for grant in grants)
    assert other.authorize(100).authorization_id is None
    backend.gates.pop("hangs").set()
    client.close()
    assert backend.services["hangs"].held == backend.services["goes on"].held == 0


def test_a_key_that_runs_hot_gets_a_lease_by_itself_and_others_do_not() -> None:
    backend = Backend("k")
    client = client_of(backend, hot_leases=True, policies={"hot_per_second": 5})
    for _ in range(3):
        client.authorize("k", "m", 100).void()
    assert not client.leases._leases
    leased: list[Grant] = []

    def is_leased() -> bool:
        leased.append(client.authorize("k", "m", 100))
        return leased[-1].authorization_id is None

    until(is_leased)
    client.close()
    assert backend.services["k"].held == 0
    assert backend.services["k"].used == 100 * len(leased)  # nobody said what they used: their estimates


def test_a_refusal_is_the_services_own() -> None:
    backend = Backend("k", cap=50)
    with client_of(backend) as client, client.lease("k", "m") as lease, pytest.raises(Refused) as refused:
        lease.authorize(100)
    assert (refused.value.code, refused.value.status) == ("monthly_cap_reached", 429)
    assert refused.value.answer["monthly"]["remaining"] == 50


def test_a_limit_that_refuses_while_others_hold_what_would_do_is_asked_once_more_after_a_second() -> None:
    backend = Backend("k", cap=150)
    other = client_of(backend)
    held = other.authorize("k", "m", 100)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds == 1.0:
            held.void()
            until(lambda: backend.services["k"].held == 0)

    with client_of(backend, sleep=sleep) as client, client.lease("k", "m") as lease:
        assert lease.authorize(100).held_units == 100
        assert slept.count(1.0) == 1
        with pytest.raises(Refused):
            lease.authorize(1000)  # what is held would not do
        assert slept.count(1.0) == 1
    other.close()


def test_wishes_that_a_lease_cannot_keep_ask_the_service() -> None:
    backend = Backend("k")
    with client_of(backend) as client, client.lease("k", "m") as lease:
        assert lease.authorize(100).authorization_id is None
        assert lease.authorize(100, request_id="mine").request_id == "mine"
        assert lease.authorize(100, hold_seconds=60).authorization_id is not None
        assert lease.authorize(100, tier="basic").authorization_id is not None
        assert lease.authorize(100, tier="stable").authorization_id is None


def test_to_an_older_service_every_request_is_asked_for_by_itself() -> None:
    older = frozenset({"attempt", "minimumUsage", "continue", "usageSource"})
    backend = Backend("k", older=older)
    with client_of(backend) as client, client.lease("k", "m") as lease:
        for _ in range(5):
            with lease.request(estimate=100) as grant:
                assert grant.authorization_id is not None
                grant.used(60)
    assert backend.services["k"].used == 5 * 60


@pytest.mark.parametrize("clock_checked", [False, True])
def test_in_the_routers_process_leases_need_a_clock_that_is_checked(clock_checked: bool) -> None:  # noqa: FBT001 - a case
    with client_of(Direct(clock_checked=clock_checked)) as client, client.lease("k", "m") as lease:
        assert (lease.authorize(100).authorization_id is None) is clock_checked


def test_flush_books_what_has_finished_and_hands_back_what_is_free() -> None:
    backend = Backend("k")
    client = client_of(backend)
    lease = client.lease("k", "m")
    lease.authorize(100).settle()
    open_still = lease.authorize(70)
    assert client.flush(PATIENCE_SECONDS)
    assert (backend.services["k"].used, backend.services["k"].held) == (100, 70)
    assert lease.authorize(50).authorization_id is None  # on a new hold
    open_still.void()
    client.close()


def test_close_books_open_grants_as_the_policies_say_and_the_last_report_is_durable(tmp_path: Path) -> None:
    backend = Backend("k")
    client = client_of(backend, spool=Spool(tmp_path))
    grant = client.lease("k", "m").authorize(100)
    client.lease("k", "m").authorize(100).void()
    client.flush(PATIENCE_SECONDS)
    backend.gates["k"] = threading.Event()  # from now on nothing is answered
    client.close(0.05)
    assert grant.claimed
    backend.gates.pop("k").set()
    with client_of(backend, spool=Spool(tmp_path)) as after:
        until(lambda: (after.settler.recover(), backend.services["k"].used == 100)[1])
    assert backend.services["k"].held == 0


def test_once_a_lease_is_closed_requests_ask_the_service_and_it_can_be_opened_again() -> None:
    backend = Backend("k")
    with client_of(backend) as client:
        lease = client.lease("k", "m")
        lease.authorize(100).void()
        lease.close()
        assert client.authorize("k", "m", 100).authorization_id is not None
        assert client.lease("k", "m").authorize(100).authorization_id is None


def test_a_forked_child_has_no_lease_of_its_parent() -> None:
    backend = Backend("k")
    client = client_of(backend)
    client.lease("k", "m").authorize(100).void()
    parents = client.leases._leases["k", "m"]
    client.leases.after_fork()
    assert client.leases._leases == {}
    parents.abandon()
    client.close()


def test_an_async_client_has_the_same_leases() -> None:
    backend = Backend("k")

    async def work() -> None:
        async with AsyncClient(backend) as client, client.lease("k", "m") as lease:
            async with lease.request(estimate=100) as grant:
                grant.used(60)
            assert (await lease.authorize(100)).authorization_id is None

    asyncio.run(work())
    assert (backend.services["k"].used, backend.services["k"].held) == (160, 0)
