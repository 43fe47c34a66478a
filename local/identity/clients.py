"""Which programs may ask for a sign-in, and what each may have. Rule: a table, made from the stack's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from local.machine import HOST
from modelpass.api.claims import DEFAULTS

PATH: Final = "/_local/identity"
OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
OPERATOR: Final = DEFAULTS.operator_value
CODE_GRANT: Final = "authorization_code"
REFRESH_GRANT: Final = "refresh_token"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
CUSTOMERS_CONSOLE: Final = "modelpass-console"
OPERATORS_CONSOLE: Final = "modelpass-console-operators"
COMMAND_LINE: Final = "modelpass-cli"


@dataclass(frozen=True, slots=True)
class Client:
    """A public client: it has no secret, so what it may have is bound to its addresses or to a code that is typed."""

    client_id: str
    name: str
    """As people are shown it."""
    scopes: frozenset[str]
    grants: frozenset[str]
    addresses: tuple[str, ...] = ()
    """Where an answer may be sent, letter by letter."""


def origins(port: int) -> tuple[str, ...]:
    """The addresses of the stack in a browser; the first is the one that its issuer has."""
    return (f"http://{HOST}:{port}", f"http://localhost:{port}")


def registered(port: int) -> dict[str, Client]:
    """Every client of the stack at this port, by its id."""
    addresses = tuple(f"{origin}/" for origin in origins(port))
    of_everyone = frozenset({OPENID, OFFLINE})
    in_browser = frozenset({CODE_GRANT, REFRESH_GRANT})
    clients = (
        Client(CUSTOMERS_CONSOLE, "Modelpass console", of_everyone, in_browser, addresses),
        Client(OPERATORS_CONSOLE, "Modelpass console for operators", of_everyone | {OPERATOR}, in_browser, addresses),
        Client(
            COMMAND_LINE, "modelpass command line", of_everyone | {OPERATOR}, frozenset({DEVICE_GRANT, REFRESH_GRANT})
        ),
    )
    return {client.client_id: client for client in clients}
