"""Authorization ids: what was issued is read back, what was not is refused, and a replay shows the id of its grant."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass import api_keys
from modelpass.api_keys import DeploymentKeys
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import authorization_ids
from modelpass.entitlements.authorization_ids import Authorization
from modelpass.entitlements.model import EntitlementId, Hold
from modelpass.ids import MAX_MODEL_ID, MODEL_ID_PATTERN, subscription_id_of
from tests.support.builders import DEPLOYMENT_KEY, KEYS, NOON, OLDER_KEY, PROPERTY, SUBSCRIPTION_ID, hold
from tests.support.mistyped import ALPHABET, around, mistyped

PREFIX = "auth_"
GRANTED = Authorization(EntitlementId(SUBSCRIPTION_ID, 3, "claude-opus-4-6"), Tier.STABLE, hold())
AUTHORIZATION_ID = authorization_ids.issue_authorization_id(GRANTED, KEYS)
OLDER, FOREIGN = DeploymentKeys((OLDER_KEY,)), DeploymentKeys((b"a deployment key of somebody else's service",))
ROTATED = DeploymentKeys((DEPLOYMENT_KEY, OLDER_KEY))


def test_rotation_accepts_ids_of_both_deployment_keys() -> None:
    granted = GRANTED._replace(hold=hold()._replace(signer=api_keys.signer_of(OLDER_KEY)))
    id_before = authorization_ids.issue_authorization_id(granted, OLDER)
    parsed = authorization_ids.parse_authorization_id(id_before, ROTATED)
    assert parsed == granted
    assert parsed.hold.signer == granted.hold.signer != api_keys.signer_of(DEPLOYMENT_KEY)
    assert authorization_ids.parse_authorization_id(id_before, KEYS) is None


def test_replay_after_a_rotation_shows_the_id_that_was_granted_before_it() -> None:
    granted = GRANTED._replace(hold=hold()._replace(signer=api_keys.signer_of(OLDER_KEY)))
    assert authorization_ids.issue_authorization_id(granted, ROTATED) == authorization_ids.issue_authorization_id(
        granted, OLDER
    )
    assert authorization_ids.issue_authorization_id(GRANTED, ROTATED) == AUTHORIZATION_ID


def test_replay_after_a_rotation_shows_the_same_id_whatever_the_two_deployment_keys_are() -> None:
    secrets = [b"deployment key number %010d" % n for n in range(200)]
    for old, new in itertools.pairwise(secrets):
        granted = GRANTED._replace(hold=hold()._replace(signer=api_keys.signer_of(old)))
        before = authorization_ids.issue_authorization_id(granted, DeploymentKeys((old,)))
        assert authorization_ids.issue_authorization_id(granted, DeploymentKeys((new, old))) == before


@PROPERTY
@given(st.text("!~aA0-", min_size=1), st.text("!~aA0-", min_size=1), st.binary(min_size=6, max_size=6))
def test_nonce_tells_its_attempt_and_no_other(one: str, other: str, entropy: bytes) -> None:
    mark = authorization_ids.attempt_mark(one)
    nonce = authorization_ids.nonce_text(entropy, mark)
    marked = hold()._replace(nonce=nonce)
    assert len(nonce) == len(authorization_ids.nonce_text(entropy))
    assert authorization_ids.has_mark(marked, mark)
    assert authorization_ids.has_mark(marked, authorization_ids.attempt_mark(other)) is (one == other)
    assert urlsafe_b64decode(nonce)[len(mark) :] == entropy[len(mark) :] + bytes(3)
    assert not authorization_ids.has_gone_on(marked)


@pytest.mark.parametrize(
    ("steps", "gone_on"), [(0, False), (1, True), (86_400, True), (2**20 - 1, True), (2**20, False), (2**24 - 1, False)]
)
def test_hold_has_gone_on_if_its_nonce_counts_steps_and_not_if_it_has_the_random_bytes_of_earlier_code(
    steps: int,
    gone_on: bool,  # noqa: FBT001
) -> None:
    nonce = urlsafe_b64encode(b"\xff" * 6 + steps.to_bytes(3, "big")).decode()
    assert authorization_ids.has_gone_on(hold()._replace(nonce=nonce)) is gone_on


@PROPERTY
@given(st.binary(min_size=9, max_size=9), st.integers(1, 40))
def test_each_step_of_a_hold_has_a_nonce_of_its_own_and_is_of_the_same_grant(raw: bytes, steps: int) -> None:
    first = hold()._replace(nonce=urlsafe_b64encode(raw).decode())
    every = [first]
    for _ in range(steps):
        every.append(every[-1]._replace(nonce=authorization_ids.next_nonce(every[-1].nonce)))
    assert len({h.nonce for h in every}) == steps + 1
    assert all(authorization_ids.is_of_same_grant(first, h) for h in every)
    assert all(h.nonce.startswith(authorization_ids.grant_text(first)) for h in every)
    counted = (int.from_bytes(raw[6:], "big") + steps) % 2**24
    assert urlsafe_b64decode(every[-1].nonce) == raw[:6] + counted.to_bytes(3, "big")


def test_holds_of_other_requests_and_other_grants_of_one_request_are_not_of_the_same_grant() -> None:
    assert not authorization_ids.is_of_same_grant(hold("r-1"), hold("r-2"))
    assert not authorization_ids.is_of_same_grant(hold(nonce=b"nonce."), hold(nonce=b"nonce,"))


@PROPERTY
@given(
    st.builds(
        Authorization,
        st.builds(
            EntitlementId,
            st.binary(min_size=15, max_size=15).map(subscription_id_of),
            st.integers(1, 65_535),
            st.from_regex(MODEL_ID_PATTERN, fullmatch=True),
        ),
        st.sampled_from(Tier),
        st.builds(
            Hold,
            st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).map(authorization_ids.request_digest),
            st.binary(min_size=6, max_size=6).map(authorization_ids.nonce_text),
            st.just(api_keys.signer_of(DEPLOYMENT_KEY)),
            st.integers(0, NOON * 10),
            st.integers(1, 86_400),
            st.integers(0, 10**15),
            st.integers(1, 10**9),
        ),
    )
)
def test_authorization_id_tells_all_that_a_settle_needs(granted: Authorization) -> None:
    made = authorization_ids.issue_authorization_id(granted, KEYS)
    assert authorization_ids.parse_authorization_id(made, KEYS) == granted
    assert authorization_ids.parse_authorization_id(made, ROTATED) == granted
    assert authorization_ids.parse_authorization_id(made, FOREIGN) is None


@pytest.mark.parametrize("model_id", ["m", "a/@", "m" * 64, "m" * 73, "m" * 74, "/@" * (MAX_MODEL_ID // 2)])
def test_id_of_a_grant_is_read_however_long_its_model_is_called(model_id: str) -> None:
    granted = GRANTED._replace(entitlement=GRANTED.entitlement._replace(model_id=model_id))
    made = authorization_ids.issue_authorization_id(granted, KEYS)
    assert authorization_ids.parse_authorization_id(made, KEYS) == granted


def test_every_mistyped_or_truncated_authorization_id_is_refused() -> None:
    wrong = mistyped(AUTHORIZATION_ID) + [AUTHORIZATION_ID[:end] for end in range(len(AUTHORIZATION_ID))]
    wrong += around(PREFIX, AUTHORIZATION_ID)
    assert [text for text in wrong if authorization_ids.parse_authorization_id(text, KEYS) is not None] == []


@pytest.mark.parametrize("model_id", ["m", "mm", "mmm"])
def test_second_spelling_of_an_authorization_id_is_refused(model_id: str) -> None:
    entitlement = GRANTED.entitlement._replace(model_id=model_id)
    made = authorization_ids.issue_authorization_id(GRANTED._replace(entitlement=entitlement), KEYS)
    raw = made.removeprefix("auth_")
    same = [
        text
        for last in ALPHABET
        if (text := raw[:-1] + last) != raw and urlsafe_b64decode(text + "==") == urlsafe_b64decode(raw + "==")
    ]
    assert (len(same) > 0) == (len(raw) % 4 != 0)
    assert [text for text in same if authorization_ids.parse_authorization_id(f"auth_{text}", KEYS)] == []


def test_authorization_ids_never_issued_are_refused_whatever_they_are() -> None:
    foreign = authorization_ids.issue_authorization_id(GRANTED, FOREIGN)
    texts = [
        foreign,
        api_keys.issue_api_key(SUBSCRIPTION_ID, 3, bytes(range(20)), KEYS),
        "auth_" + urlsafe_b64encode(bytes(90)).decode(),
        "auth_" + "A" * 101,
        "auth_" + "_" * 200,
        "auth_" + "_" * 274,
    ]
    assert [text for text in texts if authorization_ids.parse_authorization_id(text, KEYS) is not None] == []


@PROPERTY
@given(st.text() | st.text(ALPHABET, min_size=50, max_size=290).map(PREFIX.__add__))
def test_reading_any_text_as_an_id_never_raises(text: str) -> None:
    assert authorization_ids.parse_authorization_id(text, KEYS) is None
