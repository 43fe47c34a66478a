"""Sales and corrections that may be repeated. Rule: whoever got no answer is told how to repeat it safely."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass_client.cli.output import Output

_MOST = 255


def key_of(given: str | None) -> str:
    """The `Idempotency-Key` to send: the one that was given, or one that nobody has used."""
    if given is None:
        return f"cli-{secrets.token_hex(16)}"
    if not 1 <= len(given) <= _MOST or not all("!" <= character <= "~" for character in given):
        raise usage(f"--idempotency-key is 1 to {_MOST} visible ASCII characters.")
    return given


@contextlib.contextmanager
def told_how(out: Output, *words: str) -> Iterator[None]:
    """While this lasts, a lost answer is followed by the options that make the same command safe to repeat."""
    how = f"Repeat the same command safely with: {' '.join(words)}"
    try:
        yield
    except Failure as failure:
        if failure.exit_status is Exit.UNREACHABLE:
            failure.todo = f"{failure.todo} {how}".strip()
        raise
    except KeyboardInterrupt:
        out.note(f"It may have been carried out. {how}")
        raise
