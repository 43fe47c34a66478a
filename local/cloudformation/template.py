"""Reads `template.yaml`: what runs here is what is deployed. Rule: no route, table or setting is written twice."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from local.cloudformation import intrinsics, parameters
from local.cloudformation.intrinsics import Resolver, check_references
from local.eventbridge import pipe
from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from local.eventbridge.pipe import Pipe

REGION: Final = intrinsics.REGION
ACCOUNT: Final = intrinsics.ACCOUNT
DEFAULT_ROUTE: Final = "$default"
CUSTOMERS: Final = "Api"
OPERATORS: Final = "OperatorApi"
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_LAYER_HASH: Final = 10
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
    aliases: frozenset[str] = frozenset()


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
class Cors:
    """What pages of other origins may do; the names are those of the OpenAPI extension."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age_seconds: int


@dataclass(frozen=True, slots=True)
class HttpApi:
    """One HTTP API: its routes, and whose tokens its authorizer takes."""

    routes: tuple[Route, ...]
    issuer: str
    audience: tuple[str, ...]
    cors: Cors | None


@dataclass(frozen=True, slots=True)
class Template:
    """What the stack needs of the template. `customers` and `operators` are their two APIs."""

    functions: dict[str, Function]
    customers: HttpApi
    operators: HttpApi
    schedules: tuple[Schedule, ...]
    tables: tuple[Json, ...]
    time_to_live: dict[str, str]
    pipe: Pipe | None

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every call there is, by the route that carries it out: customers' first, then operators'.

        Some are of both, each by a function of its own. The customers' API has the operators' other routes as well, and
        refuses them by the function of its default route: those are left out.
        """
        refusing = {route.function for route in self.customers.routes if route.key == DEFAULT_ROUTE}
        keys = {route.key for route in self.operators.routes}
        refused = {route.key for route in self.customers.routes if route.function in refusing} & keys - {DEFAULT_ROUTE}
        of_customers = tuple(route for route in self.customers.routes if route.key not in refused)
        others = {DEFAULT_ROUTE} | {route.key for route in of_customers if route in self.operators.routes}
        return of_customers + tuple(route for route in self.operators.routes if route.key not in others)

    def environment(self) -> dict[str, str]:
        """The environments of all functions as one; a variable that several functions have means the same in each."""
        return {name: value for function in self.functions.values() for name, value in function.environment.items()}


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


def load(path: Path, values: dict[str, str] | None = None) -> Json:
    """The template under these parameters, Serverless resources expanded; raises `CommandError` when it is broken."""
    from samtranslator.public.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.translator.transform import transform  # noqa: PLC0415

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    try:
        source = _parse(path.read_text("utf-8"))
        if not isinstance(source, dict) or not isinstance(source.get("Resources"), dict):
            raise CommandError(f"{path.name} is broken: it has no Resources.")  # noqa: TRY301
        parameters.apply(source, values or {})
        folders = _take_folders(source)
        expanded: Json = transform(source, {}, _Policies(), feature_toggle=None)
    except CommandError:
        raise
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise CommandError(f"{path.name} is broken: {causes or error.message}") from None
    except Exception as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(f"{path.name} is broken: {what}") from None
    expanded["LocalFolders"] = folders
    return expanded


def _parse(text: str) -> Any:
    # As samtranslator's `yaml_parse` does it, by the parser that is written in C: seven times as fast.
    import yaml  # noqa: PLC0415
    from samtranslator.yaml_helper import intrinsics_multi_constructor  # noqa: PLC0415

    class Loader(yaml.CSafeLoader):
        pass

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    return yaml.load(text, Loader)  # noqa: S506 - a safe one


class _Policies:
    """The managed policies, which the SAM translator asks for: the template names none."""

    def load(self) -> dict[str, str]:
        return {}


def _take_folders(source: Json) -> dict[str, str]:
    # The translator takes addresses of artifacts only, so the folders are kept in a mapping of their own.
    folders = {}
    for name, resource in source["Resources"].items():
        for uri in ("CodeUri", "ContentUri"):
            if uri in resource.get("Properties", {}):
                folders[name] = resource["Properties"][uri]
                resource["Properties"][uri] = "s3://bucket/key"
    return folders


def read(expanded: Json, root: Path, secret: dict[str, Json], prefix: str = "") -> Template:
    """The functions, routes, tables and schedules; table names get `prefix`. Raises `CommandError`."""
    try:
        return _read(expanded, root, secret, prefix)
    except KeyError as error:
        raise CommandError(f"The template cannot be run here: it lacks {error.args[0]}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise CommandError(f"The template cannot be run here: {error}.") from None


def _read(expanded: Json, root: Path, secret: dict[str, Json], prefix: str) -> Template:
    resolver = Resolver(expanded, secret, prefix)
    check_references(expanded["Resources"], {*expanded["Resources"], *expanded.get("Parameters", {})})
    resources = {name: its for name, its in expanded["Resources"].items() if _is_made(its, resolver)}
    of_type: dict[str, list[tuple[str, Json]]] = {}
    for name, resource in resources.items():
        of_type.setdefault(resource["Type"], []).append((name, resource.get("Properties", {})))
    folders = {name: root / folder for name, folder in expanded["LocalFolders"].items()}
    functions = {
        name: _function(name, properties, folders, resolver)
        for name, properties in of_type.get("AWS::Lambda::Function", [])
    }
    apis = {name: _http_api(properties, resolver) for name, properties in of_type["AWS::ApiGatewayV2::Api"]}
    for _, alias in of_type.get("AWS::Lambda::Alias", []):
        function = functions[alias["FunctionName"]["Ref"]]
        functions[function.name] = replace(function, aliases=function.aliases | {alias["Name"]})
    tables = of_type.get("AWS::DynamoDB::Table", [])
    return Template(
        functions=functions,
        customers=apis[CUSTOMERS],
        operators=apis.get(OPERATORS, apis[CUSTOMERS]),  # an earlier commit, measured beside this one, has one for both
        schedules=tuple(_schedule(properties) for _, properties in of_type.get("AWS::Scheduler::Schedule", [])),
        tables=tuple(_table(prefix + name, properties) for name, properties in tables),
        time_to_live={
            prefix + name: properties["TimeToLiveSpecification"]["AttributeName"]
            for name, properties in tables
            if "TimeToLiveSpecification" in properties
        },
        pipe=pipe.of_resources(of_type.get("AWS::Pipes::Pipe", []), prefix),
    )


def _is_made(resource: Json, resolver: Resolver) -> bool:
    return "Condition" not in resource or resolver.holds({"Condition": resource["Condition"]})


def _function(name: str, properties: Json, folders: dict[str, Path], resolver: Resolver) -> Function:
    folder = folders[name]
    variables = properties.get("Environment", {}).get("Variables", {})
    module = properties["Handler"].partition(".")[0]
    if not (folder / f"{module}.py").is_file():
        raise CommandError(f"The template's {name} has no {module}.py in {folder.name}, where its code should be.")
    return Function(
        name=name,
        folder=folder,
        handler=properties["Handler"],
        timeout_seconds=int(properties["Timeout"]),
        memory_mb=int(properties["MemorySize"]),
        environment={key: resolver.value(value) for key, value in variables.items()},
        layers=tuple(_layer(version, folders) for version in resolver.structure(properties.get("Layers", []))),
    )


def _layer(version: str, folders: dict[str, Path]) -> Path:
    """Where a layer's modules are: a build puts them into a folder of their own. Its version is its name and a hash."""
    folder = folders[version[:-_LAYER_HASH]]
    return folder / "python" if (folder / "python").is_dir() else folder


