"""Settings: one that is missing or wrong is named, and its value is never shown."""

from __future__ import annotations

import pytest

from modelpass import schema
from modelpass.dynamodb.endpoint import ConfigError
from modelpass.runtime import config
from modelpass.schema import Tables

LONG, OLDER, SHORT = "k" * 32, "o" * 40, "s3cret" * 5
KEY, ACCEPTED = "DEPLOYMENT_KEY", "DEPLOYMENT_KEYS_ACCEPTED"


def test_deployment_keys_are_taken_with_the_one_that_signs_first() -> None:
    assert config.deployment_keys({KEY: LONG}).secrets == (LONG.encode(),)
    assert config.deployment_keys({ACCEPTED: OLDER, KEY: LONG}).secrets == (LONG.encode(), OLDER.encode())


def test_any_number_of_keys_is_accepted_separated_by_blanks() -> None:
    environment = {KEY: LONG, ACCEPTED: f" {OLDER}  {OLDER[::-1]}x\n"}
    assert config.deployment_keys(environment).secrets[1:] == (OLDER.encode(), f"{OLDER[::-1]}x".encode())


@pytest.mark.parametrize("blank", [" ", "\n", "\t"])
def test_deployment_key_with_a_blank_could_not_be_accepted_later_and_is_refused(blank: str) -> None:
    for key in (f"{LONG}{blank}", f"{LONG}{blank}{OLDER}"):
        with pytest.raises(ConfigError) as caught:
            config.deployment_keys({KEY: key})
        assert str(caught.value).split()[0] == KEY
        assert LONG not in str(caught.value)


def test_empty_accepted_key_is_no_key() -> None:
    assert config.deployment_keys({KEY: LONG, ACCEPTED: ""}).secrets == (LONG.encode(),)


def test_function_that_signs_nothing_needs_no_deployment_key() -> None:
    assert config.deployment_keys({}).secrets == ()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({KEY: SHORT}, KEY),
        ({KEY: LONG[:-1]}, KEY),
        ({KEY: SHORT, ACCEPTED: OLDER}, KEY),
        ({KEY: LONG, ACCEPTED: SHORT}, ACCEPTED),
        ({KEY: LONG, ACCEPTED: "{}"}, ACCEPTED),
        ({KEY: LONG, ACCEPTED: f"{OLDER} {SHORT}"}, ACCEPTED),
    ],
)
def test_short_deployment_key_is_named_without_its_value(environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.deployment_keys(environment)
    assert str(caught.value).split()[0] == named
    assert not any(value in str(caught.value) for value in environment.values())


@pytest.mark.parametrize("environment", [{ACCEPTED: OLDER}, {KEY: "", ACCEPTED: OLDER}])
def test_older_key_never_signs_in_the_place_of_a_missing_one(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config.deployment_keys(environment)
    assert str(caught.value).split()[0] == KEY
    assert OLDER not in str(caught.value)


@pytest.mark.parametrize("environment", [{}, {KEY: ""}, {KEY: "", ACCEPTED: ""}])
def test_function_that_signs_does_not_start_without_a_deployment_key(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config.signing_keys(environment)
    assert str(caught.value).split()[0] == KEY
    assert config.signing_keys({KEY: LONG}) == config.deployment_keys({KEY: LONG})


def test_open_holds_are_bounded_by_a_hundred_unless_set() -> None:
    assert config.max_open_holds({}) == 100
    assert config.max_open_holds({"MAX_OPEN_HOLDS": "1"}) == 1
    assert config.max_open_holds({"MAX_OPEN_HOLDS": "250"}) == 250


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "1e2", " 5", "5 ", "+5", "ten", "²", "1_0"])
def test_open_holds_that_are_no_whole_number_are_named(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.max_open_holds({"MAX_OPEN_HOLDS": value})
    assert str(caught.value).split()[0] == "MAX_OPEN_HOLDS"


def test_price_may_change_tenfold_without_a_second_word_unless_set() -> None:
    assert config.price_change_factor({}) == 10
    for value in (2, 11, 1_000_000):
        assert config.price_change_factor({"PRICE_CHANGE_FACTOR": str(value)}) == value


@pytest.mark.parametrize("value", ["", "0", "1", "-2", "1.5", "1e2", " 5", "ten", "²", "1000001"])
def test_factor_that_is_no_whole_number_within_its_bounds_is_named(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.price_change_factor({"PRICE_CHANGE_FACTOR": value})
    assert str(caught.value).split()[0] == "PRICE_CHANGE_FACTOR"


def test_tables_are_those_the_function_was_given() -> None:
    names = ("ENTITLEMENTS", "SUBSCRIPTIONS", "HISTORY", "EVENTS", "CATALOGUE", "TIERS")
    everything = {f"{name}_TABLE": name.lower() for name in names}
    assert config.tables(everything) == Tables(
        "entitlements", "subscriptions", "history", "events", "catalogue", "tiers"
    )
    assert config.tables({"HISTORY_TABLE": "h"}) == Tables(history="h")


def test_new_items_get_the_newest_schema_version_unless_the_one_before_is_asked_for() -> None:
    assert config.tables({}).version == schema.NEWEST
    for version in (schema.PREVIOUS, schema.NEWEST):
        assert config.tables({"SCHEMA_VERSION_WRITTEN": str(version)}).version == version


@pytest.mark.parametrize("value", ["", "0", "1", "4", "02", " 3", "3.0", "newest"])
def test_schema_version_that_is_not_understood_cannot_be_written(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.tables({"SCHEMA_VERSION_WRITTEN": value})
    assert str(caught.value) == "SCHEMA_VERSION_WRITTEN must be 2 or 3"


def test_client_is_chosen_by_a_setting_and_is_boto3_unless_told() -> None:
    assert config.lean_client_chosen({"STORE_CLIENT": "lean"})
    assert not config.lean_client_chosen({"STORE_CLIENT": "boto3"})
    assert not config.lean_client_chosen({})
    for other in ("", "Lean", "s3cret"):
        with pytest.raises(ConfigError, match=r"^STORE_CLIENT must be lean or boto3$"):
            config.lean_client_chosen({"STORE_CLIENT": other})
