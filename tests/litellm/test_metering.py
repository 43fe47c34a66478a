"""Each kind of request, streaming or not: what the upstream delivered is what the service counted, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.litellm.customers import CHAT, CLAUDE, EMBEDDER, IMAGES, UNBOUNDED_OUTPUT, Used, says
from tests.litellm.speaking import KINDS, Anthropic, OpenAi, begun, count_of, model_of, read, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.litellm.customers import Customer
    from tests.litellm.gate import Gate
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Upstream


# LiteLLM fails a whole answer of Anthropic's without usage, where it translates it.
UNREPORTED = [
    (kind, stream)
    for kind in KINDS
    for stream in (False, True)
    if stream or kind not in {"claude-chat", "claude-responses"}
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_upstream_reports_is_booked_once(
    proxy: Proxy, gate: Gate, upstream: Upstream, customer: Customer, kind: str, *, stream: bool
) -> None:
    plan = upstream.plan(chunks=5, cached=4, reasoning=2)
    text, model = read(proxy, customer, kind, plan, stream=stream)
    assert text == " tree" * 5
    assert customer.used(model) == Used(plan.units, 1)
    assert len(plan.posts) == 1
    (report,) = gate.settles_of(customer.key)
    translated = stream and kind in {"messages", "claude-responses"}  # LiteLLM does not show who counted
    assert report["usageSource"] == ("counted" if translated else "reported")
    assert report["servedTier"] == "stable"


@pytest.mark.parametrize(("kind", "stream"), UNREPORTED)
def test_where_the_upstream_reports_nothing_it_is_counted(
    proxy: Proxy, gate: Gate, upstream: Upstream, customer: Customer, kind: str, *, stream: bool
) -> None:
    plan = upstream.plan(chunks=5, tells_usage=False)
    _, model = read(proxy, customer, kind, plan, stream=stream)
    prompt = count_of(plan.word)
    used = customer.used(model)
    assert used.calls == 1
    assert prompt + 5 <= used.units <= prompt + 5 + 12  # what frames a message is counted too
    assert [report["usageSource"] for report in gate.settles_of(customer.key)] == ["counted"]


def test_the_customer_sees_no_usage_that_was_not_asked_for(
    proxy: Proxy, upstream: Upstream, customer: Customer
) -> None:
    client = OpenAi(proxy, customer)
    plan = upstream.plan()
    unasked = list(client.chat.completions.create(model=CHAT, messages=says(plan), stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in unasked)
    asked = list(
        client.chat.completions.create(
            model=CHAT, messages=says(plan), stream=True, stream_options={"include_usage": True}
        )
    )
    assert asked[-1].usage.total_tokens == plan.units


def test_images_are_booked_by_their_number(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(images=2)
    OpenAi(proxy, customer).images.generate(model=IMAGES, prompt=plan.word, n=3)
    assert customer.used(IMAGES) == Used(2, 1)


@pytest.mark.parametrize("tells", [True, False])
def test_embeddings_are_booked_by_their_prompt(
    proxy: Proxy, upstream: Upstream, customer: Customer, *, tells: bool
) -> None:
    plan = upstream.plan(tells_usage=tells)
    OpenAi(proxy, customer).embeddings.create(model=EMBEDDER, input=[plan.word, "and more"])
    used = customer.used(EMBEDDER)
    assert used.calls == 1
    assert used.units == (plan.prompt if tells else pytest.approx(count_of(plan.word + "\nand more"), abs=1))


def test_unbounded_output_is_bounded_upstream(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan()
    client = OpenAi(proxy, customer)
    client.chat.completions.create(model=CHAT, messages=says(plan))
    client.responses.create(model=CHAT, input=plan.word)
    bounds = [body.get("max_tokens") or body.get("max_output_tokens") for _, body, _ in plan.posts]
    assert bounds == [UNBOUNDED_OUTPUT, UNBOUNDED_OUTPUT]


def test_near_the_end_of_a_month_the_output_is_bounded_by_what_is_left(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer]
) -> None:
    customer = buy(cap=2_500)
    plan = upstream.plan()
    OpenAi(proxy, customer).chat.completions.create(model=CHAT, messages=says(plan))
    bound = plan.posts[0][1]["max_tokens"]
    assert 256 <= bound < 1_500
    assert customer.used() == Used(plan.units, 1)


def test_what_is_held_covers_what_may_be_used(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(holds_first=True)
    client = OpenAi(proxy, customer)
    stream = begun(lambda: client.chat.completions.create(model=CHAT, messages=says(plan), max_tokens=500, n=3))
    plan.begun.wait(10)
    held = customer.held()
    plan.go_on.set()
    stream.result()
    assert held >= 3 * 500 + count_of(plan.word)


def test_retries_within_a_group_are_one_request(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(statuses=[500])
    OpenAi(proxy, customer).chat.completions.create(model=CHAT, messages=says(plan))
    assert len(plan.posts) == 2
    assert customer.used() == Used(plan.units, 1)


def test_the_operators_fallbacks_within_the_tier_are_one_request(
    proxy: Proxy, upstream: Upstream, customer: Customer
) -> None:
    plan = upstream.plan(statuses=[500, 500])
    OpenAi(proxy, customer).chat.completions.create(model="falling", messages=says(plan))
    assert [body["model"] for _, body, _ in plan.posts] == ["gpt-4o", "gpt-4o", "gpt-4.1"]
    assert customer.used("falling") == Used(plan.units, 1)


def test_a_fallback_to_another_tier_is_not_taken(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(statuses=[500, 500])
    with pytest.raises(_openai().APIStatusError):
        OpenAi(proxy, customer).chat.completions.create(model="crossing", messages=says(plan))
    assert [body["model"] for _, body, _ in plan.posts] == ["gpt-4o", "gpt-4o"]
    assert customer.used("crossing") == Used(0, 0)


@pytest.mark.parametrize("kind", [*KINDS, "images", "embeddings"])
def test_a_request_that_fails_upstream_is_void(proxy: Proxy, upstream: Upstream, customer: Customer, kind: str) -> None:
    plan = upstream.plan(statuses=[500] * 9)
    with pytest.raises((_openai().APIStatusError, _anthropic().APIStatusError)):
        read(proxy, customer, kind, plan, stream=False)
    assert len(plan.posts) <= 2, "a library repeats in secret"
    assert customer.used(model_of(kind)) == Used(0, 0)


def test_what_a_limiter_of_litellms_refuses_after_the_grant_is_void(
    proxy: Proxy, upstream: Upstream, customer: Customer
) -> None:
    plan, client = upstream.plan(), OpenAi(proxy, customer)
    client.chat.completions.create(model="limited", messages=says(plan))
    for _ in range(2):
        with pytest.raises(_openai().RateLimitError):
            client.chat.completions.create(model="limited", messages=says(plan))
    assert len(plan.posts) == 1
    assert customer.used("limited") == Used(plan.units, 1)


def test_anthropics_clients_read_their_form(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(cached=4)
    message = Anthropic(proxy, customer).messages.create(model=CLAUDE, max_tokens=50, messages=says(plan))
    assert text_of(message) == " tree" * plan.chunks
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (plan.prompt - 4, 4)


def _openai() -> Any:
    import openai  # noqa: PLC0415 - found once conftest has said where

    return openai


def _anthropic() -> Any:
    import anthropic  # noqa: PLC0415

    return anthropic
