"""API keys: what was issued is read back, what was not is refused, and nothing secret is shown."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

from hypothesis import given
from hypothesis import strategies as st

from modelpass import api_keys
from modelpass.api_keys import API_KEY_PREFIX, DeploymentKeys
from modelpass.ids import subscription_id_of
from tests.support.builders import DEPLOYMENT_KEY, KEYS, OLDER_KEY, PROPERTY, SUBSCRIPTION_ID
from tests.support.mistyped import ALPHABET, around, mistyped

SECRET = bytes(range(20))
API_KEY = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, KEYS)
OLDER, FOREIGN = DeploymentKeys((OLDER_KEY,)), DeploymentKeys((b"a deployment key of somebody else's service",))
ROTATED = DeploymentKeys((DEPLOYMENT_KEY, OLDER_KEY))


@PROPERTY
@given(st.binary(min_size=15, max_size=15), st.integers(1, 65_535), st.binary(min_size=20, max_size=20))
def test_api_key_tells_its_term_and_the_hash_of_the_whole(entropy: bytes, term: int, secret: bytes) -> None:
    subscription_id = subscription_id_of(entropy)
    made = api_keys.issue_api_key(subscription_id, term, secret, KEYS)
    parsed = api_keys.parse_api_key(made, KEYS)
    assert parsed == api_keys.ApiKey(subscription_id, term, api_keys.api_key_hash(made))
    assert re.fullmatch(api_keys.API_KEY_PATTERN, made)
    assert made == api_keys.issue_api_key(subscription_id, term, secret, KEYS)


def test_every_mistyped_api_key_is_refused() -> None:
    read = [text for text in mistyped(API_KEY) if api_keys.parse_api_key(text, KEYS) is not None]
    assert read == []


def test_anything_around_an_api_key_is_refused() -> None:
    assert [text for text in around(API_KEY_PREFIX, API_KEY) if api_keys.parse_api_key(text, KEYS) is not None] == []


def test_api_key_of_another_deployment_is_refused() -> None:
    forged = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, FOREIGN)
    assert api_keys.parse_api_key(forged, KEYS) is None
    assert api_keys.parse_api_key(API_KEY, FOREIGN) is None
    assert api_keys.parse_api_key(API_KEY, DeploymentKeys(())) is None


def test_api_key_has_one_spelling() -> None:
    raw = urlsafe_b64decode(API_KEY.removeprefix(api_keys.API_KEY_PREFIX))
    assert len(raw) * 4 == 60 * 3  # no spare bits in which a second spelling could hide


def test_stored_hash_of_a_key_is_of_every_character() -> None:
    hashes = {api_keys.api_key_hash(text) for text in (API_KEY, *mistyped(API_KEY))}
    assert len(hashes) == 1 + len(set(mistyped(API_KEY)))
    assert {len(digest) for digest in hashes} == {16}


def test_secret_scanner_pattern_finds_a_key_inside_other_text() -> None:
    found = re.findall(api_keys.API_KEY_PATTERN, f'{{"apiKey": "{API_KEY}", "x": 1}}')
    assert found == [API_KEY]
    assert not re.search(api_keys.API_KEY_PATTERN, api_keys.mask(api_keys.api_key_tail(API_KEY)))


def test_masked_key_shows_four_characters_of_the_mac_and_none_of_the_secret() -> None:
    assert api_keys.mask(api_keys.api_key_tail(API_KEY)) == f"sk-custom-…{API_KEY[-4:]}"
    under_another = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, OLDER)
    raw, other = (urlsafe_b64decode(k.removeprefix(api_keys.API_KEY_PREFIX)) for k in (API_KEY, under_another))
    assert raw[:-8] == other[:-8]  # all that says the secret is before the eight bytes of the MAC
    assert raw[-3:] == urlsafe_b64decode(API_KEY[-4:])


def test_nothing_that_is_shown_for_debugging_shows_a_secret() -> None:
    for made in (KEYS, ROTATED, api_keys.parse_api_key(API_KEY, KEYS)):
        shown = f"{made!r} {made}"
        assert API_KEY not in shown
        assert DEPLOYMENT_KEY.decode() not in shown
        assert OLDER_KEY.decode() not in shown


def test_rotation_accepts_keys_of_both_deployment_keys_and_signs_with_the_first() -> None:
    before = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, OLDER)
    assert api_keys.parse_api_key(before, ROTATED) is not None
    assert api_keys.parse_api_key(before, KEYS) is None
    assert api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, ROTATED) == API_KEY != before


@PROPERTY
@given(st.text() | st.text(ALPHABET, min_size=50, max_size=210).map(API_KEY_PREFIX.__add__))
def test_reading_any_text_as_a_key_never_raises(text: str) -> None:
    assert api_keys.parse_api_key(text, KEYS) is None
