"""HTTPS of the lean client: it sends no byte of a request to a server it does not trust under the name it asked for."""

from __future__ import annotations

import socket
import ssl
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.endpoint import Endpoint
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.transport import Cause, StoreBusyError
from tests.support.certificates import Authority, authority
from tests.support.wire import CREDENTIALS, Do, Wire, serving, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GET: dict[str, Any] = {"TableName": "t", "Key": {"pk": {"S": "k"}}}
GOOD = told({"Item": {"pk": {"S": "k"}}})
AWS = "dynamodb.eu-west-1.amazonaws.com"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the system trusts, and no other."""
    made = authority(tmp_path / "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", made.trust)
    return made


@pytest.fixture(autouse=True)
def everything_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever name is looked up is that of this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr("socket.getaddrinfo", lambda _, port, *more, **named: real("127.0.0.1", port, *more, **named))


def client_of(wire: Wire, host: str) -> LeanClient:
    endpoint = Endpoint(host, wire.port, tls=True, authority=f"{host}:{wire.port}")
    return LeanClient(endpoint, "eu-west-1", lambda: CREDENTIALS)


def old(trusted: Authority) -> ssl.SSLContext:
    """A server that speaks nothing newer than TLS 1.1."""
    context = trusted.server("store.example")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


UNTRUSTED: dict[str, Callable[[Authority, Path], ssl.SSLContext]] = {
    "another authority of the same name": lambda _, folder: authority(folder / "other").server("store.example"),
    "a certificate that has expired": lambda trusted, _: trusted.server("store.example", days_ago=9, days_left=-1),
    "a certificate of tomorrow": lambda trusted, _: trusted.server("store.example", days_ago=-1, days_left=9),
    "another name": lambda trusted, _: trusted.server("other.example"),
    "the name of the domain above": lambda trusted, _: trusted.server("example"),
    "a name below": lambda trusted, _: trusted.server("a.store.example"),
    "an address in place of the name": lambda trusted, _: trusted.server("127.0.0.1"),
    "TLS 1.1": lambda trusted, _: old(trusted),
}


@pytest.mark.parametrize("server", UNTRUSTED.values(), ids=UNTRUSTED)
def test_nothing_is_sent_to_whom_it_does_not_trust(
    trusted: Authority, tmp_path: Path, server: Callable[[Authority, Path], ssl.SSLContext]
) -> None:
    with serving(server(trusted, tmp_path)) as wire:
        client = client_of(wire, "store.example")
        for number in range(3):  # however often it is asked
            with pytest.raises(StoreBusyError) as caught:
                client.send("GetItem", GET)
            assert caught.value.cause in (Cause.FAILED, Cause.SILENT)  # the latter of a handshake that took too long
            wire.wait_until_one_is_closed()
            assert len(wire.connections) == number + 1
    assert wire.asked == []


def test_server_of_old_really_answers_those_who_put_up_with_it(trusted: Authority) -> None:
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    with (
        serving(old(trusted)) as wire,
        socket.create_connection(("127.0.0.1", wire.port)) as raw,
        context.wrap_socket(raw, server_hostname="store.example") as connection,
    ):
        assert connection.version() == "TLSv1.1"


@pytest.mark.parametrize("host", ["store.example", "127.0.0.1"])
def test_who_is_trusted_is_asked_on_one_connection_under_its_name(trusted: Authority, host: str) -> None:
    with serving(trusted.server(host)) as wire:
        wire.sends(GOOD)
        client = client_of(wire, host)
        for _ in range(5):
            assert client.send("GetItem", GET)["Item"]
        client.close()
    assert [asked.connection for asked in wire.asked] == [0] * 5
    assert wire.names == ([host] if host == "store.example" else [None])  # an address is no name to ask for
    assert wire.asked[0].headers["host"] == f"{host}:{wire.port}"


def test_large_replies_come_whole(trusted: Authority) -> None:
    with serving(trusted.server("store.example")) as wire:
        wire.sends(told({"Item": {"pk": {"S": "k" * 300_000}}}))
        client = client_of(wire, "store.example")
        for _ in range(2):
            assert len(client.send("GetItem", {**GET, "Filler": "f" * 100_000})["Item"]["pk"]["S"]) == 300_000
        client.close()
    assert [asked.connection for asked in wire.asked] == [0, 0]


def test_connection_that_closed_while_it_waited_is_replaced(trusted: Authority) -> None:
    with serving(trusted.server("store.example")) as wire:
        client = client_of(wire, "store.example")
        for _ in range(3):
            wire.sends(GOOD, Do.CLOSE)
            assert client.send("GetItem", GET)["Item"]
            wire.wait_until_one_is_closed()
        client.close()
    assert [asked.connection for asked in wire.asked] == [0, 1, 2]


def test_reply_cut_within_tls_is_lost(trusted: Authority) -> None:
    with serving(trusted.server("store.example")) as wire:
        client = client_of(wire, "store.example")
        for ending in (Do.CLOSE, Do.RESET):
            wire.sends(GOOD[:-5], ending)
            with pytest.raises(StoreBusyError):
                client.send("GetItem", GET)
    assert [asked.connection for asked in wire.asked] == [0, 1]


def test_server_that_does_not_speak_tls_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelpass.dynamodb.lean_client.CONNECT_SECONDS", 0.05)
    with serving() as wire:
        wire.sends(GOOD)
        with pytest.raises(StoreBusyError):
            client_of(wire, "store.example").send("GetItem", GET)
    assert wire.asked == []


def test_server_that_never_finishes_its_greeting_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelpass.dynamodb.lean_client.CONNECT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects by its backlog, and says nothing
        endpoint = Endpoint("store.example", silent.getsockname()[1], tls=True, authority="store.example")
        with pytest.raises(StoreBusyError, match=r"^TimeoutError$"):
            LeanClient(endpoint, "eu-west-1", lambda: CREDENTIALS).send("GetItem", GET)


def test_root_that_the_system_learns_of_later_is_trusted_at_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, later = authority(tmp_path / "before"), authority(tmp_path / "later")
    monkeypatch.setenv("SSL_CERT_FILE", before.trust)
    with serving(later.server("store.example")) as wire:
        wire.sends(GOOD)
        client = client_of(wire, "store.example")
        with pytest.raises(StoreBusyError):
            client.send("GetItem", GET)
        monkeypatch.setenv("SSL_CERT_FILE", later.trust)
        with pytest.raises(StoreBusyError):
            client.send("GetItem", GET)
        assert client.send("GetItem", GET)["Item"]
        client.close()


def test_hosts_of_aws_are_trusted_by_its_own_roots_first_and_by_the_systems_then(trusted: Authority) -> None:
    with serving(trusted.server(AWS)) as wire:
        wire.sends(GOOD)
        client = client_of(wire, AWS)
        with pytest.raises(StoreBusyError):
            client.send("GetItem", GET)
        assert wire.asked == []
        assert client.send("GetItem", GET)["Item"]
        client.close()


def test_hosts_of_aws_are_trusted_by_nobody_elses_roots(tmp_path: Path, trusted: Authority) -> None:
    for server in (authority(tmp_path / "other").server(AWS), trusted.server("dynamodb.eu-west-2.amazonaws.com")):
        with serving(server) as wire:
            client = client_of(wire, AWS)
            for _ in range(3):
                with pytest.raises(StoreBusyError):
                    client.send("GetItem", GET)
        assert wire.asked == []
