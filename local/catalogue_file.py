"""The catalogue file: the models of local runs and first deployments. Rule: checked just as an operator's call is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.engine import ROOT
from local.problems import StartError
from modelpass import catalogue_body
from modelpass.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from modelpass.catalogue_body import Offer

PATH = ROOT / "catalogue.json"


def entries_of(path: Path) -> list[dict[str, Any]]:
    """Each model as it would be sent; raises `StartError` when one is broken."""
    entries: list[dict[str, Any]] = _read(path)[0]["models"]
    return entries


def offers_of(path: Path) -> list[Offer]:
    """What the file offers; raises `StartError` when it is broken."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Any, list[Offer]]:
    try:
        raw = json.loads(path.read_text("utf-8"))
        return raw, catalogue_body.parse_file(raw)
    except OSError as error:
        raise StartError(f"{path.name} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise StartError(f"{path.name} is broken: {error}.") from None
    except Refused as refused:
        param, message = refused.refusal.param, refused.refusal.message or ""
        place = f"{param}: " if param and param not in message else ""
        raise StartError(f"{path.name} is broken: {place}{message}") from None
