"""Which call an event is. Rule: the route that API Gateway matched decides, never the path that was asked for.

That path has in front of it what the deployment adds: the key of a custom domain's API mapping, or the name of a stage.
API Gateway has taken it off before it chose the route, and says which one it chose (`routeKey`) and what stands for the
route's variables (`pathParameters`). Here these two become the path that the resolver looks up, and the event's own.

API Gateway decodes a path before it looks for the route. So an id with a slash makes a path longer than the call's own
route, however the client spelled it, and comes by a route that ends in a greedy variable, `{rest+}`. Such an event is
read by the function's own rules, of which a variable may then span slashes. It also cuts the path at a `?` that it has
decoded. A client that encodes an id twice reaches the call's own route with the whole id, whatever is in it, and what
is still encoded is decoded here. So an id that has a percent code in it as it is, such as `50%25`, must come so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOWHERE: Final = "/$default"
"""The path of an event that no route matched: no rule has it, but for one that takes every path."""
_ANY_METHOD: Final = "ANY"
_KEY: Final = re.compile(r"([A-Z]+) (/.*)")
_OF_TEMPLATE: Final = re.compile(r"(\{\w+\+?\})")
_OF_RULE: Final = re.compile(r"<(\w+)>")
_IN_A_LINK: Final = "/%!$&'()*+,;=:@"

Event = dict[str, Any]


class Rule(NamedTuple):
    """A route as a handler declares it: its path has variables such as `<model_id>`."""

    method: str
    path: str

    def variables_of(self, path: str) -> dict[str, str] | None:
        """What stands for the rule's variables in a decoded path, in which each may span slashes; None for another."""
        found = re.fullmatch(_OF_RULE.sub(r"(?P<\1>.*)", self.path), path, re.DOTALL)
        return None if found is None else found.groupdict()

    @property
    def fixed(self) -> int:
        """How many characters of the path are not variable: of two rules that match, the longer one is meant."""
        return len(_OF_RULE.sub("", self.path))


class Call(NamedTuple):
    """What an event asks for: the event as handlers read it, and what stands in front of the API's paths."""

    event: Event
    prefix: str


def call_of(event: Event, rules: Iterable[Rule]) -> Call:
    """The call of an event, for a function that has these rules.

    The event's path becomes that of the rule: each variable percent-encoded, so that it is one segment, and decoded in
    `pathParameters`. It becomes `NOWHERE` where API Gateway matched no route (`$default`), named none, or named one
    that is not this function's.
    """
    key = event.get("routeKey")
    found = _KEY.fullmatch(key) if isinstance(key, str) else None
    if found is None:
        return Call(_changed(event, NOWHERE, None, {}), "")
    method, template = found.groups()
    if method == _ANY_METHOD:
        method = event["requestContext"]["http"]["method"]
    variables = _variables_of(event)
    prefix = _prefix_of(event.get("rawPath"), template, variables)
    if template.endswith("+}"):
        rest = _name_of(template.rpartition("/")[2])
        variables[rest] = _as_in_the_path(variables.get(rest, ""), event.get("rawPath"))
        path, variables = _by_rule(_filled(template, variables), method, rules)
    else:
        variables = _without_codes(variables)
        path = _filled(template, {name: encoded(value) for name, value in variables.items()})
    return Call(_changed(event, path, method, variables), prefix)


def encoded(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="", errors="surrogatepass")


def decoded(segment: str) -> str:
    """The text of a segment that `encoded` made."""
    return unquote(segment, errors="surrogatepass")


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _OF_TEMPLATE.sub(lambda variable: values.get(_name_of(variable[0]), ""), template)


def _name_of(variable: str) -> str:
    return variable.strip("{+}")


def _by_rule(path: str, method: str, rules: Iterable[Rule]) -> tuple[str, dict[str, str]]:
    """The path and the variables that a decoded path has by the rule that says most about it."""
    candidates = ((rule, rule.variables_of(path)) for rule in rules if rule.method == method)
    fitting = [(rule, found) for rule, found in candidates if found is not None]
    if not fitting:
        return NOWHERE, {}
    rule, found = max(fitting, key=lambda pair: pair[0].fixed)
    named = _without_codes({_name_in_events(name): value for name, value in found.items()})
    return _OF_RULE.sub(lambda variable: encoded(named[_name_in_events(variable[1])]), rule.path), named


def _name_in_events(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _variables_of(event: Event) -> dict[str, str]:
    given: Mapping[str, Any] = event.get("pathParameters") or {}
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _as_in_the_path(rest: str, raw_path: object) -> str:
    """What a greedy variable stands for, decoded as far as the path is, in case it was handed over as it was sent."""
    decoded_once = unquote(rest)
    handed_over_as_sent = isinstance(raw_path, str) and not raw_path.endswith(rest) and raw_path.endswith(decoded_once)
    return decoded_once if handed_over_as_sent else rest


def _without_codes(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with what is still percent-encoded decoded."""
    return {name: unquote(value) for name, value in variables.items()}


def _prefix_of(raw_path: object, template: str, variables: Mapping[str, str]) -> str:
    """What the path that was asked for has in front of the route's; empty where it does not end as the route does."""
    if not isinstance(raw_path, str):
        return ""

    def spelled(part: str) -> str:
        if not part.startswith("{"):
            return re.escape(part)
        value = variables.get(_name_of(part), "")
        return f"(?:{re.escape(value)}|{re.escape(encoded(value))}|[^/]+)"

    ends = "".join(spelled(part) for part in _OF_TEMPLATE.split(template))
    found = re.fullmatch(f"(.*){ends}/*", raw_path, re.DOTALL)
    inner = found[1].strip("/") if found else ""
    return "/" + quote(inner, safe=_IN_A_LINK, errors="surrogatepass") if inner else ""


def _changed(event: Event, path: str, method: str | None, variables: dict[str, str]) -> Event:
    asked = event["requestContext"]
    http = asked["http"] if method is None else {**asked["http"], "method": method}
    context = {**asked, "http": http, "stage": "$default"}  # whose path has nothing in front
    return {**event, "rawPath": path, "pathParameters": variables, "requestContext": context}
