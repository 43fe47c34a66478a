"""The catalogue has one currency, and a model in another is refused with the currency that it should have."""

from __future__ import annotations

import pytest

from modelpass.catalogue.model import require_currency
from modelpass.errors import ErrorCode, Refusal, Refused


def test_model_in_the_currency_of_the_catalogue_is_taken() -> None:
    require_currency("USD", "USD")


@pytest.mark.parametrize("at", ["", "models[3]."])
def test_model_in_another_currency_is_refused_with_that_of_the_catalogue(at: str) -> None:
    with pytest.raises(Refused) as caught:
        require_currency("USD", "EUR", at)
    assert caught.value.refusal == Refusal(
        ErrorCode.INVALID_REQUEST, f"{at}tiers[0].price.currency", "The catalogue's currency is USD."
    )
