"""Traces of API requests for X-Ray, where a deployment turns them on. Rule: a trace holds only what the log may hold.

By default tracing is off, and Powertools' Tracer is not even loaded. When it is on, the Tracer adds to the segment that
Lambda makes: one subsegment for the request, and one for each request to the store. Neither answers nor errors are
captured, because their texts may quote what was sent.
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
    """A part of a trace; without a subsegment, tracing is off and nothing is recorded."""

    subsegment: Any = None

    def record(self, status: int, facts: Mapping[str, Fact]) -> None:
        """Record the HTTP status, and the fields of the log's line as annotations."""
        if self.subsegment is not None:
            self.subsegment.apply_status_code(status)
            for name, value in facts.items():
                if value is not None:
                    self.subsegment.put_annotation(name, value)

    def failed(self) -> None:
        """Record that it failed, but not why."""
        if self.subsegment is not None:
            self.subsegment.add_fault_flag()


def _tracer() -> Any:
    if not config.requests_are_traced(os.environ):
        return None
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - its layer is there only while tracing is on

    return Tracer(auto_patch=False)  # patched libraries would keep the texts of errors


_TRACER: Final = _tracer()


@contextlib.contextmanager
def span(name: str) -> Iterator[Span]:
    """Record a part of the trace that lasts as long as the block; what the block raises is raised again."""
    if _TRACER is None:
        yield Span()
        return
    failure: BaseException | None = None
    with _TRACER.provider.in_subsegment(name=name) as subsegment:
        made = Span(subsegment)
        try:
            yield made
        except BaseException as error:  # raised again outside the subsegment, so that the tracer does not record it
            failure = error
            made.failed()
    if failure is not None:
        raise failure


def traced(deps: Deps) -> Deps:
    """The same `Deps`, with each request to the store recorded as a part of the trace."""
    if _TRACER is None:
        return deps

    def send(operation: str, request: Request) -> Response:
        with span(f"DynamoDB {operation}"):
            return deps.send(operation, request)

    return deps._replace(send=send)
