"""A service that hangs: nothing is granted, nobody waits who need not, and what was used is booked when it is back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.litellm.customers import CHAT, Used, says
from tests.litellm.speaking import ask, begun

if TYPE_CHECKING:
    from tests.litellm.customers import Customer
    from tests.litellm.gate import Gate
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Upstream


def test_while_nobody_can_be_asked_requests_are_refused_and_the_proxy_goes_on(
    proxy: Proxy, gate: Gate, upstream: Upstream, customer: Customer
) -> None:
    plan = upstream.plan()
    body = {"model": CHAT, "messages": says(plan)}
    with gate.hanging():
        refused = begun(lambda: proxy.send("POST", "/v1/chat/completions", customer.key, body))
        assert gate.waiting.wait(10)
        assert proxy.send("GET", "/health/liveliness")[0] == 200
        assert not refused.done(), "the loop is free while the request waits"
        status, headers, raw = refused.result()
    assert (status, json.loads(raw)["error"]["code"]) == (503, "temporarily_unavailable")
    assert int(headers["retry-after"]) >= 1
    assert plan.posts == []
    assert customer.used() == Used(0, 0), "a grant that came too late is void"


def test_a_service_that_hangs_after_the_grant_keeps_no_customer_waiting(
    proxy: Proxy, gate: Gate, upstream: Upstream, customer: Customer
) -> None:
    plan = upstream.plan(holds_first=True)
    answer = begun(lambda: ask(proxy, customer, "chat", plan, stream=False))
    assert plan.begun.wait(15)
    with gate.hanging():
        plan.go_on.set()
        assert answer.result().usage.total_tokens == plan.units
        assert gate.waiting.wait(10)
        assert customer.held() > 0
    assert customer.used() == Used(plan.units, 1)
