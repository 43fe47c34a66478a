"""The MACs that the package calculates by itself, compared with those of the standard library."""

from __future__ import annotations

import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from modelpass import macs
from tests.support.builders import PROPERTY

KEYS = st.binary(max_size=200)


@PROPERTY
@given(key=KEYS, message=st.binary(max_size=300))
@example(key=b"k" * 64, message=b"")
@example(key=b"k" * 65, message=b"")
def test_mac_is_that_of_the_standard_library_whatever_the_length_of_the_key(key: bytes, message: bytes) -> None:
    expected = hmac.digest(key, message, "sha256")
    assert macs.Mac(key).digest(message) == expected
    assert macs.under(key).digest(message) == macs.under(key).digest(message) == expected
