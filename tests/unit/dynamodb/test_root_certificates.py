"""The roots that the lean client trusts first are AWS's, as botocore's own list has them, and none expires soon."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import Any

import botocore

from modelpass.dynamodb.root_certificates import ROOTS

YEAR_SECONDS = 366 * 86_400


def context_of(pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    return context


OURS: list[Any] = context_of(ROOTS).get_ca_certs()


def test_roots_are_the_five_of_amazon_trust_services_and_no_other() -> None:
    names = [dict(part[0] for part in root["subject"])["commonName"] for root in OURS]
    assert sorted(names) == [
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    ]


def test_roots_are_those_of_the_list_that_comes_with_the_sdk() -> None:
    listed = context_of((Path(botocore.__file__).parent / "cacert.pem").read_text("utf-8"))
    assert set(context_of(ROOTS).get_ca_certs(binary_form=True)) < set(listed.get_ca_certs(binary_form=True))


def test_roots_last_for_another_year() -> None:
    for root in OURS:
        assert ssl.cert_time_to_seconds(root["notAfter"]) > time.time() + YEAR_SECONDS
