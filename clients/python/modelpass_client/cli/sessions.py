"""Where sign-ins are kept: one file of the person's own. Rule: what others can read is not used, and says so.

The file, sessions.json, lies in `modelpass` below XDG_CONFIG_HOME, or `~/.config`: mode 0600, in a folder of 0700. It
has, by the address of the service, a session for customers and one for operators. A lock beside it lets one process at
a time renew a session, for a refresh token may be good for one use only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OWN_FILE: Final = stat.S_IRUSR | stat.S_IWUSR
_OWN_FOLDER: Final = stat.S_IRWXU


class Side(str, Enum):
    """As whom somebody signs in: each side has an API of its own."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in: the token to send, what stands before `/v1`, and how to get the next token."""

    token: str = field(repr=False)
    prefix: str
    expires_at: float
    issuer: str
    client_id: str
    token_kind: str
    refresh_token: str | None = field(repr=False, default=None)


def folder() -> Path:
    """Where the file lies."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "modelpass"


def _file() -> Path:
    return folder() / "sessions.json"


def load(url: str) -> dict[Side, Session]:
    """The sessions at an address; raises `Failure` when the file cannot be used, or others can read it."""
    return {Side(side): Session(**kept) for side, kept in _read().get(url, {}).items()}


def keep(url: str, side: Side, session: Session | None) -> None:
    """Keep a session in the place of the one before, or none; raises `Failure` when the file cannot be written."""
    everything = _read()
    here = everything.setdefault(url, {})
    here.pop(side.value, None)
    if session is not None:
        here[side.value] = asdict(session)
    _write({address: kept for address, kept in everything.items() if kept})


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One process at a time, for as long as the context lasts."""
    with _told():
        folder().mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(folder() / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWN_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # ends with the process, however it ends
        yield
    finally:
        os.close(descriptor)


def _read() -> dict[str, Any]:
    path = _file()
    with _told():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        with os.fdopen(descriptor, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise Failure(
                    Exit.NOT_ALLOWED,
                    f"{path} can be read by others, so it is not used.",
                    f"Delete it and sign in again, or `chmod 600 {path}` if nobody did.",
                )
            try:
                read: dict[str, Any] = json.load(file)["sessions"]
            except (ValueError, KeyError, TypeError):
                raise Failure(Exit.NOT_ALLOWED, f"{path} is damaged.", "Delete it and sign in again.") from None
    return read


def _write(everything: dict[str, Any]) -> None:
    path = _file()
    part = path.with_suffix(f".{os.getpid()}.part")
    with _told():
        path.parent.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWN_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "sessions": everything}, file)
        part.replace(path)  # a process that is killed in between leaves no half of it


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(Exit.USAGE, f"{error.filename} cannot be used: {error.strerror}.") from None
