"""Requests to the API as X-Ray shows them, where a deployment wants that. Rule: a trace holds what a line may hold.

Off, as it is by default, nothing of it is loaded. On, Powertools' Tracer adds to the segment that Lambda makes: one
part for the request, and one for each request to the store. Answers are not captured, and no errors: their texts may
quote what was sent.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.runtime import config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelpass.dynamodb.transport import Response
    from modelpass.runtime.deps import Deps
    from modelpass.runtime.telemetry import Fact
    from modelpass.schema import Request


class Span(NamedTuple):
    """Part of a trace; without a subsegment, of none."""

    subsegment: Any = None

    def tell(self, status: int, facts: Mapping[str, Fact]) -> None:
        """How it ended, and the facts of its line."""
        if self.subsegment is not None:
            self.subsegment.apply_status_code(status)
            for name, value in facts.items():
                if value is not None:
                    self.subsegment.put_annotation(name, value)

    def failed(self) -> None:
        """That it failed, and not why."""
        if self.subsegment is not None:
            self.subsegment.add_fault_flag()


def _tracer() -> Any:
    if not config.requests_are_traced(os.environ):
        return None
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - it comes in a layer that is there only when it is on

    return Tracer(auto_patch=False)  # patched libraries would keep the texts of errors


_TRACER: Final = _tracer()


@contextlib.contextmanager
def span(name: str) -> Iterator[Span]:
    """A part of the trace, for as long as the block takes."""
    if _TRACER is None:
        yield Span()
        return
    failure: BaseException | None = None
    with _TRACER.provider.in_subsegment(name=name) as subsegment:
        made = Span(subsegment)
        try:
            yield made
        except BaseException as error:  # raised again where the tracer does not see it
            failure = error
            made.failed()
    if failure is not None:
        raise failure


def traced(deps: Deps) -> Deps:
    """The same outside; each request to the store is a part of the trace."""
    if _TRACER is None:
        return deps

    def send(operation: str, request: Request) -> Response:
        with span(f"DynamoDB {operation}"):
            return deps.send(operation, request)

    return deps._replace(send=send)
