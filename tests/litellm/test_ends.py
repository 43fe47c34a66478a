"""The end of the process, however it comes: what was told is booked by this process or by the next one."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from tests.litellm import gate as gates
from tests.litellm import proxy as proxies
from tests.litellm.customers import Used
from tests.litellm.speaking import ask, begun, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.litellm.customers import Customer
    from tests.litellm.upstream import Upstream


def test_signals_and_kills(upstream: Upstream, customer: Customer, config: dict[str, Any], tmp_path: Path) -> None:
    """One test, since a proxy takes long to start: SIGTERM while a stream runs, SIGKILL, and the start after them."""
    port = customer.service.port
    with gates.before(port) as gate:
        with proxies.running(tmp_path, config, gate.url) as proxy:
            running = upstream.plan(chunks=30, holds_after=5)
            stream = begun(lambda: [text_of(chunk) for chunk in ask(proxy, customer, "chat", running, stream=True)])
            assert running.begun.wait(15)
            proxy.process.send_signal(signal.SIGTERM)
            gate.failing = 2  # so that the report is still under way when everything else has ended
            running.go_on.set()
            assert "".join(stream.result()).count("tree") == 30, "SIGTERM lets streams end"
            assert proxy.process.wait(proxies.STOP_SECONDS) == -signal.SIGTERM
        assert gate.failing == 0
        assert customer.held() == 0, "nothing waits when the process has ended"
        assert customer.used() == Used(running.units, 1)

        with proxies.running(tmp_path, config, gate.url) as proxy:
            told, lost = upstream.plan(holds_first=True), upstream.plan(chunks=30, holds_after=5)
            answer = begun(lambda: ask(proxy, customer, "chat", told, stream=False))
            broken = begun(lambda: list(ask(proxy, customer, "chat", lost, stream=True)))
            assert told.begun.wait(15)
            assert lost.begun.wait(15)
            with gate.hanging():
                told.go_on.set()
                answer.result()
                assert gate.waiting.wait(10), "the report is on its way, and in the spool"
                proxy.end(signal.SIGKILL)
                assert broken.exception() is not None
                lost.go_on.set()
        held = customer.held()
        assert held > 0

        with proxies.running(tmp_path, config, gate.url) as proxy:
            ask(proxy, customer, "chat", upstream.plan(prompt=1, chunks=1), stream=False)
            wait_for(lambda: customer.counters("gpt-chat")["monthly"]["used"] == running.units + told.units + 2)
            customer.service.move_clock(advanceSeconds=901)
            assert customer.used() == Used(running.units + told.units + 2, 4), "what was killed gives its units back"


def wait_for(condition: Any) -> None:
    import time  # noqa: PLC0415

    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def test_a_configuration_without_the_callback_does_not_start(
    config: dict[str, Any], customer: Customer, tmp_path: Path
) -> None:
    broken = {**config, "litellm_settings": {}}
    with proxies.started(tmp_path, broken, customer.service.url) as proxy:
        assert proxy.process.wait(proxies.READY_SECONDS) != 0
    assert "litellm_settings.callbacks must name" in proxy.said