def _http_api(api: Json, resolver: Resolver) -> HttpApi:
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    tokens = resolver.structure(scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"])
    return HttpApi(tuple(_routes(api)), tokens["issuer"], tuple(tokens["audience"]), _cors(api, resolver))


def _routes(api: Json) -> list[Route]:
    routes = []
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)
            if function is None:
                raise CommandError(f"The template's route {path} calls no function.")
            key = DEFAULT_ROUTE if path == DEFAULT_ROUTE else f"{method.upper()} {path}"
            authorized = any("Jwt" in entry for entry in operation.get("security", []))
            routes.append(Route(key, function[1], authorized))
    return routes


def _cors(api: Json, resolver: Resolver) -> Cors | None:
    allowed = resolver.structure(api["Body"].get("x-amazon-apigateway-cors"))
    if allowed is None:
        return None
    return Cors(
        origins=tuple(allowed["allowOrigins"]),
        methods=tuple(allowed["allowMethods"]),
        headers=tuple(allowed["allowHeaders"]),
        exposed=tuple(allowed["exposeHeaders"]),
        max_age_seconds=int(allowed["maxAge"]),
    )


def _schedule(properties: Json) -> Schedule:
    match = _RATE.fullmatch(properties["ScheduleExpression"])
    if match is None:
        raise CommandError("The template's schedules must be of the form rate(n minutes).")
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
