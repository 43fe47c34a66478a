"""A scripted server for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.wire import Wire, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE")
    for name in (*names, "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
