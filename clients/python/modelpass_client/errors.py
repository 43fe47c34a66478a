"""What can be raised to a router. Rule: every refusal is one type, and no text holds a key or an authorization id."""

from __future__ import annotations

from typing import Any, Final

_UNAVAILABLE: Final = "temporarily_unavailable"


class ModelpassError(Exception):
    """Whatever this package raises on purpose."""


class ConfigurationError(ModelpassError):
    """A setting that is missing or wrong; the text names it and never shows its value."""


class Refused(ModelpassError):  # noqa: N818 - a refusal is a normal result
    """The request must not be made: by a rule of the subscription, or because nobody could be asked.

    `answer` is what the service answered: `statusCode`, `error` and, to the holder of a current key, `daily` and
    `monthly`. `retry_after` is in whole seconds, None where coming back does not help.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        error = answer["error"]
        self.status: int = answer["statusCode"]
        self.code: str = error["code"]
        self.type: str = error["type"]
        self.message: str = error["message"]
        self.param: str | None = error.get("param")
        self.retry_after: int | None = answer.get("retryAfter")
        super().__init__(f"{self.code}: {self.message}")


def unavailable(message: str = "The entitlement service cannot be reached.", *, retry_after: int = 1) -> Refused:
    """The refusal when nobody could be asked: nothing is granted unless the service granted it."""
    error = {"message": message, "type": "api_error", "code": _UNAVAILABLE, "param": None}
    return Refused({"allowed": False, "statusCode": 503, "retryAfter": retry_after, "error": error})
