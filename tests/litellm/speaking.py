"""The real clients of OpenAI and Anthropic, each kind of request by one name, and how much a prompt counts.

Rule: the clients are imported late, for conftest says where they are. None of them repeats anything by itself.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.litellm.customers import CHAT, CLAUDE, EMBEDDER, IMAGES, says
from tests.litellm.proxy import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.litellm.customers import Customer
    from tests.litellm.proxy import Proxy
    from tests.litellm.upstream import Plan

KINDS = ("chat", "responses", "messages", "claude-chat", "claude-responses", "claude-messages")
"""Each of the three APIs, to an upstream that speaks it and to one for which LiteLLM translates."""


_MADE: list[Any] = []


def close_clients() -> None:
    """Close what the test has made."""
    while _MADE:
        _MADE.pop().close()


def OpenAi(proxy: Proxy, customer: Customer) -> Any:  # noqa: N802 - as the class it makes
    import openai  # noqa: PLC0415

    _MADE.append(openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=customer.key, max_retries=0, timeout=30))
    return _MADE[-1]


def Anthropic(proxy: Proxy, customer: Customer) -> Any:  # noqa: N802
    import anthropic  # noqa: PLC0415

    _MADE.append(anthropic.Anthropic(base_url=proxy.url, api_key=customer.key, max_retries=0, timeout=30))
    return _MADE[-1]


def ask(proxy: Proxy, customer: Customer, kind: str, plan: Plan, *, stream: bool, **more: Any) -> Any:
    """What the client gives for a request of a kind: an answer, or a stream to read."""
    model = more.pop("model", model_of(kind))
    kind = kind.removeprefix("claude-")
    if kind == "images":
        return OpenAi(proxy, customer).images.generate(model=model, prompt=plan.word, **more)
    if kind == "embeddings":
        return OpenAi(proxy, customer).embeddings.create(model=model, input=plan.word, **more)
    if kind == "messages":
        client = Anthropic(proxy, customer)
        return client.messages.create(model=model, max_tokens=200, messages=says(plan), stream=stream, **more)
    if kind == "responses":
        return OpenAi(proxy, customer).responses.create(model=model, input=plan.word, stream=stream, **more)
    return OpenAi(proxy, customer).chat.completions.create(model=model, messages=says(plan), stream=stream, **more)


def model_of(kind: str) -> str:
    if kind in {"images", "embeddings"}:
        return {"images": IMAGES, "embeddings": EMBEDDER}[kind]
    return CLAUDE if kind.startswith("claude-") else CHAT


def read(proxy: Proxy, customer: Customer, kind: str, plan: Plan, *, stream: bool) -> tuple[str, str]:
    """The text of a complete answer, and the model that was asked."""
    answer = ask(proxy, customer, kind, plan, stream=stream)
    text = "".join(map(text_of, answer)) if stream else text_of(answer)
    return text, model_of(kind)


def text_of(answer: Any) -> str:
    """The text that is in an answer, or in a chunk or event of a stream."""
    kind = str(getattr(answer, "type", None) or getattr(answer, "object", None))
    texts_of: dict[str, Callable[[], list[Any]]] = {
        "chat.completion.chunk": lambda: [choice.delta.content for choice in answer.choices],
        "chat.completion": lambda: [choice.message.content for choice in answer.choices],
        "response": lambda: [answer.output_text],
        "response.output_text.delta": lambda: [answer.delta],
        "content_block_delta": lambda: [getattr(answer.delta, "text", "")],
        "message": lambda: [block.text for block in answer.content],
    }
    texts = texts_of[kind]() if kind in texts_of else []
    return "".join(text or "" for text in texts)


def begun(work: Callable[[], Any]) -> Future[Any]:
    """Begin what blocks, in a thread."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


def count_of(text: str) -> int:
    """The tokens of a text, as the proxy counts them."""
    import tiktoken  # noqa: PLC0415

    bundled = next(ENVIRONMENT.glob("lib/python3.*/site-packages/litellm/litellm_core_utils/tokenizers"))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(bundled)
    return len(tiktoken.get_encoding("cl100k_base").encode(text))
