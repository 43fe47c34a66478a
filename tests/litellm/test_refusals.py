"""Refusals and limits as the clients of OpenAI and Anthropic understand them, and the model list of a key."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.litellm.customers import CHAT, CLAUDE, IMAGES, SOLD, Used, says
from tests.litellm.proxy import MASTER_KEY
from tests.litellm.speaking import Anthropic, OpenAi, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.litellm.customers import Customer
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Upstream

NO_SUCH_KEY = "sk-custom-" + "a" * 60


def error_of(work: Callable[[], Any]) -> Any:
    """The error that a client raises by the status of an answer."""
    import anthropic  # noqa: PLC0415
    import openai  # noqa: PLC0415

    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("kind", ["chat", "responses", "embeddings", "images"])
def test_openais_client_raises_its_typed_error_with_the_code(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer], kind: str
) -> None:
    customer, plan = buy(calls=1), upstream.plan()
    ask(proxy, customer, kind, plan, stream=False)
    error = error_of(lambda: ask(proxy, customer, kind, plan, stream=kind in {"chat", "responses"}))
    assert type(error).__name__ == "RateLimitError"
    assert (error.code, error.param, error.type) == ("daily_call_limit_reached", "dailyCallLimit", "rate_limit_error")
    headers = error.response.headers
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert '"daily";r=0' in headers["ratelimit"]
    assert headers["x-should-retry"] == "false"
    assert len(plan.posts) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_client_raises_its_typed_error(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer], *, stream: bool
) -> None:
    customer, plan = buy(calls=1), upstream.plan()
    ask(proxy, customer, "messages", plan, stream=False)
    error = error_of(lambda: ask(proxy, customer, "messages", plan, stream=stream))
    assert type(error).__name__ == "RateLimitError"
    assert error.body["type"] == "error"
    assert error.body["error"]["type"] == "rate_limit_error"
    assert error.body["error"]["code"] == "daily_call_limit_reached"
    assert int(error.response.headers["retry-after"]) > 0
    assert error.response.headers["anthropic-ratelimit-requests-remaining"] == "0"


@pytest.mark.parametrize(
    ("key", "model", "name", "status", "code"),
    [
        (NO_SUCH_KEY, CHAT, "AuthenticationError", 401, "invalid_api_key"),
        ("sk-of-somebody-else", CHAT, "AuthenticationError", 401, "invalid_api_key"),
        (None, "not-bought", "PermissionDeniedError", 403, "model_not_included"),
        (None, f"{CHAT}::basic", "PermissionDeniedError", 403, "model_not_included"),
        (None, "untiered", "PermissionDeniedError", 403, "model_not_included"),
        (None, "unserved", "InternalServerError", 503, "temporarily_unavailable"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_type_and_costs_nothing(  # noqa: PLR0913, PLR0917 - what is parametrized
    proxy: Proxy, customer: Customer, key: str | None, model: str, name: str, status: int, code: str
) -> None:
    client = OpenAi(proxy, customer).with_options(api_key=key or customer.key)
    error = error_of(lambda: client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}]))
    assert (type(error).__name__, error.status_code, error.code) == (name, status, code)
    client = Anthropic(proxy, customer).with_options(api_key=key or customer.key)
    message = {"role": "user", "content": "x"}
    error = error_of(lambda: client.messages.create(model=model, messages=[message], max_tokens=5))
    assert (error.status_code, error.body["error"]["code"]) == (status, code)
    assert {customer.used(model) for model in SOLD} == {Used(0, 0)}


def test_a_month_that_is_used_up_refuses_with_its_figures(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer]
) -> None:
    customer, plan = buy(cap=200), upstream.plan()
    error = error_of(lambda: ask(proxy, customer, "chat", plan, stream=False))
    assert error.status_code in {400, 429}
    assert error.code in {"request_exceeds_limit", "monthly_cap_reached"}
    assert plan.posts == []


@pytest.mark.parametrize("kind", ["chat", "responses", "messages", "embeddings", "images"])
@pytest.mark.parametrize("stream", [False, True])
def test_answers_tell_what_is_left_of_the_customers_own_limits(
    proxy: Proxy, upstream: Upstream, buy: Callable[..., Customer], kind: str, *, stream: bool
) -> None:
    if stream and kind in {"embeddings", "images"}:
        return
    customer, plan = buy(calls=7), upstream.plan()
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("/v1/chat/completions", {"model": CHAT, "messages": says(plan)}),
        "responses": ("/v1/responses", {"model": CHAT, "input": plan.word}),
        "messages": ("/v1/messages", {"model": CLAUDE, "messages": says(plan), "max_tokens": 9}),
        "embeddings": ("/v1/embeddings", {"model": "embedder", "input": plan.word}),
        "images": ("/v1/images/generations", {"model": IMAGES, "prompt": plan.word}),
    }
    path, body = requests[kind]
    status, headers, _ = proxy.send("POST", path, customer.key, {**body, **({"stream": True} if stream else {})})
    assert status == 200
    assert headers["x-ratelimit-limit-requests"] == "7"
    assert headers["x-ratelimit-remaining-requests"] == "6"
    assert headers["anthropic-ratelimit-requests-limit"] == "7"
    assert ("x-ratelimit-limit-tokens" in headers) == (kind != "images")


def test_a_key_lists_the_models_that_it_bought_and_the_proxy_has(proxy: Proxy, customer: Customer) -> None:
    served = set(SOLD) - {"unserved"}
    assert {model.id for model in OpenAi(proxy, customer).models.list()} == served
    assert {model.id for model in Anthropic(proxy, customer).models.list()} == served
    assert OpenAi(proxy, customer).models.retrieve(CHAT).id == CHAT
    models = OpenAi(proxy, customer).models
    for hidden in ("unserved", "untiered", f"{CHAT}::stable", "spare"):
        assert error_of(partial(models.retrieve, hidden)).status_code == 404
    refused = OpenAi(proxy, customer).with_options(api_key=NO_SUCH_KEY)
    assert error_of(lambda: list(refused.models.list())).code == "invalid_api_key"


def test_the_operator_lists_the_groups(proxy: Proxy) -> None:
    status, _, body = proxy.send("GET", "/v1/models", MASTER_KEY)
    assert status == 200
    assert f"{CHAT}::stable" in {entry["id"] for entry in json.loads(body)["data"]}
