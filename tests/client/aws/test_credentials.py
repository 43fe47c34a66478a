"""Credentials are those botocore finds, renewed before they end; no request waits while the old ones are good."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import ROOT
from modelpass_client.aws import credentials as module
from modelpass_client.aws.credentials import EnvironmentCredentials, Lasting, RenewedCredentials, default_credentials
from modelpass_client.aws.sigv4 import Credentials
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError
from tests.client.aws.way import REGION, SETTLE, answered, failure, way

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import Wire

OLD, NEW = Credentials("AKIDOLD", "secret-old", "token-old"), Credentials("AKIDNEW", "secret-new", "token-new")
HOUR = 3600.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Provider:
    """Gives what it is told to give, when it is told to; counts how often it was asked."""

    def __init__(self, *results: Lasting | Exception) -> None:
        self.results = list(results)
        self.asked = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.begun = threading.Event()

    def __call__(self) -> Lasting:
        self.asked += 1
        self.begun.set()
        assert self.may_go.wait(10)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def settled() -> None:
    """Wait until no renewal runs any more."""
    for thread in threading.enumerate():
        if thread.name == "modelpass-credentials":
            thread.join(10)


def renewed(clock: Clock, *results: Lasting | Exception) -> tuple[RenewedCredentials, Provider]:
    provider = Provider(*results)
    return RenewedCredentials(provider, clock=clock), provider


def test_credentials_are_not_fetched_again_while_they_are_far_from_their_end() -> None:
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR))
    clock.now += HOUR - module.EARLY_SECONDS - 1
    assert source() == OLD
    settled()
    assert provider.asked == 1


def test_no_request_waits_for_a_renewal_while_the_old_are_good() -> None:
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    provider.may_go.clear()
    clock.now += HOUR - module.EARLY_SECONDS
    assert source() == OLD  # the renewal hangs
    assert provider.begun.wait(10)
    assert source() == OLD
    provider.may_go.set()
    settled()
    assert source() == NEW
    assert provider.asked == 2


def test_one_renewal_runs_at_a_time_however_many_ask() -> None:
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    provider.may_go.clear()
    clock.now += HOUR - 1
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: source(), range(200))) == {OLD}
    provider.may_go.set()
    settled()
    assert (source(), provider.asked) == (NEW, 2)


def test_a_renewal_that_fails_keeps_the_old_until_they_end() -> None:
    clock = Clock()
    gone = [OSError("token-old")] * 3
    source, provider = renewed(clock, Lasting(OLD, HOUR), *gone, Lasting(NEW, HOUR))
    clock.now += HOUR - 7
    assert source() == OLD
    settled()
    assert (source(), provider.asked) == (OLD, 2)  # and is not tried again at once
    clock.now += module.PAUSE_SECONDS
    assert source() == OLD
    settled()
    clock.now += 2  # they end now
    assert (fails(source), provider.asked) == ("the AWS credentials have ended, and new ones could not be had", 4)
    clock.now += module.PAUSE_WITHOUT_SECONDS
    assert source() == NEW


def fails(source: Callable[[], object]) -> str:
    error = failure(source)
    assert not error.maybe_done
    return str(error)


def test_a_request_after_their_end_waits_for_new_ones() -> None:
    """A process that was idle for hours does not fail its first request."""
    clock = Clock()
    source, _ = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    clock.now += 5 * HOUR
    assert source() == NEW


def test_a_renewal_that_hangs_fails_requests_after_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    provider.may_go.clear()
    clock.now += HOUR
    assert "have ended" in fails(source)
    assert provider.asked == 2
    provider.may_go.set()
    settled()
    assert source() == NEW


def test_credentials_that_live_shortly_are_renewed_at_half_of_their_life() -> None:
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, 300.0), Lasting(NEW, HOUR))
    clock.now += 149
    source()
    settled()
    assert provider.asked == 1
    clock.now += 1
    source()
    settled()
    assert source() == NEW


def test_a_provider_that_gives_the_old_ones_again_is_not_asked_all_the_time() -> None:
    """botocore swallows a failure in the last quarter of an hour and gives what it has."""
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR), *[Lasting(OLD, 1.0)] * 5)
    clock.now += HOUR - 1
    for _ in range(100):
        source()
        settled()
    assert provider.asked == 2


def test_new_credentials_that_no_header_can_hold_are_a_failed_renewal() -> None:
    clock = Clock()
    source, _ = renewed(clock, Lasting(OLD, HOUR), Lasting(Credentials("AKIDNEW", "a\r\nb"), HOUR))
    clock.now += HOUR - 60
    source()
    settled()
    assert source() == OLD


def test_credentials_without_an_end_are_kept() -> None:
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, None))
    clock.now += 24 * HOUR
    assert (source(), provider.asked) == (OLD, 1)


def test_a_failed_renewal_is_logged_without_what_it_said(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source, _ = renewed(clock, Lasting(OLD, HOUR), OSError("token-old"))
    clock.now += HOUR - 60
    source()
    settled()
    assert caplog.messages == ["AWS credentials could not be renewed (OSError)"]
    assert "token-old" not in caplog.text


def test_a_process_that_may_have_no_more_threads_goes_on_with_the_old(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    clock = Clock()
    source, _ = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    clock.now += HOUR - 60
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert source() == OLD
    assert source() in (OLD, NEW)
    settled()
    assert source() == NEW


def test_a_fork_during_a_renewal_renews_for_itself() -> None:
    """The thread that renews does not come along, nor may its lock."""
    clock = Clock()
    source, provider = renewed(clock, Lasting(OLD, HOUR), Lasting(NEW, HOUR))
    provider.may_go.clear()
    clock.now += HOUR - 60
    source()
    assert provider.begun.wait(10)
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            provider.may_go = threading.Event()
            provider.may_go.set()
            clock.now += 61  # they have ended: it has to renew
            ended = 0 if source() == NEW else 2
        finally:
            os._exit(ended)
    assert os.waitpid(child, 0)[1] == 0
    provider.may_go.set()
    settled()
    assert source() == NEW


def environment(number: int, **more: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": f"AKID{number}", "AWS_SECRET_ACCESS_KEY": f"secret{number}", **more}


def test_credentials_that_change_in_the_environment_sign_the_very_next_request() -> None:
    variables = environment(1)
    source = EnvironmentCredentials(variables)
    assert source() == Credentials("AKID1", "secret1")
    variables |= environment(2, AWS_SESSION_TOKEN="token2")
    assert source() == Credentials("AKID2", "secret2", "token2")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_that_go_from_the_environment_fail_requests(name: str) -> None:
    variables = environment(1)
    source = EnvironmentCredentials(variables)
    variables |= environment(2)
    del variables[name]
    with pytest.raises(BackendError, match=f"^{name} is missing$"):
        source()


def test_an_id_without_a_secret_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"^AWS_SECRET_ACCESS_KEY is missing$"):
        default_credentials({"AWS_ACCESS_KEY_ID": "AKID1"})


WITHOUT = """
import sys
sys.modules["botocore"] = None
from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.errors import ConfigurationError
try:
    InvokeBackend(region="eu-west-1")
except ConfigurationError as error:
    print(error)
"""


def test_without_botocore_the_environment_has_to_have_them() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={"PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "AWS_ACCESS_KEY_ID is missing; without botocore credentials are in the environment\n"


def test_a_failing_source_fails_the_request_before_it_is_sent(wire: Wire) -> None:
    def none() -> Credentials:
        raise BackendError("none", maybe_done=False)

    backend = way(wire, credentials=none)
    assert fails(lambda: backend.settle(SETTLE)) == "none"
    assert wire.asked == []


def test_each_request_is_signed_by_what_the_source_gives_then(wire: Wire) -> None:
    wire.sends(answered({}))
    given: list[Credentials] = [OLD, NEW]
    backend = way(wire, credentials=lambda: given.pop(0), region=REGION)
    backend.settle(SETTLE)
    backend.settle(SETTLE)
    shown: list[Any] = [asked.headers["x-amz-security-token"] for asked in wire.asked]
    assert shown == ["token-old", "token-new"]
    assert [asked.connection for asked in wire.asked] == [0, 0]
    backend.close()
