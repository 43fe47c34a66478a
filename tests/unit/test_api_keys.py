"""Keys and ids: what was issued is read back, what was not is refused, and nothing secret is shown."""

from __future__ import annotations

import itertools
import re
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass import api_keys, outbox, schema
from modelpass.api_keys import DeploymentKeys
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.tiers import Tier, tiers_down_key
from modelpass.entitlements import authorization_ids, history
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.authorization_ids import Authorization
from modelpass.entitlements.model import EntitlementId, Hold
from modelpass.ids import is_subscription_id, subscription_id_of
from modelpass.outbox import Order
from modelpass.subscriptions import idempotency
from modelpass.subscriptions import items as subscription_items
from tests.support.builders import DEPLOYMENT_KEY, KEYS, NOON, OLDER_KEY, PROPERTY, SUBSCRIPTION_ID, hold

SECRET = bytes(range(20))
API_KEY = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, KEYS)
GRANTED = Authorization(EntitlementId(SUBSCRIPTION_ID, 3, "claude-opus-4-6"), Tier.STABLE, hold())
AUTHORIZATION_ID = authorization_ids.issue_authorization_id(GRANTED, KEYS)
OLDER, FOREIGN = DeploymentKeys((OLDER_KEY,)), DeploymentKeys((b"a deployment key of somebody else's service",))
ROTATED = DeploymentKeys((DEPLOYMENT_KEY, OLDER_KEY))
ALPHABET = string.ascii_letters + string.digits + "-_"


def mistyped(text: str) -> list[str]:
    """Every text with one character changed, left out, doubled, or swapped with its neighbour."""
    wrong = []
    for at, right in enumerate(text):
        wrong += [text[:at] + other + text[at + 1 :] for other in (*ALPHABET, " ", "=", "+", "é") if other != right]
        wrong += [text[:at] + text[at + 1 :], text[:at] + right + text[at:]]
        if at and text[at - 1] != right:
            wrong.append(text[: at - 1] + right + text[at - 1] + text[at + 1 :])
    return wrong


def around(text: str) -> list[str]:
    raw = text.partition("_")[2] if text.startswith("auth_") else text.removeprefix(api_keys.API_KEY_PREFIX)
    prefix = text.removesuffix(raw)
    return [
        "",
        " ",
        raw,
        prefix,
        f" {text}",
        f"{text} ",
        f"{text}\n",
        f"{text}=",
        f"{text}\0",
        f"Bearer {text}",
        text.upper(),
        text[:-4],
        text * 2,
        "\ud800",
        prefix + "A" * len(raw),
        prefix + "é" * len(raw),
        prefix + "٣" * len(raw),
    ]


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
    assert [text for text in around(API_KEY) if api_keys.parse_api_key(text, KEYS) is not None] == []


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


