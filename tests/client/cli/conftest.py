"""Fixtures of the command line's tests: a home that nobody else uses, and a service that answers what a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.cli.service import Service, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration's folder of this test alone, and none of the settings of whoever runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("MODELPASS_TOKEN", "MODELPASS_URL", "MODELPASS_CLIENT_ID", "MODELPASS_CLONE", "COLUMNS", "STACK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "modelpass"


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as made:
        yield made
