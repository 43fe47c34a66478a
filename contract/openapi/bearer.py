"""The operations of whoever bears an API key and has no token. Rule: what authorize refuses is refused here."""

from __future__ import annotations

from typing import Final

from contract.openapi import examples, key_shapes
from contract.openapi.parts import Answer, Operation, bad
from modelpass.errors import ErrorCode, Refusal

_REFUSED: Final = (
    bad("colour", "Unknown parameter."),
    Refusal(ErrorCode.INVALID_API_KEY, param="apiKey"),
    Refusal(ErrorCode.SUBSCRIPTION_EXPIRED),
    Refusal(ErrorCode.SUBSCRIPTION_CANCELLED),
    Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED),
    Refusal(ErrorCode.SUBSCRIPTION_PENDING),
)

OPERATIONS: Final = (
    Operation(
        "GET /v1/key",
        "getKey",
        "Look at the key that is borne",
        "The status and the term of its subscription, and of every model what was bought and what is left, at the "
        "moment of asking. It changes and counts nothing. What authorize would refuse is refused in the same words.",
        Answer(200, "The key.", (key_shapes.Key,), {"one model": examples.KEY}),
        _REFUSED,
        by_key=True,
    ),
    Operation(
        "GET /v1/key/models",
        "listModelsOfKey",
        "List the models of the key",
        "In the form in which AI clients list models, in the order in which they were bought: a client whose base URL "
        "ends in `/v1/key` finds them by itself.",
        Answer(200, "The models.", (key_shapes.KeyModels,), {"two models": examples.KEY_MODELS}),
        _REFUSED,
        by_key=True,
    ),
)
