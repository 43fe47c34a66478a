"""Every request to the store, whichever test sends it, is held to the policies of the function that it runs for.

Rule: the function is the one whose `app.py` names the command that is running; nobody has to say so. What a test asks
of the store itself, outside of any command, is not held to a policy. What functions ask for is kept: after a whole run
it must be all that they are granted, and nothing else.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from local.iam.policies import DYNAMODB, UNKNOWN, asked
from modelpass.dynamodb.transport import StoreRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import FrameType

    from local.cloudformation.template import Function
    from local.iam.policies import Permission
    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

Asked = tuple[str, str, str]
"""A function, a resource and an action."""
Command = tuple[str, str]
"""A module of the package and a function in it."""
ASKED: Final[set[Asked]] = set()
"""All that was asked for so far in this process."""
_DENIED: Final = "AccessDeniedException"
_COMMANDS: Final = re.compile(
    r"modelpass\.(router\b|schedule\b|\w+\.commands\.(?!(decision_loop|repository|tier_cache)$))"
)
"""The modules whose functions an `app.py` may name as its command; three hold only what commands share."""


def commands_of(functions: Iterable[Function]) -> dict[Command, str]:
    """The function that runs a command, by what each `app.py` imports; each command is run by one."""
    found: dict[Command, str] = {}
    for function in functions:
        for node in ast.walk(ast.parse((function.folder / "app.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None and _COMMANDS.match(node.module):
                for alias in node.names:
                    name = found.setdefault((node.module, alias.name), function.name)
                    assert name == function.name, f"{name} and {function.name} both run {alias.name}"
    return found


@dataclass(frozen=True, slots=True)
class Permits:
    """What each function is granted, and what it asked for so far, whether it had it or not."""

    granted: Mapping[str, frozenset[Permission]]
    commands: Mapping[Command, str]
    asked: set[Asked] = field(default_factory=set)

    def refuse(self, function: str, permissions: set[Permission]) -> bool:
        """Whether a function asks for what it lacks."""
        self.asked.update((function, *permission) for permission in permissions)
        return not permissions <= self.granted[function]

    def running(self) -> str | None:
        """The function whose command is running; None when none is."""
        stray = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if _COMMANDS.match(module):
                function = self.commands.get((module, frame.f_code.co_name))
                if function is not None:
                    return function
                stray = f"{module}.{frame.f_code.co_name}"
            frame = frame.f_back
        assert stray is None, f"{stray} asks the store, and no function's app.py names it"
        return None

    def every(self) -> set[Asked]:
        """All that is granted."""
        return {(function, *permission) for function, had in self.granted.items() for permission in had}

    def problems(self) -> Iterator[str]:
        """What was asked and is not granted, and what is granted and nobody asked for."""
        for function, resource, action in sorted(self.asked - self.every()):
            yield f"template.yaml: {function} asks for {action} on {resource}, and is not granted it"
        for function, resource, action in sorted(self.every() - self.asked):
            yield f"template.yaml: {function} is granted {action} on {resource}, and no test needs it"


@dataclass(frozen=True, slots=True)
class Permitted:
    """A way to the store on which a function gets no further than its policies; tables have `prefix` there."""

    send: Send
    prefix: str
    permits: Permits

    def __call__(self, operation: str, request: Request) -> Response:
        function = self.permits.running()
        if function is not None:
            wanted = {(table.removeprefix(self.prefix), action) for table, action in asked(operation, request)}
            if self.permits.refuse(function, wanted):
                raise StoreRejectedError(_DENIED)
        return self.send(operation, request)


def of_clients(permits: Permits, function: str, tables: Mapping[str, str]) -> Callable[..., None]:
    """Holds every client of a boto3 session to a function's policies, at its event `before-parameter-build`.

    Tables are given by physical name. What is sent to another service than DynamoDB is granted to no function.
    """

    def check(params: dict[str, Any], model: Any, **_: object) -> None:
        service = f"{model.service_model.endpoint_prefix}:"
        wanted = {(UNKNOWN, service + model.name)}
        if service == DYNAMODB:
            split = [(*resource.partition("/"), action) for resource, action in asked(model.name, params)]
            wanted = {(tables.get(table, table) + slash + index, action) for table, slash, index, action in split}
        if permits.refuse(function, wanted):
            raise ClientError({"Error": {"Code": _DENIED}, "ResponseMetadata": {"HTTPStatusCode": 400}}, model.name)

    return check
