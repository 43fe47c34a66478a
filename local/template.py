"""Reads `template.yaml`: what runs here is what deploys. Rule: no route, table or setting is written twice."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local.problems import StartError

if TYPE_CHECKING:
    from pathlib import Path

REGION: Final = "eu-west-1"
ACCOUNT: Final = "123456789012"
DEFAULT_ROUTE: Final = "$default"
_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:([^:}]+):SecretString:([^:}]+)\}\}")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_PSEUDO: Final = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86400}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """One function as deployed: its folder, its handler, what its environment gives it."""

    name: str
    folder: Path
    handler: str
    timeout_seconds: int
    memory_mb: int
    environment: dict[str, str] = field(repr=False)  # it holds the deployment key
    layers: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the HTTP API; `$default` takes what no other does."""

    key: str
    function: str
    authorized: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs by itself."""

    function: str
    every_seconds: int


@dataclass(frozen=True, slots=True)
class Template:
    """What the stack needs of the template."""

    functions: dict[str, Function]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]
    tables: tuple[Json, ...]
    time_to_live: dict[str, str]
    issuer: str
    audience: tuple[str, ...]


def secret_values(template: Json) -> dict[str, Json]:
    """New values for the secrets that the template has generated."""
    values = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            wanted = resource["Properties"]["GenerateSecretString"]
            value = json.loads(wanted["SecretStringTemplate"])
            value[wanted["GenerateStringKey"]] = secrets.token_hex(wanted["PasswordLength"] // 2)
            values[name] = value
    return values


def load(path: Path) -> Json:
    """The template with its Serverless resources expanded; raises `StartError` when it is broken."""
    from samtranslator.public.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.translator.transform import transform  # noqa: PLC0415
    from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    try:
        source = yaml_parse(path.read_text("utf-8"))
        if not isinstance(source, dict) or not isinstance(source.get("Resources"), dict):
            raise StartError(f"{path.name} is broken: it has no Resources.")  # noqa: TRY301
        folders = _take_folders(source)
        expanded: Json = transform(source, {}, _Policies(), feature_toggle=None)
    except StartError:
        raise
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}.") from None
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise StartError(f"{path.name} is broken: {causes or error.message}") from None
    except Exception as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise StartError(f"{path.name} is broken: {what}") from None
    expanded["LocalFolders"] = folders
    return expanded


class _Policies:
    """The SAM translator asks for managed policies; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


def _take_folders(source: Json) -> dict[str, str]:
    # The translator takes addresses of artifacts only; the folders are kept beside.
    folders = {}
    for name, resource in source["Resources"].items():
        for uri in ("CodeUri", "ContentUri"):
            if uri in resource.get("Properties", {}):
                folders[name] = resource["Properties"][uri]
                resource["Properties"][uri] = "s3://bucket/key"
    return folders


