"""What the tests of the router's functions share: a subscription bought as the sample says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.handlers import Json, Service


@pytest.fixture
def bought(service: Service, account: str) -> Json:
    """The answer to the purchase of the sample, and whose it is."""
    return {**service.buy(account), "account": account}
