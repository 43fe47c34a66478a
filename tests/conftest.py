"""Fixtures that every folder of tests may use: the real engine, and a world with tables of its own."""

from __future__ import annotations

import os
import zoneinfo
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Before anything reads them: the logger takes its name at import, the time zones come from the pinned package.
os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath()
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "modelpass")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Modelpass")

settings.register_profile("soak", max_examples=5000)  # `make soak`

from local import engine as local_engine  # noqa: E402
from tests.support.answered import (  # noqa: E402
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tests.support.world import World, new_world  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]  # hooks


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The URL of a real engine; `AWS_ENDPOINT_URL_DYNAMODB` names another than dynoxide."""
    given = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    if given:
        yield given
        return
    with local_engine.running() as url:
        yield url


@pytest.fixture
def world(engine: str) -> World:
    """A service with tables of its own on the real engine."""
    return new_world(engine)


@pytest.fixture
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """The due index has one shard and not 128: a reset makes few calls, and each can be a case of its own."""
    monkeypatch.setattr("modelpass.keys.DUE_SHARDS", 1)
