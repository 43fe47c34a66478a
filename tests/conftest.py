"""Fixtures that every folder of tests may use: the real engine, a world with tables of its own, a running stack."""

from __future__ import annotations

import itertools
import os
import zoneinfo
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack

# Set before the imports below: the logger takes its name at import, and time zones must come from the pinned package.
os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath()
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "modelpass")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Modelpass")

settings.register_profile("soak", max_examples=3000)  # `make soak`
settings.register_profile(  # `make mutants`: the same examples each time, and none made smaller
    "mutants", derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)

from local.dynamodb import engine as local_engine  # noqa: E402
from tests.support import leaks  # noqa: E402
from tests.support import stack as support  # noqa: E402
from tests.support.leaks import pytest_runtest_makereport  # noqa: E402
from tests.support.whole_run import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown  # noqa: E402
from tests.support.world import STORE_CLIENT, World, new_world  # noqa: E402

__all__ = [  # hooks
    "pytest_runtest_makereport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
]
leaks.watch()


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
def world(engine: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """A service with tables of its own on the real engine, which is slow once it holds thousands of tables.

    A parameter, which is indirect, names the client that it asks by.
    """
    made = new_world(engine, store_client=getattr(request, "param", STORE_CLIENT))
    yield made
    made.drop_tables()


@pytest.fixture
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """The due index has one shard and not 128: a reset makes few calls, and each can be a case of its own."""
    monkeypatch.setattr("modelpass.schema.DUE_SHARDS", 1)


@pytest.fixture(scope="session")
def stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack whose clock stands still, and is only ever moved forward."""
    data = str(tmp_path_factory.mktemp("stack"))
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=data) as running:
        running.move_clock(advanceSeconds=0)
        yield running
        running.note_permissions()
        status, errors = running.end()
    assert (status, errors) == (0, "")


@pytest.fixture(scope="session")
def new_account() -> Callable[[], str]:
    """An account that nobody has used yet."""
    numbers = itertools.count(1)
    return lambda: f"acct_{next(numbers)}"
