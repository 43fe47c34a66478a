"""Ids that callers send: what can be the id of a subscription is told from every other text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.ids import is_subscription_id, may_be_logged
from tests.support.builders import PROPERTY, SUBSCRIPTION_ID
from tests.support.mistyped import ALPHABET


def test_subscription_ids_are_told_from_other_texts() -> None:
    assert is_subscription_id(SUBSCRIPTION_ID)
    wrong = ["", "sub_", SUBSCRIPTION_ID[:-1], SUBSCRIPTION_ID + "a", SUBSCRIPTION_ID.upper(), f"{SUBSCRIPTION_ID}\n"]
    wrong += [f"account#{SUBSCRIPTION_ID}", SUBSCRIPTION_ID[:-1] + "1", SUBSCRIPTION_ID[:-1] + "é"]
    assert [text for text in wrong if is_subscription_id(text)] == []


SECRETS = [f"sk-custom-{'k' * 60}", f"auth_{'a' * 100}", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["{}", "x/{}", "{}:retry-1"])
def test_id_that_looks_like_a_secret_is_not_for_the_log(secret: str, place: str) -> None:
    assert not may_be_logged(place.format(secret))


@pytest.mark.parametrize(
    "text", ["", "r-1", "auth_service", "openai/gpt-4o", "eyJ", "sk-custom", "chatcmpl-" + "a" * 119]
)
def test_other_ids_may_be_logged(text: str) -> None:
    assert may_be_logged(text)


@PROPERTY
@given(st.text() | st.text(ALPHABET, min_size=50, max_size=210).map("auth_".__add__))
def test_looking_at_any_text_as_a_subscription_id_never_raises(text: str) -> None:
    assert not is_subscription_id(text)
