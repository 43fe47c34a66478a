"""What a customer might try, and what LiteLLM would obey: nothing passes unmetered, no setting is the customer's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.litellm.customers import CHAT, CLAUDE, IMAGES, Used, says
from tests.litellm.proxy import MASTER_KEY
from tests.litellm.speaking import OpenAi, ask

if TYPE_CHECKING:
    from tests.litellm.customers import Customer
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Upstream

DENIED = [
    ("GET", "/health"),
    ("GET", "/health/services?service=langfuse"),
    ("GET", "/model/info"),
    ("GET", "/v1/model/info"),
    ("GET", "/model_group/info"),
    ("GET", "/get/config/callbacks"),
    ("GET", "/config/yaml"),
    ("GET", "/routes"),
    ("GET", "/metrics"),
    ("GET", "/key/info"),
    ("POST", "/key/generate"),
    ("POST", "/model/new"),
    ("GET", "/global/spend"),
    ("GET", "/"),
    ("GET", "/openapi.json"),
    ("GET", "/ui/"),
    ("POST", "/v1/completions"),
    ("POST", "/completions"),
    ("POST", "/engines/gpt-chat/chat/completions"),
    ("POST", "/openai/deployments/gpt-chat/chat/completions"),
    ("POST", "/openai/v1/chat/completions"),
    ("POST", "/anthropic/v1/messages"),
    ("POST", "/vertex-ai/x"),
    ("POST", "/bedrock/model/x/invoke"),
    ("POST", "/gemini/v1beta/models/x:generateContent"),
    ("POST", "/v1beta/models/x:generateContent"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/messages/batches"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/images/variations"),
    ("POST", "/v1/moderations"),
    ("POST", "/v1/rerank"),
    ("POST", "/rerank"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("POST", "/v1/assistants"),
    ("POST", "/v1/threads"),
    ("GET", "/v1/responses/resp_1"),
    ("DELETE", "/v1/responses/resp_1"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("GET", "/v1/responses/resp_1/input_items"),
    ("POST", "/v1/responses/compact"),
    ("POST", "/v1/realtime/client_secrets"),
    ("POST", "/v1/vector_stores"),
    ("POST", "/v1/videos"),
    ("POST", "/v1/ocr"),
    ("POST", "/v1/search/x"),
    ("POST", "/mcp/"),
    ("POST", "/utils/token_counter"),
    ("POST", "/v1/chat/completions/"),
    ("POST", "//v1/chat/completions"),
    ("POST", "/v1/v1/chat/completions"),
    ("PUT", "/v1/chat/completions"),
]


@pytest.mark.parametrize(("method", "path"), DENIED)
def test_what_cannot_be_metered_is_denied_to_customers(
    proxy: Proxy, upstream: Upstream, customer: Customer, method: str, path: str
) -> None:
    plan = upstream.plan()
    body = {"model": CHAT, "messages": says(plan), "input": plan.word, "prompt": plan.word, "max_tokens": 5}
    status, _, raw = proxy.send(method, path, customer.key, body if method == "POST" else None)
    assert status == 400
    assert json.loads(raw)["error"]["code"] == "invalid_request"
    assert plan.posts == []


@pytest.mark.parametrize("key", [None, "sk-guessed", "sk-custom-" + "b" * 60])
def test_nobody_gets_at_the_proxys_inside_without_the_master_key(proxy: Proxy, key: str | None) -> None:
    for method, path in DENIED:
        assert proxy.send(method, path, key, {} if method == "POST" else None)[0] in {400, 401}, path


def test_the_operator_gets_at_it_by_the_master_key(proxy: Proxy) -> None:
    assert proxy.send("GET", "/model/info", MASTER_KEY)[0] == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"])
def test_the_master_key_buys_no_model(proxy: Proxy, upstream: Upstream, path: str) -> None:
    plan = upstream.plan()
    body = {"model": f"{CHAT}::stable", "messages": says(plan), "input": plan.word, "max_tokens": 5}
    assert proxy.send("POST", path, MASTER_KEY, body)[0] == 401
    assert plan.posts == []


def test_health_checks_that_tell_nothing_are_public(proxy: Proxy) -> None:
    assert proxy.send("GET", "/health/liveliness")[0] == 200
    assert proxy.send("GET", "/health/readiness")[0] == 200


def test_web_sockets_are_closed(proxy: Proxy, customer: Customer) -> None:
    from websockets.exceptions import WebSocketException  # noqa: PLC0415
    from websockets.sync.client import connect  # noqa: PLC0415

    url = f"ws://127.0.0.1:{proxy.port}/v1/realtime?model={CHAT}"
    with (
        pytest.raises(WebSocketException),
        connect(url, additional_headers={"Authorization": f"Bearer {customer.key}"}) as connection,
    ):
        connection.recv()


OBEYED = {
    "fallbacks": ["spare::stable"],
    "context_window_fallbacks": [{"*": ["spare::stable"]}],
    "default_fallbacks": ["spare::stable"],
    "num_retries": 7,
    "max_retries": 7,
    "no-log": True,
    "mock_response": "for nothing",
    "mock_testing_fallbacks": True,
    "mock_timeout": True,
    "api_base": "http://127.0.0.1:9/v1",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key": "sk-mine",
    "custom_llm_provider": "anthropic",
    "router_settings_override": {"fallbacks": [{"*": ["spare::stable"]}]},
    "tags": ["free"],
    "metadata": {"tags": ["free"], "model_group": "spare::stable", "no-log": True},
    "litellm_metadata": {"tags": ["free"]},
    "model_info": {"id": "x"},
    "deployment_id": "x",
    "specific_deployment": True,
    "user_config": {"model_list": []},
    "extra_headers": {"authorization": "Bearer mine"},
    "extra_body": {"n": 50},
    "cache": {"no-cache": True},
    "guardrails": ["x"],
    "timeout": 0.001,
    "request_timeout": 0.001,
    "stream_timeout": 0.001,
    "input_cost_per_token": 0,
    "litellm_call_id": "mine",
    "litellm_session_id": "mine",
    "callbacks": ["x"],
    "success_callback": ["x"],
    "litellm_disabled_callbacks": ["modelpass"],
    "disable_fallbacks": False,
    "allowed_model_region": "eu",
    "priority": 0,
    "caching": True,
    "drop_params": True,
    "service_tier": "priority",
    "models": ["spare::stable"],
    "something_of_a_later_version": True,
}


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_fields_that_are_for_the_operator_do_nothing(
    proxy: Proxy, upstream: Upstream, customer: Customer, kind: str, *, stream: bool
) -> None:
    plan = upstream.plan(statuses=[500])
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("/v1/chat/completions", {"model": CHAT, "messages": says(plan)}),
        "responses": ("/v1/responses", {"model": CHAT, "input": plan.word}),
        "messages": ("/v1/messages", {"model": CLAUDE, "messages": says(plan), "max_tokens": 9}),
    }
    path, body = requests[kind]
    status, _, raw = proxy.send("POST", path, customer.key, {**OBEYED, **body, "stream": stream})
    assert status == 200, raw
    assert b"for nothing" not in raw
    assert len(plan.posts) == 2  # the operator's one retry, in the group of the tier
    assert not {*plan.posts[1][1]} & (set(OBEYED) - {"model"})
    assert customer.used(body["model"]) == Used(plan.units, 1)


def test_fields_that_are_for_the_operator_make_no_second_attempt(
    proxy: Proxy, upstream: Upstream, customer: Customer
) -> None:
    plan = upstream.plan(statuses=[500] * 20)
    body = {**OBEYED, "model": CHAT, "messages": says(plan)}
    assert proxy.send("POST", "/v1/chat/completions", customer.key, body)[0] == 500
    assert [sent["model"] for _, sent, _ in plan.posts] == ["gpt-4o", "gpt-4o"]
    assert customer.used() == Used(0, 0)


def test_headers_that_are_for_the_operator_do_nothing(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(statuses=[500])
    headers = {
        "x-litellm-num-retries": "9",
        "x-litellm-timeout": "0.001",
        "x-litellm-stream-timeout": "0.001",
        "x-litellm-tags": "free",
        "x-litellm-api-key": MASTER_KEY,
        "x-litellm-spend-logs-metadata": "{}",
        "x-litellm-disable-callbacks": "modelpass",
        "api-key": MASTER_KEY,
        "x-goog-api-key": MASTER_KEY,
        "openai-organization": "mine",
    }
    body = {"model": CHAT, "messages": says(plan)}
    status, answered, _ = proxy.send("POST", "/v1/chat/completions?model=spare::stable", customer.key, body, **headers)
    assert status == 200, answered
    assert len(plan.posts) == 2
    assert customer.used() == Used(plan.units, 1)


def test_a_repeated_call_id_is_not_the_same_request(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plans = [upstream.plan() for _ in range(3)]
    for plan in plans:
        body = {"model": CHAT, "messages": says(plan)}
        proxy.send("POST", "/v1/chat/completions", customer.key, body, **{"x-litellm-call-id": "the-same"})
    assert customer.used() == Used(sum(plan.units for plan in plans), 3)


BAD_FIGURES = ["50", -5, 0, 1.5, True, 10**12, [5], {"a": 1}]


@pytest.mark.parametrize("figure", BAD_FIGURES)
@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("/v1/chat/completions", "max_tokens", {}),
        ("/v1/chat/completions", "max_completion_tokens", {}),
        ("/v1/chat/completions", "n", {}),
        ("/v1/responses", "max_output_tokens", {}),
        ("/v1/messages", "max_tokens", {}),
        ("/v1/images/generations", "n", {"model": IMAGES}),
    ],
)
def test_figures_that_bound_nothing_are_refused_by_name(  # noqa: PLR0913, PLR0917 - what is parametrized
    proxy: Proxy, upstream: Upstream, customer: Customer, figure: Any, path: str, field: str, more: dict[str, Any]
) -> None:
    plan = upstream.plan()
    body = {"model": CHAT, "messages": says(plan), "input": plan.word, "prompt": plan.word, **more, field: figure}
    if path == "/v1/responses":
        del body["prompt"]
    status, _, raw = proxy.send("POST", path, customer.key, body)
    assert status == 400, raw
    error = json.loads(raw)["error"]
    assert (error["code"], error["param"]) == ("invalid_request", field)
    assert plan.posts == []


def test_what_the_upstream_would_add_by_itself_is_refused_by_name(
    proxy: Proxy, upstream: Upstream, customer: Customer
) -> None:
    plan = upstream.plan()
    chat = {"model": CHAT, "messages": says(plan)}
    response = {"model": CHAT, "input": plan.word}
    message = {"model": CLAUDE, "messages": says(plan), "max_tokens": 5}
    file = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]
    for path, body, param in [
        ("/v1/responses", {**response, "previous_response_id": "resp_1"}, "previous_response_id"),
        ("/v1/responses", {**response, "background": True}, "background"),
        ("/v1/responses", {**response, "tools": [{"type": "web_search"}]}, "tools[0].type"),
        ("/v1/chat/completions", {**chat, "audio": {"voice": "alloy"}}, "audio"),
        ("/v1/chat/completions", {**chat, "modalities": ["text", "audio"]}, "modalities"),
        ("/v1/chat/completions", {**chat, "web_search_options": {}}, "web_search_options"),
        ("/v1/chat/completions", {**chat, "messages": file}, "messages[0].content[0].type"),
        ("/v1/messages", {**message, "mcp_servers": [{}]}, "mcp_servers"),
        ("/v1/messages", {**message, "tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools[0].type"),
    ]:
        status, _, raw = proxy.send("POST", path, customer.key, body)
        assert (status, json.loads(raw)["error"]["param"]) == (400, param)
    assert plan.posts == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"model": 7}', b"null", b"\xff", b"[" * 100_000, b'{"model":NaN}'])
def test_a_body_that_is_no_request_is_refused(proxy: Proxy, customer: Customer, raw: bytes) -> None:
    status, _, answer = proxy.send("POST", "/v1/chat/completions", customer.key, raw)
    assert (status, json.loads(answer)["error"]["code"]) == (400, "invalid_request")


def test_no_key_reaches_the_upstream_or_the_log(proxy: Proxy, upstream: Upstream, customer: Customer) -> None:
    plan = upstream.plan(statuses=[500])
    ask(proxy, customer, "chat", plan, stream=False)
    OpenAi(proxy, customer).models.list()
    assert customer.key not in json.dumps([post[1:] for post in plan.posts])
    assert customer.key not in proxy.said
