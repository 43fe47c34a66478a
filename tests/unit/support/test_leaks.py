"""The search for secrets in what tests write: it finds every spelling, and takes nothing else for one."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import api_keys
from modelpass.api_keys import DeploymentKeys
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import authorization_ids
from modelpass.entitlements.model import EntitlementId
from tests.support import leaks
from tests.support.builders import hold

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT_KEY = secrets.token_hex(32)
KEYS = DeploymentKeys((DEPLOYMENT_KEY.encode(),))
ENTITLEMENT = EntitlementId("sub_" + "a" * 24, 1, "claude-opus-4-6")
JWT = f"eyJhbGciOiJFUzI1NiJ9.{secrets.token_urlsafe(40)}.{secrets.token_urlsafe(64)}"


def new_key() -> str:
    return api_keys.issue_api_key("sub_" + "a" * 24, 1, secrets.token_bytes(api_keys.SECRET_BYTES), KEYS)


def logged(value: object) -> str:
    """A line of a log with a value in the middle of it."""
    return json.dumps({"level": "INFO", "message": f"it is {value}, they said"}) + "\n"


def test_api_key_is_found_as_it_is_issued_with_and_without_its_prefix() -> None:
    made = new_key()
    assert leaks.found(logged(made)) == ["an API key"]
    assert leaks.found(f"x={made.removeprefix(api_keys.API_KEY_PREFIX)}") == ["an API key"]


def test_hash_of_an_api_key_is_found_in_every_spelling() -> None:
    for quoted in (b"", b'"', b"'", b"\"'"):
        digest = api_keys.api_key_hash(new_key())[len(quoted) :] + quoted
        leaks.keep_bytes("the hash of an API key", digest)
        for spelled in leaks.spellings(digest):
            assert leaks.found(f"> {spelled} <") == ["the hash of an API key"], spelled
        for item in ({"kh": {"B": digest}}, [digest]):
            assert leaks.found(str(item)) == leaks.found(logged(item)) == ["the hash of an API key"]


def test_key_that_signs_and_what_it_signs_are_found() -> None:
    issued = authorization_ids.issue_authorization_id(
        authorization_ids.Authorization(ENTITLEMENT, Tier.STABLE, hold()), KEYS
    )
    assert leaks.found(logged(issued)) == ["an authorization id"]
    assert leaks.found(logged(DEPLOYMENT_KEY)) == ["a deployment key"]
    assert leaks.found(logged({"environment": KEYS.secrets})) == ["a deployment key"]


def test_jwt_of_a_request_is_found_whatever_it_looks_like() -> None:
    leaks.keep_bearer(f"Bearer {JWT}")
    assert leaks.found(logged(f"Bearer {JWT}")) == ["a JWT"]


def test_keys_and_jwts_of_others_are_known_by_their_shape() -> None:
    assert leaks.found(logged(api_keys.API_KEY_PREFIX + secrets.token_urlsafe(45))) == ["an API key"]
    part = "eyJ" + "a" * 20
    assert leaks.found(f"{part}.{part}.{secrets.token_urlsafe(64)}") == ["a JWT"]


def test_what_may_be_shown_is_no_secret() -> None:
    made = new_key()
    authorization_ids.issue_authorization_id(authorization_ids.Authorization(ENTITLEMENT, Tier.STABLE, hold()), KEYS)
    shown = [
        api_keys.mask(api_keys.api_key_tail(made)),
        ENTITLEMENT,
        hold(),
        "a" * 64,
        repr(KEYS),
        secrets.token_hex(16),
    ]
    assert leaks.found(logged(shown)) == []


@pytest.mark.parametrize(
    ("text", "outcome"), [("nothing to see", "passed"), (f"a key: {new_key()}", "failed")], ids=["clean", "a secret"]
)
def test_test_whose_output_holds_a_secret_fails_and_does_not_repeat_it(text: str, outcome: str) -> None:
    call: Any = pytest.CallInfo.from_call(lambda: None, "teardown")
    report = pytest.TestReport("a::test", ("a", 1, "test"), {}, "passed", None, "teardown", [("Captured stdout", text)])
    judging = leaks.pytest_runtest_makereport(call)
    next(judging)
    with pytest.raises(StopIteration) as ended:
        judging.send(report)
    judged = ended.value.value
    assert judged.outcome == outcome
    assert leaks.found(str(judged.longrepr)) == []


def test_log_of_a_stack_is_looked_through_from_where_the_stack_began(tmp_path: Path) -> None:
    log = tmp_path / "functions.log"
    log.write_text(logged(new_key()))
    with leaks.looking_through_log(tmp_path), log.open("a") as end:
        end.write(logged("nothing"))
    with pytest.raises(AssertionError) as failed, leaks.looking_through_log(tmp_path), log.open("a") as end:
        end.write(logged(new_key()))
    assert "functions.log shows an API key" in str(failed.value)
    assert leaks.found(str(failed.value)) == []
