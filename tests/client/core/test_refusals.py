"""A refusal is one type, whoever refused."""

from modelpass_client.errors import Refused, unavailable


def test_refusal_shows_what_the_service_answered() -> None:
    error = {"message": "No calls left.", "type": "rate_limit_error", "code": "daily_call_limit_reached", "param": "x"}
    refused = Refused({"allowed": False, "statusCode": 429, "retryAfter": 60, "error": error})
    assert (refused.status, refused.code, refused.param, refused.retry_after) == (429, error["code"], "x", 60)
    assert str(refused) == "daily_call_limit_reached: No calls left."


def test_nobody_who_could_be_asked_is_a_refusal() -> None:
    refused = unavailable()
    assert (refused.status, refused.code, refused.answer["allowed"]) == (503, "temporarily_unavailable", False)
