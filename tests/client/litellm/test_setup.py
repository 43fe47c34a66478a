"""Routes, groups and settings: what is served, and what a wrong setting is told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import ROOT
from modelpass_client.errors import ConfigurationError
from modelpass_client.litellm import groups
from modelpass_client.litellm.routes import is_public, kind_of, model_asked
from modelpass_client.litellm.runtime import Settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path

SERVED = {
    ("POST", "/v1/chat/completions"): "chat",
    ("POST", "/chat/completions"): "chat",
    ("POST", "/v1/responses"): "responses",
    ("POST", "/v1/messages"): "messages",
    ("POST", "/v1/images/generations"): "images",
    ("POST", "/v1/embeddings"): "embeddings",
    ("GET", "/v1/models"): "models",
    ("GET", "/v1/models/openai/gpt-4o"): "models",
}
DENIED = [
    ("GET", "/v1/chat/completions"),
    ("POST", "/v1/models"),
    ("POST", "/messages"),
    ("POST", "/v1/v1/responses"),
    ("POST", "/v1/responses/r/cancel"),
    ("POST", "/v1/responses/"),
    ("POST", "/v1"),
    ("POST", "/"),
    ("GET", "/v1/models/"),
    ("GET", "/model/info"),
    ("POST", "/V1/responses"),
]


@pytest.mark.parametrize(("method", "path"), SERVED)
def test_what_is_listed_is_served(method: str, path: str) -> None:
    assert kind_of(method, path) == SERVED[method, path]
    assert is_public("OPTIONS", path), "a browser may ask before it sends"
    assert not is_public(method, path)


@pytest.mark.parametrize(("method", "path"), DENIED)
def test_what_is_not_listed_is_denied(method: str, path: str) -> None:
    assert kind_of(method, path) is None
    assert not is_public(method, path)


def test_a_model_id_may_hold_slashes() -> None:
    assert model_asked("/v1/models/openai/gpt-4o") == "openai/gpt-4o"


def test_groups_are_read_from_their_end() -> None:
    assert groups.parts_of("a::b::stable") == ("a::b", "stable")
    assert [groups.parts_of(name) for name in ("a", "a::", "::basic", "a::free", None, 7)] == [None] * 6


def test_the_demo_catalogue_names_its_groups() -> None:
    catalogue = json.loads((ROOT / "catalogue.json").read_text("utf-8"))
    sold = groups.sold_groups(catalogue)
    assert "claude-opus-4-6::stable" in sold
    assert not any(name.startswith("veo") for name in sold), "videos are not served"
    assert groups.missing(sold, {"claude-opus-4-6::stable"}) == [n for n in sold if n != "claude-opus-4-6::stable"]


def test_settings_have_their_defaults_and_are_refused_by_name(tmp_path: Path) -> None:
    assert settings_from({}) == Settings(image_tokens=50_000, least_output=256, catalogue=None)
    wrong: list[Any] = ["0", "-1", "x", "1.5", "9" * 20]
    for name in ("MODELPASS_LITELLM_IMAGE_TOKENS", "MODELPASS_LITELLM_LEAST_OUTPUT"):
        for text in wrong:
            with pytest.raises(ConfigurationError, match=name):
                settings_from({name: text})
    for content in ("", "[]", "{}", '{"models": [{}]}'):
        path = tmp_path / "catalogue.json"
        path.write_text(content, "utf-8")
        with pytest.raises(ConfigurationError, match="MODELPASS_LITELLM_CATALOGUE"):
            settings_from({"MODELPASS_LITELLM_CATALOGUE": str(path)})
    with pytest.raises(ConfigurationError, match="MODELPASS_LITELLM_CATALOGUE"):
        settings_from({"MODELPASS_LITELLM_CATALOGUE": "/no/such/file"})
    read = settings_from({"MODELPASS_LITELLM_CATALOGUE": str(ROOT / "catalogue.json")})
    assert read.catalogue is not None


def test_importing_the_layer_loads_no_proxy() -> None:
    code = "import sys, modelpass_client.litellm.asgi; print('litellm' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "False\n"
