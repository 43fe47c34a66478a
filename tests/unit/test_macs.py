"""MACs and spellings that the hot path works out by itself, held to the standard library's."""

from __future__ import annotations

import base64
import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from modelpass import macs
from modelpass.dynamodb import wire_json
from modelpass.entitlements import authorization_ids
from modelpass.ids import subscription_id_of

KEYS = st.binary(max_size=200)


@given(key=KEYS, message=st.binary(max_size=300))
@example(key=b"k" * 64, message=b"")
@example(key=b"k" * 65, message=b"")
def test_mac_is_that_of_the_standard_library_whatever_the_length_of_the_key(key: bytes, message: bytes) -> None:
    expected = hmac.digest(key, message, "sha256")
    assert macs.Mac(key).digest(message) == expected
    assert macs.under(key).digest(message) == macs.under(key).digest(message) == expected


@given(raw=st.binary(min_size=15, max_size=15))
@example(raw=bytes(15))
@example(raw=b"\xff" * 15)
def test_ids_are_spelt_in_base32(raw: bytes) -> None:
    assert subscription_id_of(raw) == "sub_" + base64.b32encode(raw).decode().lower()


@given(raw=st.binary(max_size=100))
def test_nonces_are_spelt_in_base64url_without_padding(raw: bytes) -> None:
    assert authorization_ids.nonce_text(raw) == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(raw=st.binary(max_size=100))
def test_binary_values_travel_as_base64(raw: bytes) -> None:
    sent = wire_json.encoded({"Item": {"kh": {"B": raw}}})
    assert sent == b'{"Item":{"kh":{"B":"%s"}}}' % base64.b64encode(raw)
    assert wire_json.decoded(sent) == {"Item": {"kh": {"B": raw}}}
