"""The template's pipe, applied to records: which pass, what arrives on the bus, and which templates are refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventbridge import feed, pipe
from local.eventbridge.pipe import Pipe, PipeError
from modelpass.subscriptions import events as subscription_events
from ops.errors import CommandError
from tests.support.builders import PROPERTY, TABLES, subscription
from tests.support.world import expanded_template, template_of

Json = dict[str, Any]


def of_template() -> Pipe:
    found = template_of("p-").pipe
    assert found is not None
    return found


def row(account: str = "acct") -> Json:
    made: Json = subscription_events.expired(TABLES, subscription())["Item"]
    return {**made, "accountId": {"S": account}}


def record(item: Json, name: str = "INSERT") -> Json:
    return {"eventName": name, "dynamodb": {"NewImage": item, "Keys": {k: item[k] for k in ("pk", "sk")}}}


def test_it_reads_the_stream_of_the_events_table() -> None:
    assert of_template().table == "p-EventsTable"


def test_new_rows_that_are_events_pass_and_nothing_else_does() -> None:
    passes = of_template().passes
    event = row()
    untyped = {name: value for name, value in event.items() if name != "type"}
    assert passes(record(event))
    assert not passes(record(event, "MODIFY"))
    assert not passes({"eventName": "REMOVE", "dynamodb": {"Keys": {"pk": event["pk"]}}})
    assert not passes(record(untyped))
    assert not passes(record({**event, "type": {"N": "1"}}))
    assert not passes({})


@PROPERTY
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_put_on_the_bus_is_the_row_whatever_its_texts_hold(account: str) -> None:
    item = row(account)
    put = of_template().put(record(item))
    assert (put["source"], put["detail-type"]) == ("modelpass", "subscription.expired")
    assert json.loads(json.dumps(put["detail"])) == {
        "id": item["id"]["S"],
        "type": "subscription.expired",
        "version": "1",
        "at": item["at"]["S"],
        "subject": item["pk"]["S"],
        "accountId": account,
        "data": item["data"]["S"],
    }


def test_a_consumer_reads_it_as_an_event_with_its_data() -> None:
    item = row()
    event = feed.read(of_template().put(record(item))["detail"])
    assert event["data"] == json.loads(item["data"]["S"])
    assert (event["version"], event["accountId"]) == (1, "acct")
    assert "accountId" not in feed.read(of_template().put(record(row("")))["detail"])


@pytest.mark.parametrize("attribute", ["id", "version", "at", "pk", "accountId", "data"])
def test_a_row_that_lacks_what_the_pipe_takes_is_told(attribute: str) -> None:
    item = row()
    image = {name: value for name, value in item.items() if name != attribute}
    with pytest.raises(PipeError, match=attribute):
        of_template().put({"eventName": "INSERT", "dynamodb": {"NewImage": image}})


def changed(**changes: Any) -> list[tuple[str, Json]]:
    """The template's pipe with some of its properties changed, or taken away (None)."""
    (properties,) = (r["Properties"] for r in expanded_template()["Resources"].values() if "Pipe" in r["Type"])
    other = copy.deepcopy(properties)
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner = other
        for step in outer:
            inner = inner[step]
        inner[last] = value
    return [("Out", other)]


def filtering(pattern: object) -> list[tuple[str, Json]]:
    filters = {"Filters": [{"Pattern": pattern if isinstance(pattern, str) else json.dumps(pattern)}]}
    return changed(SourceParameters__FilterCriteria=filters)


REFUSED = {
    "another comparison": filtering({"eventName": [{"prefix": "IN"}]}),
    "absence": filtering({"eventName": [{"exists": False}]}),
    "a number": filtering({"eventName": [1]}),
    "nothing to compare with": filtering({"eventName": []}),
    "no list": filtering({"eventName": "INSERT"}),
    "either of two": filtering({"$or": [{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}]}),
    "a filter that is no JSON": filtering("{"),
    "a filter that is no object": filtering("[]"),
    "a path in quotes": changed(TargetParameters__InputTemplate='{"id": "<$.a.b>"}'),
    "a path in words": changed(TargetParameters__InputTemplate='{"id": "it is <$.a.b>"}'),
    "a member of a list": changed(TargetParameters__InputTemplate='{"id": <$.a.L[0]>}'),
    "a variable": changed(TargetParameters__InputTemplate='{"id": <aws.pipes.event.json>}'),
    "free text": changed(TargetParameters__InputTemplate="an event"),
    "a path alone": changed(TargetParameters__InputTemplate="<$.dynamodb.NewImage>"),
    "a type from a list": changed(TargetParameters__EventBridgeEventBusParameters__DetailType="$.a[0]"),
    "an enrichment": changed(Enrichment={"Fn::GetAtt": ["AnyFunction", "Arn"]}),
    "another source": changed(Source={"Fn::GetAtt": ["Queue", "Arn"]}),
    "two pipes": [*changed(), *changed()],
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_pipe_that_cannot_be_applied_here_is_told_in_a_sentence(case: str) -> None:
    with pytest.raises(CommandError, match="The template") as told:
        pipe.of_resources(REFUSED[case], "")
    assert "\n" not in str(told.value)


def test_what_differs_in_the_template_differs_here() -> None:
    other = pipe.of_resources(
        changed(
            SourceParameters__FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["MODIFY", "REMOVE"]}'}]},
            TargetParameters__InputTemplate='{"what": {"all": [<$.dynamodb.NewImage>, 1, "two"]}}',
            TargetParameters__EventBridgeEventBusParameters={"Source": "other", "DetailType": "fixed"},
        ),
        "",
    )
    assert other is not None
    item = row()
    assert [other.passes(record(item, name)) for name in ("INSERT", "MODIFY", "REMOVE")] == [False, True, True]
    detail = {"what": {"all": [item, 1, "two"]}}
    assert other.put(record(item)) == {"source": "other", "detail-type": "fixed", "detail": detail}


def test_a_template_without_a_pipe_has_none_and_one_without_filters_passes_all() -> None:
    assert pipe.of_resources([], "") is None
    every = pipe.of_resources(changed(SourceParameters__FilterCriteria={}), "")
    assert every is not None
    assert every.passes({})
