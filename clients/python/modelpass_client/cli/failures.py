"""Why a command cannot be carried out. Rule: no text holds a token, a key, or what a person typed as a secret."""

from __future__ import annotations

from typing import Final

from modelpass_client.cli.exits import Exit

_UNSURE: Final = "It may have been carried out all the same"


class Failure(Exception):  # noqa: N818 - it ends a command, with a status that says how
    """The command ends here: `what` happened, in one sentence, and `todo`, which may be empty, says what to do."""

    def __init__(self, exit_status: Exit, what: str, todo: str = "") -> None:
        self.exit_status = exit_status
        self.what = what
        self.todo = todo
        super().__init__(what)


class Refusal(Failure):
    """The service refused: `code` is of `docs/errors.md`, or one of those that `refusals` adds for API Gateway."""

    def __init__(self, exit_status: Exit, words: tuple[str, str], *, code: str, status: int, param: str | None) -> None:
        self.code = code
        self.status = status
        self.param = param
        super().__init__(exit_status, *words)


class Unreachable(Failure):
    """No answer came, or none of Modelpass; `maybe_done` tells that the request may have been carried out."""

    def __init__(self, what: str, todo: str = "", *, maybe_done: bool = False) -> None:
        self.maybe_done = maybe_done
        super().__init__(Exit.UNREACHABLE, what, f"{_UNSURE}. {todo}".strip() if maybe_done else todo)


def usage(what: str, todo: str = "") -> Failure:
    """What was typed cannot be meant; nothing was sent."""
    return Failure(Exit.USAGE, what, todo)
