"""Certificates that a test makes for itself. Rule: every key is new, and nothing of it outlives the run."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates of servers; `trust` is the file that a client has to trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def trust(self) -> str:
        path = self.folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return str(path)

    def server(self, name: str, *, days_ago: int = 1, days_left: int = 1) -> ssl.SSLContext:
        """What a server of this name speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general(name)])
        made = _builder(name, self.certificate.subject, key, days_ago, days_left).add_extension(names, critical=False)
        path = self.folder / "server.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(secret + made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def authority(folder: Path) -> Authority:
    """A new authority; all of them have the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("An authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder("An authority", name, key, 1, 1).add_extension(usage, critical=True)
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    folder.mkdir(exist_ok=True)
    return Authority(folder, key, made.sign(key, hashes.SHA256()))


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days_ago: int, days_left: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - days_ago * _DAY)
        .not_valid_after(now + days_left * _DAY)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
