"""Ids that callers send: what can be the id of a subscription is told from every other text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelpass.ids import is_subscription_id
from tests.support.builders import PROPERTY, SUBSCRIPTION_ID
from tests.support.mistyped import ALPHABET


def test_subscription_ids_are_told_from_other_texts() -> None:
    assert is_subscription_id(SUBSCRIPTION_ID)
    wrong = ["", "sub_", SUBSCRIPTION_ID[:-1], SUBSCRIPTION_ID + "a", SUBSCRIPTION_ID.upper(), f"{SUBSCRIPTION_ID}\n"]
    wrong += [f"account#{SUBSCRIPTION_ID}", SUBSCRIPTION_ID[:-1] + "1", SUBSCRIPTION_ID[:-1] + "é"]
    assert [text for text in wrong if is_subscription_id(text)] == []


@PROPERTY
@given(st.text() | st.text(ALPHABET, min_size=50, max_size=210).map("auth_".__add__))
def test_looking_at_any_text_as_a_subscription_id_never_raises(text: str) -> None:
    assert not is_subscription_id(text)
