"""The one client of this process and its settings. Rule: made when the proxy starts, closed when it has stopped.

The client's own settings stand in clients/python/README.md. Beside them, the environment has:

| variable | what it sets | default |
|---|---|---|
| `MODELPASS_LITELLM_CATALOGUE` | a file of what is sold: the log tells each tier in it without a group | none |
| `MODELPASS_LITELLM_IMAGE_TOKENS` | what an image in a prompt is taken for in the estimate | 50,000 |
| `MODELPASS_LITELLM_LEAST_OUTPUT` | how little output is worth a request whose customer bounds none | 256 |
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.async_client import AsyncClient
from modelpass_client.errors import ConfigurationError
from modelpass_client.litellm.exchange import Counters

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMAGE_TOKENS: Final = 50_000
_LEAST_OUTPUT: Final = 256


@dataclass(frozen=True)
class Settings:
    """What the environment says of the plug-in."""

    image_tokens: int
    least_output: int
    catalogue: dict[str, Any] | None


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings; raises `ConfigurationError`, which names what is wrong."""
    return Settings(
        image_tokens=_figure(environment, "MODELPASS_LITELLM_IMAGE_TOKENS", _IMAGE_TOKENS),
        least_output=_figure(environment, "MODELPASS_LITELLM_LEAST_OUTPUT", _LEAST_OUTPUT),
        catalogue=_catalogue(environment, "MODELPASS_LITELLM_CATALOGUE"),
    )


class Runtime:
    """What the hooks of one process share."""

    def __init__(self, client: AsyncClient, settings: Settings) -> None:
        """Start nothing yet."""
        self.client = client
        self.settings = settings
        self.counters = Counters()

    def close(self) -> None:
        """Book what is counted, deliver what is booked within `exit_seconds`, and let go of everything. It blocks."""
        self.counters.close()
        self.client.sync.close()


_RUNNING: list[Runtime] = []


def start(environment: Mapping[str, str] = os.environ) -> Runtime:
    """Make the client; the application runs from now on."""
    settings = settings_from(environment)
    runtime = Runtime(AsyncClient.from_env(environment), settings)
    runtime.client.sync.watch.start()  # takes over what earlier processes left in the spool
    _RUNNING[:] = [runtime]
    return runtime


def running() -> Runtime | None:
    """What `start` made; None before it, and after `stop`."""
    return _RUNNING[0] if _RUNNING else None


def stop() -> None:
    """Close the client. It blocks."""
    while _RUNNING:
        _RUNNING.pop().close()


def _figure(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10**9):
        raise ConfigurationError(f"{name} must be a whole number from 1 to 1,000,000,000.")
    return int(text)


def _catalogue(environment: Mapping[str, str], name: str) -> dict[str, Any] | None:
    path = environment.get(name)
    if not path:
        return None
    try:
        catalogue = json.loads(Path(path).read_text("utf-8"))
        named = [tier["channelTier"] for model in catalogue["models"] if model["modelId"] for tier in model["tiers"]]
    except (OSError, ValueError, LookupError, TypeError):
        raise ConfigurationError(f"{name} must be a file in the form of catalogue.json.") from None
    return catalogue if named else None