def test_rotation_accepts_both_deployment_keys_and_signs_with_the_first() -> None:
    before = api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, OLDER)
    assert api_keys.parse_api_key(before, ROTATED) is not None
    assert api_keys.parse_api_key(before, KEYS) is None
    assert api_keys.issue_api_key(SUBSCRIPTION_ID, 3, SECRET, ROTATED) == API_KEY != before
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
@given(
    st.builds(
        Authorization,
        st.builds(
            EntitlementId,
            st.binary(min_size=15, max_size=15).map(subscription_id_of),
            st.integers(1, 65_535),
            st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
        ),
        st.sampled_from(Tier),
        st.builds(
            Hold,
            st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).map(authorization_ids.request_digest),
            st.binary(min_size=9, max_size=9).map(authorization_ids.nonce_text),
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


def test_every_mistyped_or_truncated_authorization_id_is_refused() -> None:
    wrong = mistyped(AUTHORIZATION_ID) + [AUTHORIZATION_ID[:end] for end in range(len(AUTHORIZATION_ID))]
    wrong += around(AUTHORIZATION_ID)
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
        API_KEY,
        "auth_" + urlsafe_b64encode(bytes(90)).decode(),
        "auth_" + "A" * 101,
        "auth_" + "_" * 200,
    ]
    assert [text for text in texts if authorization_ids.parse_authorization_id(text, KEYS) is not None] == []


@PROPERTY
@given(st.text() | st.text(ALPHABET, min_size=50, max_size=210).map("auth_".__add__))
def test_reading_any_text_as_a_key_or_an_id_never_raises(text: str) -> None:
    assert authorization_ids.parse_authorization_id(text, KEYS) is None
    assert api_keys.parse_api_key(text, KEYS) is None
    assert not is_subscription_id(text)


def test_subscription_ids_are_told_from_other_texts() -> None:
    assert is_subscription_id(SUBSCRIPTION_ID)
    wrong = ["", "sub_", SUBSCRIPTION_ID[:-1], SUBSCRIPTION_ID + "a", SUBSCRIPTION_ID.upper(), f"{SUBSCRIPTION_ID}\n"]
    wrong += [f"account#{SUBSCRIPTION_ID}", SUBSCRIPTION_ID[:-1] + "1", SUBSCRIPTION_ID[:-1] + "é"]
    assert [text for text in wrong if is_subscription_id(text)] == []


def test_id_of_a_purchase_follows_from_account_and_idempotency_key_alone() -> None:
    made = idempotency.subscription_id("acct", "key")
    assert is_subscription_id(made)
    assert made == idempotency.subscription_id("acct", "key")
    others = [idempotency.subscription_id(*pair) for pair in (("acc", "tkey"), ("acct2", "key"), ("key", "acct"))]
    assert len({made, *others}) == 4


def test_renewal_keys_are_scoped_to_account_and_subscription() -> None:
    triples = [("a", "s", "k"), ("b", "s", "k"), ("a", "t", "k"), ("a", "s", "l"), ("as", "k", ""), ("a", "sk", "")]
    assert len({idempotency.renewal(*triple) for triple in triples}) == len(triples)


def test_keys_of_the_tables_are_distinct() -> None:
    one, two = EntitlementId(SUBSCRIPTION_ID, 1, "m:1"), EntitlementId(SUBSCRIPTION_ID, 11, "m")
    grants = [hold(), hold(nonce=b"nine more"), hold("r-2")]
    pairs = [
        *(history.day_key(e, day) for e in (one, two) for day in ("2026-01-01", "2026-01-11")),
        *(history.month_key(e, month) for e in (one, two) for month in (1, 11)),
        *(history.ticket_key(e, h) for e in (one, two) for h in grants),
        *(subscription_items.slot_key(account) for account in ("a", "b", SUBSCRIPTION_ID)),
        subscription_items.subscription_key(SUBSCRIPTION_ID),
        *(outbox.event_key(SUBSCRIPTION_ID, at, Order(1, 0, 0), outbox.event_id(str(at))) for at in (1, 20, 10**12)),
        *(catalogue_items.model_key(m) for m in ("down", "m")),
        tiers_down_key(),
    ]
    assert len(set(pairs)) == len(pairs)
    assert [entitlement_items.parse_entitlement_pk(entitlement_items.entitlement_pk(e)) for e in (one, two)] == [
        one,
        two,
    ]
    orders = [(1, 0, 0), (1, 5, 80), (1, 5, 100), (1, 11, 0), (2, 0, 0), (10, 0, 0)]
    assert [outbox.event_key("s", 1, Order(*order), "e") for order in orders] == sorted(
        outbox.event_key("s", 1, Order(*order), "e") for order in orders
    )
    times = [outbox.event_key("s", at, Order(1, 0, 0), "e")[1] for at in (999, 10**12, NOON)]
    assert times == sorted(times)


def test_events_of_one_fact_share_an_id_and_of_another_do_not() -> None:
    assert outbox.event_id("a", "b") == outbox.event_id("a", "b")
    assert len({outbox.event_id(*facts) for facts in (("a", "b"), ("ab",), ("b", "a"), ("a", "b", ""))}) == 4


def test_due_items_are_spread_over_every_shard() -> None:
    shards = {schema.due_shard(f"sub_{n}#1#m") for n in range(5000)}
    assert shards == {schema.due_shard_name(n) for n in range(schema.DUE_SHARDS)}
