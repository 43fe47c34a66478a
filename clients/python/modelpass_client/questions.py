"""One question to the service, repeated until it is decided. Rule: nothing that is no decision is taken for a grant.

A question whose reply was lost is asked again with the same ids: the service counts it once, and gives the same grant.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.asking import Asked, is_decided, is_refusal, refusal
from modelpass_client.backend import Backend, BackendError
from modelpass_client.errors import Refused, unavailable
from modelpass_client.grant import Grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.dialect import Dialect
    from modelpass_client.policies import Policies
    from modelpass_client.reports import Sink

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0


class Questions:
    """Asks the service, from any thread; what it grants is reported to `sink`."""

    def __init__(
        self,
        backend: Backend,
        dialect: Dialect,
        policies: Policies,
        sink: Sink,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Ask nothing yet."""
        self._backend, self._dialect, self._policies, self._sink = backend, dialect, policies, sink
        self._clock, self._sleep = clock, sleep
        self._units: dict[str, str] = {}  # of models that were granted: refusals do not tell theirs

    def ask(self, asked: Asked, until: float) -> Grant:
        """Ask until it is decided, or until a time of the clock; raises `Refused`."""
        payload = asked.payload(self._policies.hold_seconds)
        began = self._clock()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            sent = self._clock()
            spoken = self._dialect.spoken(payload)
            answer = _answer_of(self._backend.authorize, spoken)
            if answer is not None and self._dialect.learns(spoken, answer):
                continue
            if answer is not None and is_decided(answer):
                return self._decided(asked, payload, answer, began, sent)
            if self._clock() + pause >= until:
                raise Refused(answer) if answer is not None and is_refusal(answer) else unavailable()
            self._sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - spreads repeats, keeps no secret
            pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)

    def describe_key(self, key: str) -> Json:
        """Ask once what a key may use; raises `Refused`."""
        answer = _answer_of(self._backend.describe_key, {"apiKey": key})
        if answer is None:
            raise unavailable()
        if is_refusal(answer):
            raise Refused(answer)
        return answer

    def _decided(self, asked: Asked, payload: Json, answer: Json, began: float, sent: float) -> Grant:
        if not answer["allowed"]:
            unit = self._units.get(asked.model)
            raise Refused({"unit": unit, **answer} if unit and "monthly" in answer else answer)
        if answer.get("replayed") and asked.request_id is not None:
            # A service without attempts: under an id of the router, the grant may be another process's.
            raise refusal(409, "request_in_progress", "Another attempt at this request was granted before.")
        self._units[asked.model] = answer["unit"]
        ends = began + payload["holdSeconds"]  # a repeat may be answered by the grant of the first
        start_within_ms = answer.get("startWithinMs")
        return Grant(
            answer,
            request_id=payload["requestId"],
            sink=self._sink,
            policies=self._policies,
            start_before=ends if start_within_ms is None else min(ends, sent + start_within_ms / 1000),
            expires_at=ends,
            calls=asked.calls,
            prompt_units=asked.prompt_units,
            clock=self._clock,
        )


def _answer_of(way: Callable[[Json], object], payload: Json) -> Json | None:
    """What the service answers, None where it does not."""
    try:
        answer = way(payload)
    except BackendError:
        return None
    except Exception:  # whatever a way to the service does, nothing was granted
        LOG.exception("Asking the service failed in an unexpected way: the request is refused.")
        return None
    return answer if isinstance(answer, dict) else None
