"""One function in a process of its own, as in Lambda. Rule: one invocation at a time, and only its own environment.

Forked by `local.awslambda.forge`. Reads frames from standard input and answers on a descriptor of its own; what the
function prints goes to standard output and error, as logs. A frame is a length (4 bytes) and JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from typing import IO, Any, Final

LENGTH: Final = struct.Struct(">I")
_MS_PER_SECOND: Final = 1000


def send_frame(stream: IO[bytes], value: object) -> None:
    """Write one frame; lone surrogates are escaped, infinity is as Python writes it."""
    raw = json.dumps(value).encode()
    stream.write(LENGTH.pack(len(raw)) + raw)
    stream.flush()


def receive_frame(stream: IO[bytes]) -> Any:
    """Read one frame; raises EOFError when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    raw = stream.read(length)
    if len(raw) < length:
        raise EOFError
    return json.loads(raw)


@dataclass(frozen=True, slots=True)
class Context:
    """The context of an invocation, with Lambda's names; `deadline` is in seconds of the steady clock."""

    aws_request_id: str
    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str
    deadline: float
    function_version: str = "$LATEST"
    log_group_name: str = "local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """How many milliseconds the invocation may still take."""
        return max(0, int((self.deadline - time.monotonic()) * _MS_PER_SECOND))


def main(answers: int) -> None:
    """Load the handler, report on this descriptor that it is ready, and answer invocations until nobody sends one."""
    frozen: list[int | None] = [None]
    module_name, _, handler_name = os.environ["_HANDLER"].partition(".")
    with os.fdopen(answers, "wb") as out:
        handler = getattr(importlib.import_module(module_name), handler_name)
        _use_clock(frozen)
        send_frame(out, {"ready": True})
        while True:
            try:
                invocation = receive_frame(sys.stdin.buffer)
            except EOFError:
                return
            frozen[0] = invocation["nowMs"]
            reply = _invoke(handler, invocation)
            sys.stdout.flush()  # a caller who has the answer finds the logs
            send_frame(out, reply)


def _use_clock(frozen: list[int | None]) -> None:
    """Let the function's clock stand still where the stack's does; a function without a clock has none to stop."""
    wiring: Any = sys.modules.get("modelpass.runtime.wiring")
    if wiring is not None:
        system_clock = wiring.clock
        wiring.clock = lambda: system_clock() if frozen[0] is None else frozen[0]


def _invoke(handler: Any, invocation: dict[str, Any]) -> dict[str, Any]:
    context = Context(
        aws_request_id=invocation["requestId"],
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        invoked_function_arn=invocation["arn"],
        deadline=time.monotonic() + invocation["timeoutSeconds"],
    )
    try:
        return {"result": handler(invocation["event"], context)}
    except Exception as error:
        traceback.print_exc()
        return {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
