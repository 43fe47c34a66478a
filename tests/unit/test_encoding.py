"""The encodings of bytes that the hot path works out by itself, compared with the standard library's."""

from __future__ import annotations

import base64

from hypothesis import example, given
from hypothesis import strategies as st

from modelpass.dynamodb import wire_json
from modelpass.entitlements import authorization_ids
from modelpass.ids import subscription_id_of
from tests.support.builders import PROPERTY


@PROPERTY
@given(raw=st.binary(min_size=15, max_size=15))
@example(raw=bytes(15))
@example(raw=b"\xff" * 15)
def test_ids_are_spelt_in_base32(raw: bytes) -> None:
    assert subscription_id_of(raw) == "sub_" + base64.b32encode(raw).decode().lower()


@PROPERTY
@given(raw=st.binary(max_size=100))
def test_nonces_are_spelt_in_base64url_without_padding(raw: bytes) -> None:
    assert authorization_ids.nonce_text(raw) == base64.urlsafe_b64encode(raw + bytes(3)).rstrip(b"=").decode()


@PROPERTY
@given(raw=st.binary(max_size=100))
def test_binary_values_travel_as_base64(raw: bytes) -> None:
    sent = wire_json.encoded({"Item": {"kh": {"B": raw}}})
    assert sent == b'{"Item":{"kh":{"B":"%s"}}}' % base64.b64encode(raw)
    assert wire_json.decoded(sent) == {"Item": {"kh": {"B": raw}}}
