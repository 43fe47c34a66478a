"""Nothing is sent to a server whose certificate is not right, and no handshake lasts for ever."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from local.machine import HOST
from modelpass_client.aws import endpoint
from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.errors import ConfigurationError
from tests.client.aws.way import CREDENTIALS, REGION, SETTLE, answered, failure
from tests.support.certificates import authority
from tests.support.wire import serving

if TYPE_CHECKING:
    from pathlib import Path

OK = answered({"fine": True})
SECONDS = 20.0  # a handshake takes long on a busy machine


def secured(port: int, host: str = HOST) -> InvokeBackend:
    return InvokeBackend(
        f"https://{host}:{port}",
        region=REGION,
        credentials=CREDENTIALS,
        connect_seconds=SECONDS,
        read_seconds=SECONDS,
    )


@pytest.mark.parametrize("setting", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("host", [HOST, "localhost"])
def test_a_server_that_is_trusted_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, setting: str
) -> None:
    made = authority(tmp_path)
    monkeypatch.setenv(setting, made.trust)
    with serving(made.server(host)) as wire:
        wire.sends(OK)
        backend = secured(wire.port, host)
        assert [backend.settle(SETTLE) for _ in range(3)] == [{"fine": True}] * 3
        assert [asked.connection for asked in wire.asked] == [0, 0, 0]
        backend.close()


@pytest.mark.parametrize(
    "wrong",
    [{"name": "elsewhere.example"}, {"days_left": 0}, {"days_ago": -1, "days_left": 2}],
    ids=["another host", "ended", "not yet"],
)
def test_a_server_with_a_wrong_certificate_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, int]
) -> None:
    made = authority(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", made.trust)
    with serving(made.server(**{"name": HOST, **wrong})) as wire:  # type: ignore[arg-type]
        wire.sends(OK)
        error = failure(lambda: secured(wire.port).settle(SETTLE))
        assert (str(error), error.maybe_done) == ("no connection (SSLCertVerificationError)", False)
        assert wire.asked == []


def test_a_server_of_an_authority_that_is_not_trusted_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", authority(tmp_path / "ours").trust)
    with serving(authority(tmp_path / "theirs").server(HOST)) as wire:
        assert not failure(lambda: secured(wire.port).settle(SETTLE)).maybe_done
        assert wire.asked == []


def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    with serving() as wire:
        wire.sends(OK)
        url = f"https://{HOST}:{wire.port}"
        backend = InvokeBackend(url, region=REGION, credentials=CREDENTIALS, connect_seconds=0.1)
        assert not failure(lambda: backend.settle(SETTLE)).maybe_done
        assert wire.asked == []


def test_a_handshake_that_nobody_answers_is_not_waited_for() -> None:
    with socket.create_server((HOST, 0)) as silent:
        backend = InvokeBackend(
            f"https://{HOST}:{silent.getsockname()[1]}", region=REGION, credentials=CREDENTIALS, connect_seconds=0.05
        )
        error = failure(lambda: backend.settle(SETTLE))
        assert (str(error), error.maybe_done) == ("no connection in time", False)


def test_a_bundle_that_is_not_there_is_told_by_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(ConfigurationError, match=r"^AWS_CA_BUNDLE must name"):
        secured(443)


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_bundle_that_holds_none_is_told_by_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "bundle.pem").write_text(text)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    with pytest.raises(ConfigurationError, match=r"^AWS_CA_BUNDLE must name"):
        secured(443)


def test_a_system_without_roots_has_those_of_certifi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL that is told of no file and an empty folder, as in images without certificates."""
    made = authority(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr("certifi.where", lambda: made.trust)
    with serving(made.server(HOST)) as wire:
        wire.sends(OK)
        backend = secured(wire.port)
        assert backend.settle(SETTLE) == {"fine": True}
        backend.close()


def test_no_older_version_of_tls_is_spoken() -> None:
    context = endpoint.trusting({})
    assert (context.minimum_version.name, context.check_hostname, context.verify_mode.name) == (
        "TLSv1_2",
        True,
        "CERT_REQUIRED",
    )
