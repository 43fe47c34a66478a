"""Streams that do not end well: what was delivered is booked, once, and a customer who left does not block anybody."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.litellm.customers import CHAT, Used, says
from tests.litellm.speaking import KINDS, OpenAi, ask, count_of, model_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.litellm.customers import Customer
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Plan, Upstream

FRAME_TOKENS = 12  # what LiteLLM counts around the words of a message


def read_until(stream: Any, words: int) -> int:
    """Read some words of a stream."""
    got = 0
    for event in stream:
        got += text_of(event).count("tree")
        if got >= words:
            break
    return got


def close(stream: Any) -> None:
    """Hang up, as a client does that is not interested any more."""
    stream.response.close()


def in_prompt(plan: Plan) -> range:
    """How much the prompt of a plan may be counted as: by the upstream, where it told, or by the proxy."""
    counted = count_of(plan.word)
    return range(min(counted, plan.prompt), max(counted + FRAME_TOKENS, plan.prompt) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_the_customer_leaves_is_booked_as_delivered(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str
) -> None:
    plan = upstream.plan(chunks=40, holds_after=5)
    stream = ask(proxy, customer, kind, plan, stream=True)
    read_until(stream, 4)
    close(stream)
    assert plan.begun.wait(10)
    used = customer.used(model_of(kind))
    plan.go_on.set()
    assert used.calls == 1
    assert used.units - plan.sent in in_prompt(plan)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_the_upstream_breaks_is_booked_as_delivered(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str
) -> None:
    plan = upstream.plan(chunks=40, holds_after=5, breaks_after=6)
    stream = ask(proxy, customer, kind, plan, stream=True)
    read_until(stream, 4)
    plan.go_on.set()
    with_error(lambda: list(stream))
    used = customer.used(model_of(kind))
    assert used.calls == 1
    assert used.units - 5 in range(min(in_prompt(plan)), max(in_prompt(plan)) + 2)
    assert len(plan.posts) == 1, "a grant is for one upstream request"


@pytest.mark.parametrize("says_why", [False, True])
@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
def test_a_stream_that_broke_after_output_is_not_begun_anew_elsewhere(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str, *, says_why: bool
) -> None:
    """LiteLLM would go on in the middle of the stream with a fallback, and the grant would pay two upstreams."""
    plan = upstream.plan(chunks=40, holds_after=5, breaks_after=6, says_why=says_why)
    stream = ask(proxy, customer, kind, plan, stream=True, model="falling")
    read_until(stream, 4)
    plan.go_on.set()
    with_error(lambda: list(stream))
    assert len(plan.posts) == 1
    assert customer.used("falling").units - plan.sent in range(min(in_prompt(plan)) - 1, max(in_prompt(plan)) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_breaks_before_any_output_is_void(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str
) -> None:
    plan = upstream.plan(breaks_after=0)
    with_error(lambda: list(ask(proxy, customer, kind, plan, stream=True)))
    assert customer.used(model_of(kind)) == Used(0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_who_leaves_before_the_first_chunk_pays_for_the_prompt_at_most_once(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str
) -> None:
    plan = upstream.plan(chunks=3, holds_first=True)
    hang_up(proxy, customer, kind, plan, stream=True)
    used = customer.used(model_of(kind))
    assert used.calls == 1
    assert used.units in (*in_prompt(plan), *(units + 3 for units in in_prompt(plan)))


@pytest.mark.parametrize("kind", KINDS)
def test_who_leaves_a_whole_answer_pays_for_it(proxy: Proxy, upstream: Upstream, customer: Customer, kind: str) -> None:
    plan = upstream.plan(chunks=3, holds_first=True)
    hang_up(proxy, customer, kind, plan, stream=False)
    used = customer.used(model_of(kind))
    assert used.calls == 1
    assert used.units in {plan.units, *in_prompt(plan)}


def test_eight_streams_at_the_end_of_a_cap_use_what_was_delivered(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer]
) -> None:
    customer = buy(cap=6_000)
    plans = [upstream.plan(chunks=50, prompt=12) for _ in range(8)]
    bound = 150

    def stream(plan: Plan) -> int:
        client = OpenAi(proxy, customer)
        chunks = client.chat.completions.create(model=CHAT, messages=says(plan), stream=True, max_tokens=bound)
        return sum(text_of(chunk).count("tree") for chunk in chunks)

    import openai  # noqa: PLC0415

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(stream, plan) for plan in plans]
    refused = [future for future in futures if future.exception() is not None]
    assert all(isinstance(future.exception(), openai.RateLimitError) for future in refused)
    served = [plan for plan in plans if plan.posts]
    assert len(served) == len(plans) - len(refused)
    assert 0 < len(served) < len(plans), "some fit, some do not"
    assert customer.used() == Used(sum(plan.units for plan in served), len(served))


def with_error(read: Callable[[], Any]) -> None:
    """Read a stream that breaks: an API tells that inside of the stream in its own way, or the client raises."""
    import anthropic  # noqa: PLC0415
    import httpx  # noqa: PLC0415
    import openai  # noqa: PLC0415

    try:
        read()
    except (openai.APIError, anthropic.APIError, httpx.HTTPError):
        return


def hang_up(proxy: Proxy, customer: Customer, kind: str, plan: Plan, *, stream: bool) -> None:
    """Send a request, and close the connection while the upstream has not begun to answer."""
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("/v1/chat/completions", {"messages": says(plan)}),
        "responses": ("/v1/responses", {"input": plan.word}),
        "messages": ("/v1/messages", {"messages": says(plan), "max_tokens": 200}),
    }
    path, body = requests[kind.removeprefix("claude-")]
    raw = json.dumps({**body, "model": model_of(kind), "stream": stream}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {customer.key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(head.encode() + raw)
        assert plan.begun.wait(15)
    plan.go_on.set()
