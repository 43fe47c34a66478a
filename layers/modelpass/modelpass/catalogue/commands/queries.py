"""The questions that callers ask of the catalogue. Rule: reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.catalogue.answers import catalogue_answer
from modelpass.catalogue.commands import repository

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def get_models(deps: Deps) -> dict[str, Any]:
    """The catalogue as `GET /v1/models` shows it, with what is available now.

    Raises `Refused` (`temporarily_unavailable`) while the store cannot be read.
    """
    return catalogue_answer(repository.load(deps, deps.retry_budget()))
