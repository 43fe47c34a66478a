"""How a function becomes a command. Rule: every command has `--url`, `--json` and examples, and ends with a status.

What stops a command is raised as `Failure`, and told here: nowhere else is an exit status given, and no command shows a
traceback for what can be expected.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from modelpass_client.cli import access, api
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure
from modelpass_client.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.cli.sessions import Side

URL: Final = "http://127.0.0.1:3000"
_Url = Annotated[
    str,
    typer.Option("--url", envvar="MODELPASS_URL", metavar="URL", help="The address of the service, or of its console."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Run:
    """One command that runs: where to, and how it prints."""

    def __init__(self, url: str, *, as_json: bool) -> None:
        self.url = api.checked_url(url)
        self.out = Output(as_json=as_json)

    def api(self, *sides: Side) -> api.Api:
        """The API, for the first of these sides that somebody is signed in to; raises `Failure`."""
        return access.api_of(self.url, *sides)


def command(group: typer.Typer, name: str, *examples: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of a group: its first parameter is the `Run`, the others are what is typed."""

    def registered(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def carried_out(*, url: str, as_json: bool, **typed: Any) -> None:
            out = Output(as_json=as_json)
            try:
                function(Run(url, as_json=as_json), **typed)
            except Failure as failure:
                out.failure(failure)
                raise typer.Exit(failure.exit_status) from None
            except (KeyboardInterrupt, typer.Abort):
                out.note("Stopped.")
                raise typer.Exit(Exit.INTERRUPTED) from None

        _declare(carried_out, function)
        epilog = "Examples:\n\n\b\n" + "\n".join(f"    {example}" for example in examples)
        group.command(name, epilog=epilog)(carried_out)
        return function

    return registered


def _declare(made: Callable[..., None], function: Callable[..., None]) -> None:
    """Let Typer see what is typed: the function's own parameters, and those of every command."""
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    common = [
        inspect.Parameter("url", inspect.Parameter.KEYWORD_ONLY, default=URL, annotation=_Url),
        inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json),
    ]
    parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *common]
    vars(made)["__signature__"] = inspect.Signature(parameters)
    made.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
