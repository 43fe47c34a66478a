"""Each name of the environment is checked, and an error names it without showing its value."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import pytest

from modelpass_client import settings
from modelpass_client.errors import ConfigurationError
from modelpass_client.policies import Policies
from tests.client.core.processes import CLIENT

if TYPE_CHECKING:
    from pathlib import Path

README = (CLIENT / "README.md").read_text("utf-8")
NAMES = {
    "MODELPASS_BACKEND",
    "MODELPASS_ENDPOINT",
    "MODELPASS_SETTLE_QUEUE_URL",
    "MODELPASS_SPOOL",
    "MODELPASS_LEASES",
    *(name for name, _ in settings.FUNCTIONS.values()),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELPASS_BACKEND", "http"),
        ("MODELPASS_LEASES", "on"),
        ("MODELPASS_ENDPOINT", "127.0.0.1:3000"),
        ("MODELPASS_ENDPOINT", "ftp://host"),
        ("MODELPASS_ENDPOINT", "http://host:port"),
        ("MODELPASS_ENDPOINT", "http://"),
        ("MODELPASS_ENDPOINT", "http://host\n"),
        ("MODELPASS_AUTHORIZE_FUNCTION", "a function"),
        ("MODELPASS_SETTLE_FUNCTION", "/"),
        ("MODELPASS_DESCRIBE_KEY_FUNCTION", "x" * 171),
        ("AWS_REGION", "Frankfurt"),
        ("AWS_DEFAULT_REGION", "eu"),
        ("MODELPASS_HOLD_SECONDS", "0"),
        ("MODELPASS_HOLD_SECONDS", "900.5"),
        ("MODELPASS_AUTHORIZE_SECONDS", "soon"),
        ("MODELPASS_AUTHORIZE_SECONDS", "nan"),
        ("MODELPASS_AFTER_OUTPUT", "everything"),
        ("MODELPASS_ASYNC_THREADS", "-1"),
    ],
)
def test_value_that_cannot_be_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings.arguments({name: value})
    assert str(refused.value).startswith(name)


@pytest.mark.parametrize("name", sorted(NAMES - {"MODELPASS_SPOOL"} | {"AWS_REGION", "MODELPASS_HOLD_SECONDS"}))
def test_refusal_shows_no_value(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings.arguments({"AWS_REGION": "eu-west-1", "MODELPASS_ENDPOINT": "http://127.0.0.1:9", name: "a secret!"})
    assert name in str(refused.value)
    assert "secret" not in str(refused.value)


def test_queue_that_is_no_url_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings.queue_from({"MODELPASS_SETTLE_QUEUE_URL": "my-queue"})
    assert str(refused.value).startswith("MODELPASS_SETTLE_QUEUE_URL")


def test_spool_that_cannot_be_written_to_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as refused:
        settings.spool_from({"MODELPASS_SPOOL": str(tmp_path / "file")})
    assert str(refused.value).startswith("MODELPASS_SPOOL")


def test_nothing_said_is_every_default() -> None:
    assert settings.policies_from({}) == Policies()
    assert settings.policies_from({settings.policy_name("hold_seconds"): ""}) == Policies()
    assert settings.queue_from({}) is None
    assert settings.spool_from({}) is None


def test_every_policy_may_be_said() -> None:
    said = {
        settings.policy_name(field.name): str(getattr(Policies(), field.name)) for field in dataclasses.fields(Policies)
    }
    assert settings.policies_from(said) == Policies()
    changed = settings.policies_from({"MODELPASS_HOLD_SECONDS": "60", "MODELPASS_AFTER_OUTPUT": "estimated"})
    assert (changed.hold_seconds, changed.after_output) == (60, "estimated")


def test_readme_names_every_setting_and_each_policy_with_its_default() -> None:
    for name in NAMES:
        assert f"`{name}`" in README
    for field in dataclasses.fields(Policies):
        default = getattr(Policies(), field.name)
        shown = (
            f"{default:,}" if isinstance(default, int) else f"{default:g}" if isinstance(default, float) else default
        )
        assert re.search(rf"^\| `{field.name}` \| {re.escape(shown)} \|", README, re.MULTILINE), field.name
