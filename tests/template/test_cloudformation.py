"""The template in moto's CloudFormation: every resource of a type that moto knows is made, and the tables are right.

What only AWS can make (API, CloudFront, schedule, pipe, alarms, secret) is left out, and what refers to it gets its
name instead.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import boto3
from moto import mock_aws
from moto.cloudformation.parsing import get_model_map

from local.cloudformation.template import REGION
from local.dynamodb.provisioning import client, create_tables
from tests.support.world import client_of, expanded_template, template_of
from tests.template.resources import EXPANDED, SOURCE, TYPES, Json, of_type

AWS_ALONE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::Function",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
    "AWS::Pipes::Pipe",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
}
DESCRIBED_BY_LAYERS = "AWS::Lambda::Version"
"""Made of the number that a layer has, which moto does not give."""
KNOWN = {name for name, kind in TYPES.items() if kind not in {*AWS_ALONE, DESCRIBED_BY_LAYERS}}
ALIASES = {name: alias["FunctionName"]["Ref"] for name, alias in of_type("AWS::Lambda::Alias").items()}
TABLES = sorted(of_type("AWS::DynamoDB::Table"))


def without_aws_alone(value: Any) -> Any:
    if isinstance(value, list):
        return [without_aws_alone(inner) for inner in value]
    match value:
        case {"Ref": str(name)} if name in ALIASES:
            return {"Fn::GetAtt": [ALIASES[name], "Arn"]}
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} if name in TYPES and name not in KNOWN:
            return name
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": re.sub(r"\$\{(\w+)[^}]*\}", lambda m: m[0] if _is_made(m[1]) else m[1], text)}
        case dict():
            return {name: without_aws_alone(inner) for name, inner in value.items()}
    return value


def _is_made(name: str) -> bool:
    return name in KNOWN or name not in TYPES


def put_artifact() -> None:
    """What the expanded template names as the code of everything."""
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    s3.put_object(Bucket="bucket", Key="key", Body=code.getvalue())


def deploy(name: str) -> tuple[dict[str, Json], Json]:
    """Make a stack; its resources by logical name, and its outputs."""
    put_artifact()
    body = {
        **{part: expanded_template()[part] for part in ("Parameters", "Conditions")},
        "Resources": {name: without_aws_alone(EXPANDED[name]) for name in KNOWN},
        "Outputs": without_aws_alone(expanded_template()["Outputs"]),
    }
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(body),
        Parameters=[  # what these add is made as well
            {"ParameterKey": "Tracing", "ParameterValue": "Active"},
            {"ParameterKey": "SyntheticCustomer", "ParameterValue": "Enabled"},
            {"ParameterKey": "Console", "ParameterValue": "Enabled"},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    made = {r["LogicalResourceId"]: r for page in pages for r in page["StackResourceSummaries"]}
    return made, {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def described(dynamodb: Any, name: str) -> Json:
    """What the engine says of a table, in no order."""
    found = dynamodb.describe_table(TableName=name)["Table"]
    return {
        "keys": found["KeySchema"],
        "attributes": sorted((a["AttributeName"], a["AttributeType"]) for a in found["AttributeDefinitions"]),
        "indexes": {
            index["IndexName"]: (index["KeySchema"], index["Projection"])
            for index in found.get("GlobalSecondaryIndexes") or []
        },
        "local indexes": found.get("LocalSecondaryIndexes") or [],
        "billing": found["BillingModeSummary"]["BillingMode"],
        "stream": found.get("StreamSpecification"),
    }


def test_what_moto_does_not_know_is_all_that_is_left_out() -> None:
    assert {kind for kind in TYPES.values() if kind not in get_model_map()} == AWS_ALONE


def test_every_resource_is_made_and_local_tables_are_those_that_cloudformation_makes(engine: str) -> None:
    with mock_aws():
        made, outputs = deploy("modelpass")
        assert {name: r["ResourceType"] for name, r in made.items()} == {name: TYPES[name] for name in KNOWN}
        assert set(outputs) == set(SOURCE["Outputs"])
        dynamodb = client(f"https://dynamodb.{REGION}.amazonaws.com")
        by_cloudformation = {n: described(dynamodb, made[n]["PhysicalResourceId"]) for n in TABLES}
        (batches,) = boto3.client("lambda", region_name=REGION).list_event_source_mappings()["EventSourceMappings"]
        assert batches["EventSourceArn"] == outputs["SettleQueueArn"]
        assert batches["FunctionArn"] == outputs["SettleFunctionArn"]
    prefix = "template-test-"
    create_tables(client_of(engine), template_of(prefix))
    on_engine = {name: described(client_of(engine), prefix + name) for name in TABLES}
    for name in TABLES:
        client_of(engine).delete_table(TableName=prefix + name)
    assert on_engine == by_cloudformation
