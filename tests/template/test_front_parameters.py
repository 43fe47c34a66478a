"""Every parameter of the front: what works is taken, and what cannot work is refused before anything is made."""

from __future__ import annotations

import re
from typing import Final

import pytest

from local.machine import ROOT
from ops.errors import CommandError
from tests.template.front_stack import API, CERTIFICATE, OPERATORS_API, made
from tests.template.resources import FRONT

HOSTS: Final = ([API, "api.example.com", "a-b.example", "xn--bcher-kva.example"],)
NO_HOSTS: Final = [
    *(" ", "https://api.example.com", "api.example.com/v1", "api.example.com:443", "API.example.com", "localhost"),
    *("api..example.com", ".example.com", "-a.example", "a-.example", "10.0.0.1", "*.example.com", "a.example\n"),
]
LIMITS: Final = (
    ["10", "30", "600", "999999999"],
    ["", "0", "9", "09", "010", "1.5", "1e3", "-10", "1000000000", "10\n"],
)
CERTIFICATES: Final = (
    ["", CERTIFICATE],
    [" ", CERTIFICATE.replace("us-east-1", "eu-west-1"), CERTIFICATE.replace("acm", "iam"), f"{CERTIFICATE}\n", "none"],
)
ROWS: Final[dict[str, tuple[list[str], list[str]]]] = {
    "Stage": (["dev", "prod", "a"], ["", "Prod", "2", "a_b", "dev\n"]),
    "CustomersApiDomain": (HOSTS[0], ["", *NO_HOSTS]),
    "OperatorsApiDomain": (["", *HOSTS[0]], NO_HOSTS),
    "CustomersAlias": (["", *HOSTS[0]], NO_HOSTS),
    "OperatorsAlias": (["", *HOSTS[0]], NO_HOSTS),
    "CertificateArn": CERTIFICATES,
    "OriginClientCertificateArn": CERTIFICATES,
    "EvaluationWindowSeconds": (["60", "120", "300", "600"], ["", "0", "30", "90", "3600"]),
    "RequestsPerAuthorization": LIMITS,
    "RequestsPerAddress": LIMITS,
    "OwnersCallsPerAuthorization": LIMITS,
    "OwnersCallsPerAddress": LIMITS,
    "OperatorsRequestsPerAuthorization": LIMITS,
    "OperatorsRequestsPerAddress": LIMITS,
    "IpReputationList": (["Disabled", "Enabled"], ["", "enabled", "On"]),
    "PriceClass": (["PriceClass_100", "PriceClass_200", "PriceClass_All"], ["", "100", "PriceClass_300"]),
    "LogBucket": (
        ["", "my-logs.s3.amazonaws.com", "my.logs.s3.eu-west-1.amazonaws.com"],
        [
            " ",
            "my-logs",
            "s3://my-logs",
            "My-logs.s3.amazonaws.com",
            "my-logs.example.com",
            "my-logs.s3.amazonaws.com\n",
        ],
    ),
}
PAIRS: Final = [
    (name, value, taken)
    for name, rows in ROWS.items()
    for taken, row in zip((True, False), rows, strict=True)
    for value in row
]
ALSO_NEEDED: Final = {
    "CustomersAlias": {"CertificateArn": CERTIFICATE, "CustomersApiDomain": "origin.example.com"},
    "OperatorsAlias": {"CertificateArn": CERTIFICATE, "OperatorsApiDomain": OPERATORS_API},
    "CertificateArn": {"CustomersAlias": "api.example.com"},
}
"""What else has to be said for a value to work."""


def refusal(**values: str) -> str | None:
    try:
        made(**values)
    except CommandError as error:
        return str(error)
    return None


def test_every_parameter_has_its_row_and_is_used() -> None:
    assert list(ROWS) == list(FRONT["Parameters"])
    text = (ROOT / "front" / "template.yaml").read_text("utf-8")
    assert all(re.search(rf"!Ref {name}\b|\$\{{{name}\}}", text) for name in ROWS)


@pytest.mark.parametrize(("name", "value", "taken"), PAIRS)
def test_what_works_is_taken_and_what_cannot_work_is_refused(name: str, value: str, taken: bool) -> None:  # noqa: FBT001
    needed = ALSO_NEEDED.get(name, {}) if value else {}
    told = refusal(**needed, **{name: value})
    assert (told is None) == taken, told
    if told is not None:
        assert told.startswith(f"PARAMETERS: {name} must ")


@pytest.mark.parametrize("name", FRONT["Parameters"])
def test_parameter_is_text_that_is_constrained_and_says_in_words_how(name: str) -> None:
    declared = FRONT["Parameters"][name]
    assert declared["Type"] == "String"
    assert declared["Description"]
    assert ("Default" in declared) == (name != "CustomersApiDomain")  # what is in front of nothing is refused
    assert ("AllowedPattern" in declared) != ("AllowedValues" in declared)
    if "AllowedPattern" in declared:
        assert declared["ConstraintDescription"].startswith("must be ")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"CustomersAlias": "api.example.com"}, "CertificateArn"),
        ({"OperatorsAlias": "ops.example.com", "OperatorsApiDomain": OPERATORS_API}, "CertificateArn"),
        ({"CertificateArn": CERTIFICATE}, "CertificateArn"),
        ({"OperatorsAlias": "ops.example.com", "CertificateArn": CERTIFICATE}, "OperatorsApiDomain"),
        ({"CustomersAlias": API, "CertificateArn": CERTIFICATE}, "CustomersApiDomain"),
        (
            {"OperatorsAlias": OPERATORS_API, "OperatorsApiDomain": OPERATORS_API, "CertificateArn": CERTIFICATE},
            "must not be OperatorsApiDomain",
        ),
    ],
)
def test_alias_without_what_it_needs_or_that_leads_to_itself_is_refused(values: dict[str, str], word: str) -> None:
    assert word in (refusal(**values) or "")
