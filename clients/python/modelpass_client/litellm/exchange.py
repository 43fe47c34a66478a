"""One request of a customer from its first byte to its last. Rule: its grant is booked once, when it has ended.

The ASGI layer opens an exchange, LiteLLM's hooks note in it what happens, and the layer concludes it. Hooks find it in
a context variable: tasks that LiteLLM starts for a request see the same object. No hook books anything, so it does not
matter which of them LiteLLM runs, how often, or whether it swallows what they raise.

| how it ended | booked |
|---|---|
| the upstream told its usage | that |
| it told none, or broke, or the customer left, after output | the prompt's and the delivered output's tokens, counted |
| the customer left before any output | the prompt's tokens, counted, or nothing, as `cancelled_before_output` says |
| it failed before any output | nothing: void |
"""

from __future__ import annotations

import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.litellm.upstream_usage import Seen
from modelpass_client.reports import VOID, Report

if TYPE_CHECKING:
    from modelpass_client.errors import Refused
    from modelpass_client.grant import Grant
    from modelpass_client.litellm.routes import Dialect, Kind
    from modelpass_client.policies import Policies

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client.litellm")

CURRENT: Final[contextvars.ContextVar[Exchange | None]] = contextvars.ContextVar("modelpass_exchange", default=None)
"""The exchange that the running task belongs to."""

_MOST_COUNTED_BYTES: Final = 1_000_000
_BYTES_OF_A_TOKEN: Final = 4


@dataclass
class Exchange:
    """What is known of a request; noted by hooks, and concluded by the ASGI layer."""

    kind: Kind
    dialect: Dialect
    key: str
    model: str
    body: Json
    size: int
    grant: Grant | None = None
    added: Json = field(default_factory=dict)
    """Fields that go to the upstream beside the customer's: the bound of the output, and the wish to be told usage."""
    refused: Refused | None = None
    left: bool = False
    """The customer has gone."""
    attempts: int = 0
    """How often LiteLLM turned to an upstream."""
    translated: bool = False
    """LiteLLM speaks another API with the upstream; in a stream it puts its own count where the upstream told none.

    It does so for streams that failed as well. So what such a stream tells is said to be counted, and believed if it
    had output.
    """
    served_tier: str | None = None
    reported: int | None = None
    """Units that the upstream told of a whole answer, or images that came."""
    lost: bool = False
    """There was an answer, and nothing can be told of it."""
    seen: Seen = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.seen = Seen(self.kind)

    def conclude(self, counters: Counters, policies: Policies) -> None:
        """Book the grant, once; what has to be counted first is counted and booked in a thread."""
        grant = self.grant
        if grant is None or not grant.claim():
            return
        report = self._known(policies)
        if report is not None:
            grant.book(report)
        else:
            counters.submit(self, grant)

    def _known(self, policies: Policies) -> Report | None:
        """What to book where nothing has to be counted for it."""
        self.seen.conclude()
        if self.reported is not None:
            return self._report(self.reported, "reported")
        by_litellm = self.translated or self.seen.counted
        if self.seen.units is not None and (self.seen.output or not by_litellm):
            return self._report(self.seen.units, "counted" if by_litellm else "reported")
        if self.lost:
            return self._report(self.grant.held_units if self.grant else 0, "estimated")
        if self.seen.output:
            return None
        left = self.left and self.attempts > 0 and not self.seen.failed
        prompt_is_due = left and policies.cancelled_before_output == "prompt"
        return None if prompt_is_due else VOID

    def count(self) -> Report:
        """Count the prompt and what was delivered. Takes its time, and holds the loop up if called there."""
        prompt = self.seen.prompt_units
        sizes = self.size + sum(map(len, self.seen.texts))
        if sizes > _MOST_COUNTED_BYTES:
            return self._report(max(1, sizes // _BYTES_OF_A_TOKEN), "estimated")
        if prompt is None:
            prompt = tokens_of_prompt(self.model, self.body)
        return self._report(prompt + tokens_of_text(self.model, "".join(self.seen.texts)), "counted")

    def _report(self, units: int, source: Any) -> Report:
        return Report(units, source=source, served_tier=self.served_tier)


class Counters:
    """Counts tokens in a thread, and books."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="modelpass-count")

    def submit(self, exchange: Exchange, grant: Grant) -> None:
        """Count an exchange and book its grant, which is claimed."""
        try:
            self._pool.submit(_count_and_book, exchange, grant)
        except RuntimeError:  # closed: the process ends
            _count_and_book(exchange, grant)

    def close(self) -> None:
        """Wait until all is booked."""
        self._pool.shutdown(wait=True)


def _count_and_book(exchange: Exchange, grant: Grant) -> None:
    try:
        report = exchange.count()
    except Exception:  # whatever the tokenizer does, the grant is booked
        LOG.exception("Counting failed: the estimate is booked.")
        report = Report(grant.held_units, source="estimated", served_tier=exchange.served_tier)
    grant.book(report)


def tokens_of_prompt(model: str, body: Json) -> int:
    """The tokens of a prompt, by LiteLLM's counter."""
    from litellm import token_counter  # noqa: PLC0415 - the proxy has loaded it by then

    messages = body.get("messages")
    if isinstance(messages, list):
        try:
            return int(token_counter(model=model, messages=messages, tools=body.get("tools")))
        except Exception:  # a form of message that it does not know
            LOG.debug("Counting the prompt as text.")
    found: list[str] = []
    for name in ("messages", "input", "prompt", "system", "instructions"):
        _texts(body.get(name), found)
    return tokens_of_text(model, "\n".join(found))


def tokens_of_text(model: str, text: str) -> int:
    """The tokens of a text, by LiteLLM's counter."""
    from litellm import token_counter  # noqa: PLC0415 - the proxy has loaded it by then

    return int(token_counter(model=model, text=text)) if text else 0


def _texts(value: object, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in value:
            _texts(item, found)
    elif isinstance(value, int):
        found.append("0")  # a token of an embedding's input, which came as a number
    elif isinstance(value, dict):
        for name in ("content", "text", "output", "arguments"):
            _texts(value.get(name), found)
