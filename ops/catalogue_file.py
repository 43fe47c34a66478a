"""The catalogue file: the models of local runs and first deployments. Rule: checked as an operator's call is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelpass.api import catalogue_bodies
from modelpass.errors import Refused
from ops.errors import CommandError

if TYPE_CHECKING:
    from modelpass.catalogue.model import Offer

PATH: Final = Path(__file__).resolve().parents[1] / "catalogue.json"


def entries_of(path: Path) -> list[dict[str, Any]]:
    """Each model as the body of an operator's call; raises `CommandError` when the file is missing or broken."""
    entries: list[dict[str, Any]] = _read(path)[0]["models"]
    return entries


def offers_of(path: Path) -> list[Offer]:
    """Each model as the catalogue keeps it; raises `CommandError` when the file is missing or broken."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Any, list[Offer]]:
    try:
        raw = json.loads(path.read_text("utf-8"))
        return raw, catalogue_bodies.parse_file(raw)
    except OSError as error:
        raise CommandError(f"{path.name} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{path.name} is broken: {error}.") from None
    except Refused as refused:
        param, message = refused.refusal.param, refused.refusal.message or ""
        place = f"{param}: " if param and param not in message else ""
        raise CommandError(f"{path.name} is broken: {place}{message}") from None
