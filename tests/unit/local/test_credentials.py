"""Credentials that somebody has exported go to the DynamoDB that is named with them, and to nothing else."""

from __future__ import annotations

import pytest

from deploy.artifact import without_credentials
from local.dynamodb import provisioning
from local.run import surroundings

EXPORTED = {
    "AWS_ACCESS_KEY_ID": "AKIAOFSOMEBODY",
    "AWS_SECRET_ACCESS_KEY": "secret-of-somebody",
    "AWS_SESSION_TOKEN": "token-of-somebody",
}
ENDPOINT = "AWS_ENDPOINT_URL_DYNAMODB"


@pytest.fixture(autouse=True)
def exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    for name, value in EXPORTED.items():
        monkeypatch.setenv(name, value)


def test_exported_credentials_are_not_used_for_the_engine_of_the_stack() -> None:
    assert provisioning.credentials() == provisioning.CREDENTIALS
    assert not set(EXPORTED.values()) & set(surroundings().values())
    signer = provisioning.client("http://127.0.0.1:1")._request_signer
    assert signer._credentials.access_key == provisioning.KEY_ID
    assert signer._credentials.token is None


def test_they_are_used_for_a_dynamodb_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    assert provisioning.credentials() == EXPORTED
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert provisioning.credentials() == provisioning.CREDENTIALS


def test_programs_of_a_registry_get_nothing_of_aws_but_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    for name in (*more, "AWS_REGION", "AWS_DEFAULT_REGION", "PIP_NO_INPUT"):
        monkeypatch.setenv(name, "1")
    given = without_credentials()
    assert {name for name in given if name.startswith("AWS_")} == {"AWS_REGION", "AWS_DEFAULT_REGION"}
    assert given["PIP_NO_INPUT"] == "1"
