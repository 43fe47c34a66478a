"""botocore's own chain, against servers that answer as ECS, EKS, STS and EC2 do: found, used and renewed."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import botocore.credentials
import pytest
from botocore.credentials import RefreshableCredentials

from local.machine import HOST
from modelpass_client.aws import credentials as module
from modelpass_client.aws.credentials import RenewedCredentials, default_credentials
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600


class Metadata:
    """A server that gives credentials, numbered by how many it gave, which last so many seconds."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self.given = 0
        self.seconds = 6 * HOUR
        self.works = True
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def next(self) -> dict[str, str]:
        self.given += 1
        ends = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return {
            "AccessKeyId": f"AKID{self.given}",
            "SecretAccessKey": "a-secret",
            "Token": "a-token",
            "SessionToken": "a-token",
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Code": "Success",
        }

    def answer(self, method: str, path: str) -> str | None:
        if not self.works:
            return None
        if method == "PUT" and path == "/latest/api/token":
            return "a-token-of-imds"
        if path.endswith("/security-credentials/"):
            return "the-role"
        if method == "POST":
            told = {name: value for name, value in self.next().items() if name not in ("Token", "Code")}
            inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
            result = (
                f"<AssumeRoleWithWebIdentityResult><Credentials>{inner}</Credentials></AssumeRoleWithWebIdentityResult>"
            )
            space = "https://sts.amazonaws.com/doc/2011-06-15/"
            return f'<AssumeRoleWithWebIdentityResponse xmlns="{space}">{result}</AssumeRoleWithWebIdentityResponse>'
        return json.dumps(self.next())


@contextmanager
def metadata() -> Iterator[Metadata]:
    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            made.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            told = made.answer(self.command, self.path)
            self.send_response(200 if told is not None else 503)
            self.send_header("content-length", str(len(told or "")))
            self.end_headers()
            self.wfile.write((told or "").encode())

        def do_GET(self) -> None:
            self.respond()

        def do_PUT(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        made = Metadata(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served() -> Iterator[Metadata]:
    with metadata() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_but_what_a_test_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def ecs(served: Metadata, monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{served.url}/v2/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-token-of-ecs")


def eks_pod_identity(served: Metadata, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "token").write_text("a-token-of-eks")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{served.url}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(folder / "token"))


def eks_web_identity(served: Metadata, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "token").write_text("a-token-of-eks")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(folder / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/router")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", served.url)


def ec2(served: Metadata, monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", served.url)


WAYS = pytest.mark.parametrize("way", [ecs, eks_pod_identity, eks_web_identity, ec2])


def until_renewed() -> None:
    for thread in threading.enumerate():
        if thread.name == "modelpass-credentials":
            thread.join(20)


def later(source: RenewedCredentials, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many seconds pass, for our clock and for botocore's."""
    left = RefreshableCredentials._seconds_remaining
    monkeypatch.setattr(RefreshableCredentials, "_seconds_remaining", lambda given: left(given) - seconds)
    now = botocore.credentials._local_now
    monkeypatch.setattr(botocore.credentials, "_local_now", lambda: now() + timedelta(seconds=seconds))
    source._clock = lambda: time.time() + seconds


@WAYS
def test_credentials_of_the_machine_are_found_and_renewed_before_they_end(
    served: Metadata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: Any
) -> None:
    way(served, monkeypatch, tmp_path)
    source = default_credentials({})
    assert isinstance(source, RenewedCredentials)
    assert (source().access_key_id, source().session_token) == ("AKID1", "a-token")
    assert abs(source._ends - time.time() - served.seconds) < 10
    assert served.given == 1
    # Eleven minutes before their end botocore would renew them on the path of a request; we leave them alone.
    later(source, served.seconds - 660.0, monkeypatch)
    assert source().access_key_id == "AKID1"
    until_renewed()
    assert served.given == 1


@WAYS
def test_credentials_near_their_end_are_renewed_by_botocore_in_the_background(
    served: Metadata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: Any
) -> None:
    way(served, monkeypatch, tmp_path)
    source = default_credentials({})
    assert isinstance(source, RenewedCredentials)
    first = source()
    before, seconds = served.given, source._ends - time.time()
    later(source, seconds - 300, monkeypatch)
    assert source() == first
    until_renewed()
    assert source().access_key_id == f"AKID{served.given}"
    assert served.given > before


@WAYS
def test_a_provider_that_fails_later_leaves_the_old_ones(
    served: Metadata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: Any
) -> None:
    way(served, monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    source = default_credentials({})
    assert isinstance(source, RenewedCredentials)
    kept, seconds = source(), source._ends - time.time()
    served.works = False
    later(source, seconds - 300, monkeypatch)
    assert source() == kept
    until_renewed()
    assert source() == kept


def test_the_tokens_of_a_container_are_sent(served: Metadata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    eks_pod_identity(served, monkeypatch, tmp_path)
    default_credentials({})
    assert served.asked[0][2]["authorization"] == "a-token-of-eks"


def test_a_profile_of_a_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[router]\naws_access_key_id=AKIDFILE\naws_secret_access_key=a-secret\n")
    monkeypatch.setenv("AWS_PROFILE", "router")
    assert default_credentials({})().access_key_id == "AKIDFILE"


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(ConfigurationError, match=r"botocore finds no other credentials \(ProfileNotFound\)$"):
        default_credentials({})


def test_a_machine_without_credentials_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match=r"^AWS_ACCESS_KEY_ID is missing, and botocore finds no other cred"):
        default_credentials({})


@pytest.mark.parametrize("seconds", [1, 59, 900, HOUR, 12 * HOUR, 36 * HOUR])
def test_the_end_of_credentials_is_found_to_the_second(seconds: int) -> None:
    found = module._seconds_left(lambda within: seconds < within)
    assert found is not None
    assert 0 <= seconds - found <= 1


def test_credentials_that_do_not_end_have_none() -> None:
    assert module._seconds_left(lambda _: False) is None
    assert module._seconds_left(None) is None