def read(expanded: Json, root: Path, secret: dict[str, Json], prefix: str = "") -> Template:
    """The functions, routes, tables and schedules; table names get `prefix`. Raises `StartError`."""
    try:
        return _read(expanded, root, secret, prefix)
    except KeyError as error:
        raise StartError(f"The template cannot be run here: it lacks {error.args[0]}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise StartError(f"The template cannot be run here: {error}.") from None


def _read(expanded: Json, root: Path, secret: dict[str, Json], prefix: str) -> Template:
    resolver = _Resolver(expanded, secret, prefix)
    resources = expanded["Resources"]
    _check_references(resources, {*resources, *expanded.get("Parameters", {})})
    of_type: dict[str, list[tuple[str, Json]]] = {}
    for name, resource in resources.items():
        of_type.setdefault(resource["Type"], []).append((name, resource.get("Properties", {})))
    layers = tuple(
        root / folder for name, folder in expanded["LocalFolders"].items() if not folder.startswith("functions/")
    )
    functions = {
        name: _function(name, properties, root / expanded["LocalFolders"][name], layers, resolver)
        for name, properties in of_type.get("AWS::Lambda::Function", [])
    }
    (api,) = (p for _, p in of_type["AWS::ApiGatewayV2::Api"])
    issuer, audience = _authorizer(api, resolver)
    tables = of_type.get("AWS::DynamoDB::Table", [])
    return Template(
        functions=functions,
        routes=tuple(_routes(api)),
        schedules=tuple(_schedule(properties) for _, properties in of_type.get("AWS::Scheduler::Schedule", [])),
        tables=tuple(_table(prefix + name, properties) for name, properties in tables),
        time_to_live={
            prefix + name: properties["TimeToLiveSpecification"]["AttributeName"]
            for name, properties in tables
            if "TimeToLiveSpecification" in properties
        },
        issuer=issuer,
        audience=audience,
    )


@dataclass(frozen=True, slots=True)
class _Resolver:
    expanded: Json
    secret: dict[str, Json]
    prefix: str

    def value(self, value: Any) -> str:
        """The text of a literal, Ref, Sub or GetAtt, with dynamic references filled in."""
        if isinstance(value, dict):
            ((function, argument),) = value.items()
            match function:
                case "Ref":
                    value = self._ref(argument)
                case "Fn::Sub":
                    if not isinstance(argument, str):
                        raise StartError("The template uses Fn::Sub with a list, which runs on AWS only.")
                    value = _PLACEHOLDER.sub(lambda m: self._ref(m[1]), argument).replace("${!", "${")
                case _:
                    raise StartError(f"The template uses {function}, which runs on AWS only.")
        return _DYNAMIC.sub(lambda m: str(self.secret[m[1]][m[2]]), str(value))

    def _ref(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        parameters = self.expanded.get("Parameters", {})
        if name in parameters:
            return str(parameters[name]["Default"])
        resource = self.expanded["Resources"][name]
        return self.prefix + name if resource["Type"] == "AWS::DynamoDB::Table" else name


def _check_references(value: Any, known: set[str]) -> None:
    """Refuse a Ref, GetAtt or Sub that names nothing: CloudFormation would."""
    if isinstance(value, list):
        for inner in value:
            _check_references(inner, known)
    elif isinstance(value, dict):
        for name, inner in value.items():
            for target in _targets(name, inner):
                if target not in known and not target.startswith("AWS::"):
                    raise StartError(f"The template refers to {target}, which it does not have.")
            _check_references(inner, known)


def _targets(function: str, argument: Any) -> list[str]:
    match function, argument:
        case "Ref", str():
            return [argument]
        case "Fn::GetAtt", [str(), *_]:
            return [argument[0]]
        case "Fn::Sub", str():
            return [name.partition(".")[0] for name in _PLACEHOLDER.findall(argument)]
        case _:
            return []


def _function(name: str, properties: Json, folder: Path, layers: tuple[Path, ...], resolver: _Resolver) -> Function:
    variables = properties.get("Environment", {}).get("Variables", {})
    module = properties["Handler"].partition(".")[0]
    if not (folder / f"{module}.py").is_file():
        raise StartError(f"The template's {name} has no {module}.py in {folder.name}, where its code should be.")
    return Function(
        name=name,
        folder=folder,
        handler=properties["Handler"],
        timeout_seconds=int(properties["Timeout"]),
        memory_mb=int(properties["MemorySize"]),
        environment={key: resolver.value(value) for key, value in variables.items()},
        layers=layers,
    )


def _routes(api: Json) -> list[Route]:
    routes = []
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)
            if function is None:
                raise StartError(f"The template's route {path} calls no function.")
            key = DEFAULT_ROUTE if path == DEFAULT_ROUTE else f"{method.upper()} {path}"
            authorized = any("Jwt" in entry for entry in operation.get("security", []))
            routes.append(Route(key, function[1], authorized))
    return routes


def _authorizer(api: Json, resolver: _Resolver) -> tuple[str, tuple[str, ...]]:
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    jwt = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]
    return resolver.value(jwt["issuer"]), tuple(resolver.value(a) for a in jwt["audience"])


def _schedule(properties: Json) -> Schedule:
    match = _RATE.fullmatch(properties["ScheduleExpression"])
    if match is None:
        raise StartError("The template's schedules must be of the form rate(n minutes).")
    function = properties["Target"]["Arn"]["Fn::GetAtt"][0]
    return Schedule(function, int(match[1]) * _SECONDS[match[2]])


def _table(name: str, properties: Json) -> Json:
    taken = (
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
    )
    table = {field: properties[field] for field in taken if field in properties}
    if "StreamSpecification" in properties:
        table["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return {"TableName": name, **table}
