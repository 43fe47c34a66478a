"""What is remembered of an Idempotency-Key: it is stored, so it must come out the same in every release."""

from __future__ import annotations

from hashlib import sha256

import pytest

from modelpass.encoding import base64url
from modelpass.ids import subscription_id_of
from modelpass.subscriptions import idempotency


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def test_id_of_a_purchase_is_of_its_account_and_key() -> None:
    expected = subscription_id_of(digest("purchase\0acct\0order-1")[:15])
    assert idempotency.subscription_id("acct", "order-1") == expected == "sub_bktyexb5aq4dt4atgfm3gtwk"


def test_renewal_is_remembered_by_account_subscription_and_key() -> None:
    expected = digest("renew\0acct\0sub_1\0order-1")[:16]
    assert idempotency.renewal("acct", "sub_1", "order-1") == expected
    assert expected.hex() == "eca8740eaf105b61dc5b6d9745dfb177"


def test_correction_is_recorded_under_subscription_and_key() -> None:
    expected = base64url(digest("correct\0sub_1\0ticket-1")[:15])
    assert idempotency.correction("sub_1", "ticket-1") == expected == "5e9lrba-UC_j94zHp39N"


def test_correction_of_the_release_before_was_recorded_under_its_operator_too() -> None:
    expected = base64url(digest("correct\0op\0sub_1\0ticket-1")[:15])
    assert idempotency.earlier_correction("op", "sub_1", "ticket-1") == expected == "wESZ4pjJHD5EYyseS5HF"


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        ({"b": [2, 1], "a": "é"}, '{"a":"\\u00e9","b":[2,1]}'),
        ({"a": {"d": None, "c": 1.5}, "b": None}, '{"a":{"c":1.5}}'),
        ({"a": [{"b": None}, None, {"c": {"d": None}}]}, '{"a":[{},null,{"c":{}}]}'),
        ({"a": 0, "b": False, "c": "", "d": []}, '{"a":0,"b":false,"c":"","d":[]}'),
        ([], "[]"),
    ],
)
def test_body_is_remembered_by_its_json_value_members_in_order_and_without_nulls(body: object, canonical: str) -> None:
    assert idempotency.body(body) == digest(canonical)


def test_body_was_remembered_with_its_nulls_by_the_release_before() -> None:
    assert idempotency.earlier_body({"at": None, "a": 1}) == digest('{"a":1,"at":null}')
