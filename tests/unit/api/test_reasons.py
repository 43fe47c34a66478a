"""Why an operator calls is taken in one form, told as it was meant, and never holds what no line may hold."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from modelpass.api.reasons import MOST_CHARACTERS, reason_of
from modelpass.errors import ErrorCode, Refused
from tests.support.http_events import event_of

WIDEST = "\U0001f600"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("x", "x"),
        ("ticket%204711%3A%20wrong%20unit", "ticket 4711: wrong unit"),
        ("a+b", "a+b"),
        ("100%25", "100%"),
        ("%2541", "%41"),
        ("gesch%C3%a4tzt", "geschätzt"),
        (quote(WIDEST * MOST_CHARACTERS), WIDEST * MOST_CHARACTERS),
        ("a" * MOST_CHARACTERS, "a" * MOST_CHARACTERS),
    ],
)
def test_reason_is_told_as_it_was_meant(sent: str, reason: str) -> None:
    assert reason_of(event_of(x_request_reason=sent)) == reason


def test_call_without_the_header_has_no_reason() -> None:
    assert reason_of(event_of()) is None


@pytest.mark.parametrize(
    "sent",
    [
        *("", " ", "two words", "ä", "%", "%4", "%zz", "100%", "x\n", "\x7f"),
        *("%FF", "%C3", "%ED%A0%80", "%C0%80"),  # no UTF-8
        *("%20", "%20%09", "a%0Ab", "a%0D%0Ab", "%00", "%1B%5B2J", "a%C2%85", "%E2%80%A8"),  # nothing, or control
        "a" * (MOST_CHARACTERS + 1),
        quote("ä" * (MOST_CHARACTERS + 1)),
        "%41" * (4 * MOST_CHARACTERS + 1),
    ],
)
def test_reason_of_another_form_is_refused_by_its_header(sent: str) -> None:
    with pytest.raises(Refused) as caught:
        reason_of(event_of(x_request_reason=sent))
    refusal = caught.value.refusal
    assert (refusal.code, refusal.param) == (ErrorCode.INVALID_REQUEST, "X-Request-Reason")


@pytest.mark.parametrize("secret", ["sk-custom-" + "A" * 60, "auth_" + "b" * 120, "eyJhbGciOi.eyJzdWIi.c2ln"])
def test_secret_in_a_reason_is_refused_and_never_repeated(secret: str) -> None:
    for sent in (secret, quote(f"key was {secret}, sorry"), "".join(f"%{byte:02x}" for byte in secret.encode())):
        with pytest.raises(Refused) as caught:
            reason_of(event_of(x_request_reason=sent))
        refusal = caught.value.refusal
        assert refusal.param == "X-Request-Reason"
        assert secret[:12] not in str(refusal)
