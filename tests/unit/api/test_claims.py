"""Identity providers as they are: whole values of the claims that a deployment names, and nothing like them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from modelpass.api.claims import DEFAULTS, ClaimNames, account_in, makes_operator, names_of
from modelpass.dynamodb.endpoint import ConfigError

LOOK_ALIKES: Final = (
    "operators",
    "co-operator",
    "Operator",
    "OPERATOR",
    "x/operator",
    "operator/x",
    "operator.x",
    "operato",
)


class Provider(NamedTuple):
    """A provider's tokens as API Gateway hands them over, under the parameters that suit it."""

    names: ClaimNames
    operator: dict[str, Any]
    customer: dict[str, Any]
    account: str


PROVIDERS: Final = {
    "Cognito, a resource server's scope": Provider(
        ClaimNames("scope", "modelpass/operator", "sub"),
        {"sub": "8d2e1f7a", "token_use": "access", "scope": "openid modelpass/operator", "client_id": "4t9n1d5bg"},
        {"sub": "8d2e1f7a", "token_use": "access", "scope": "openid modelpass/read operator"},
        "8d2e1f7a",
    ),
    "Cognito, a group": Provider(
        ClaimNames("cognito:groups", "operator", "custom:org_id"),
        {"sub": "8d2e1f7a", "cognito:groups": "[eu-west-1_AbC_Google operator]", "custom:org_id": "org-7"},
        {"sub": "8d2e1f7a", "cognito:groups": "[operators]", "scope": "operator", "custom:org_id": "org-7"},
        "org-7",
    ),
    "Entra ID, a delegated scope": Provider(
        ClaimNames("scp", "Model.Operator", "tid"),
        {
            "sub": "AAAAAH",
            "scp": "user_impersonation Model.Operator",
            "tid": "72f988bf",
            "oid": "0000-01",
            "ver": "2.0",
        },
        {"sub": "AAAAAH", "scp": "user_impersonation", "tid": "72f988bf"},
        "72f988bf",
    ),
    "Entra ID, an app role": Provider(
        ClaimNames("roles", "Model.Operator", "oid"),
        {"sub": "AAAAAH", "roles": "[Model.Read Model.Operator]", "oid": "0000-01"},
        {"sub": "AAAAAH", "roles": "[Model.Read]", "oid": "0000-01"},
        "0000-01",
    ),
    "Auth0, a permission and an organisation": Provider(
        ClaimNames("permissions", "operate:modelpass", "org_id"),
        {"sub": "auth0|5f7c", "permissions": "[read:models operate:modelpass]", "org_id": "org_9ybsU1dN2dKfDkBi"},
        {"sub": "auth0|5f7c", "permissions": "[]", "scope": "operate:modelpass", "org_id": "org_9ybsU1dN2dKfDkBi"},
        "org_9ybsU1dN2dKfDkBi",
    ),
    "Auth0, namespaced claims": Provider(
        ClaimNames("https://example.com/roles", "operator", "https://example.com/org_id"),
        {"sub": "auth0|5f7c", "https://example.com/roles": "[operator]", "https://example.com/org_id": "org_9"},
        {"sub": "auth0|5f7c", "roles": "[operator]", "https://example.com/org_id": "org_9"},
        "org_9",
    ),
    "Okta, a list of scopes": Provider(
        ClaimNames("scp", "operator", "org"),
        {
            "sub": "ada@example.com",
            "uid": "00uid4BxXw6I6TV4m0g3",
            "scp": "[openid operator profile]",
            "org": "ada & co",
        },
        {"sub": "ada@example.com", "scp": "[openid profile]", "org": "ada & co"},
        "ada & co",
    ),
    "Keycloak, scopes as text": Provider(
        ClaimNames("scope", "operator", "sub"),
        {"sub": "f:5bf:ada", "scope": "profile operator email", "realm_access": "map[roles:[offline_access]]"},
        {"sub": "f:5bf:ada", "scope": "profile email", "realm_access": "map[roles:[offline_access operator]]"},
        "f:5bf:ada",
    ),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_operators_and_accounts_of_a_provider_are_told_apart(name: str) -> None:
    provider = PROVIDERS[name]
    assert makes_operator(provider.operator, provider.names)
    assert not makes_operator(provider.customer, provider.names)
    assert account_in(provider.operator, provider.names) == provider.account
    assert account_in(provider.customer, provider.names) == provider.account


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("form", ["{}", "a {} b", "[{}]", "[a {} b]"])
def test_value_counts_in_text_and_in_a_list_alike_and_nothing_that_looks_like_it(name: str, form: str) -> None:
    names = PROVIDERS[name].names
    value = names.operator_value
    assert makes_operator({names.operator: form.format(value)}, names)
    for other in (
        f"{value}s",
        f"co-{value}",
        value.swapcase(),
        f"x/{value}",
        f"{value}/x",
        value[:-1],
        value[1:],
        "",
        "*",
    ):
        assert not makes_operator({names.operator: form.format(other)}, names)


@pytest.mark.parametrize("value", LOOK_ALIKES)
def test_look_alikes_of_the_default_are_no_operators(value: str) -> None:
    for claim in (value, f"read {value}", f"[{value}]", [value], ["read", value]):
        assert not makes_operator({"scope": claim}, DEFAULTS)


@pytest.mark.parametrize(
    "claim",
    [
        *(None, 7, 1.5, True, False, {}, {"operator": "operator"}, {"roles": ["operator"]}, b"operator", ("operator",)),
        *([], [["operator"]], [{"operator": 1}], ["read operator"], [None, 7, True], ["[operator]"]),
        *("", " ", "[]", "[ ]", "[operator", "operator]", "[[operator]]", "[a [operator] b]", "[a [b operator c]]"),
        *(
            "map[roles:[a operator b]]",
            "map[a:b operator:true]",
            '{"roles": ["a", "operator"]}',
            "{operator}",
            "{a operator b}",
        ),
        *('["operator"]', '"operator"', "operator,read", "[operator,read]", "[operator, read]", "'operator'"),
        *(
            "operator\tread",
            "operator\nread",
            "operator\u00a0read",
            "read\u3000operator",
            "operator\u200b",
            "oper\u0430tor",
        ),
    ],
    ids=repr,
)
def test_claim_of_another_form_makes_no_operator(claim: Any) -> None:
    assert not makes_operator({"scope": claim}, DEFAULTS)


def test_claim_that_is_missing_makes_no_operator() -> None:
    assert not makes_operator({}, DEFAULTS)
    assert not makes_operator({"scopes": "operator", "Scope": "operator", "scp": "operator"}, DEFAULTS)


def test_real_list_is_read_as_whole_values() -> None:
    assert makes_operator({"scope": ["read", "operator"]}, DEFAULTS)
    assert makes_operator({"scope": [7, None, "operator"]}, DEFAULTS)


@pytest.mark.parametrize(
    "claim",
    [
        *(
            None,
            7,
            1.5,
            True,
            {},
            {"id": "org_1"},
            [],
            ["org_1"],
            ["org_1", "org_2"],
            "",
            "o" * 256,
            "é" * 128,
            "\ud800",
        ),
        *("[]", "[org_1]", "[org_1 org_2]", "map[id:org_1 name:One]", "map[]", '{"id": "org_1"}', "{}"),
    ],
    ids=repr,
)
def test_claim_that_is_no_text_or_was_none_names_no_account(claim: Any) -> None:
    assert account_in({"sub": "ada", "org_id": claim}, DEFAULTS._replace(account="org_id")) is None


def test_account_falls_back_on_no_other_claim() -> None:
    assert account_in({"sub": "ada"}, DEFAULTS._replace(account="org_id")) is None


@pytest.mark.parametrize("text", ["org_1", "42", "true", "a b", "map", "[a", "a]", "org[1]", "Ärzte", "a,b", "o" * 255])
def test_every_other_text_names_an_account(text: str) -> None:
    assert account_in({"org_id": text}, DEFAULTS._replace(account="org_id")) == text


@pytest.mark.parametrize("subject", ["ada", "[ada]", "[a b]", "map[a:b]", "{}", "auth0|5f7c", "7", "a" * 255])
def test_subject_is_a_text_whatever_it_looks_like(subject: str) -> None:
    assert account_in({"sub": subject}, DEFAULTS) == subject


def test_names_are_the_deployments_and_by_default_those_of_oauth() -> None:
    assert names_of({}) == ("scope", "operator", "sub")
    given = {"OPERATOR_CLAIM": "roles", "OPERATOR_VALUE": "Model.Operator", "ACCOUNT_CLAIM": "tid"}
    assert names_of(given) == ("roles", "Model.Operator", "tid")


@pytest.mark.parametrize("setting", ["OPERATOR_CLAIM", "OPERATOR_VALUE", "ACCOUNT_CLAIM"])
def test_empty_name_is_refused_at_the_start(setting: str) -> None:
    with pytest.raises(ConfigError, match=setting):
        names_of({setting: ""})
