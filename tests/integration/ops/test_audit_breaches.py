"""Each equation is broken by a change that the service did not make, and reports it alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.entitlements import history
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from modelpass.order_ids import order_id_of
from modelpass.schema import number, text
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items
from ops.audit.breaches import Equation
from tests.support import changing, sales
from tests.support.audit import assert_audited, audited
from tests.support.waiting import Till, approving
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.schema import Item

    Key = Item

NOBODY = "sub_" + "a" * 24


@dataclass(slots=True)
class Tampered:
    """A subscription in its second term that has lived through everything, and changes that can be taken back.

    Beside it are `keen`, which was topped up and extended, and one of another account that waits for its confirmation.
    """

    world: World
    id: str
    keen: str
    before: list[tuple[str, Key, Item | None]] = field(default_factory=list)

    def entitlement(self, model_id: str = TEXT_MODEL, term: int = 2) -> Key:
        return entitlement_items.entitlement_key(EntitlementId(self.id, term, model_id))

    def change(self, table: str, key: Key, **attributes: Any) -> None:
        """Set attributes, add to them where an int is given, take them away where None is."""
        changed = dict(self.read(table, key))
        for name, value in attributes.items():
            if value is None:
                del changed[name]
            elif isinstance(value, int):
                changed[name] = number(int(changed[name]["N"]) + value)
            else:
                changed[name] = value
        self.put(table, changed)

    def read(self, table: str, key: Key) -> Item:
        found: Item = self.world.dynamodb.get_item(TableName=self.name(table), Key=key)["Item"]
        return found

    def put(self, table: str, item: Item) -> None:
        key: Key = {name: item[name] for name in ("pk", "sk") if name in item}
        found = self.world.dynamodb.get_item(TableName=self.name(table), Key=key)
        self.before.append((table, key, found.get("Item")))
        self.world.dynamodb.put_item(TableName=self.name(table), Item=item)

    def delete(self, table: str, key: Key) -> None:
        self.before.append((table, key, self.read(table, key)))
        self.world.dynamodb.delete_item(TableName=self.name(table), Key=key)

    def take_back(self) -> None:
        while self.before:
            table, key, item = self.before.pop()
            if item is None:
                self.world.dynamodb.delete_item(TableName=self.name(table), Key=key)
            else:
                self.world.dynamodb.put_item(TableName=self.name(table), Item=item)

    def one(self, table: str, begins: str, **like: Item) -> Key:
        """The key of the first row of a table whose sort key begins so, and which has these attributes."""
        for item in self.world.all_items(self.name(table)):
            if item["sk"]["S"].startswith(begins) and like.items() <= item.items():
                return {"pk": item["pk"], "sk": item["sk"]}
        raise LookupError(begins)

    def event(self, kind: str) -> Key:
        return self.one("events", "", type=text(kind))

    def copy(self, table: str, key: Key, **attributes: Any) -> None:
        self.put(table, {**self.read(table, key), **attributes})

    def name(self, table: str) -> str:
        return str(getattr(self.world.tables, table))


@pytest.fixture(scope="module")
def lived(engine: str) -> Iterator[Tampered]:
    world = new_world(engine)
    world.set_plan("gold", "planned", days=365)
    models = [model(calls=4, cap=100), model(IMAGE_MODEL, calls=4, cap=100)]
    made = world.buy(models=models, months=2)
    world.clock.advance(62 * DAY_MS)
    key = world.renew(made["subscriptionId"])["apiKey"]
    world.correct(made["subscriptionId"], 5)
    world.authorize(key, "leaked", 90, holdSeconds=1)
    world.clock.advance(1000)
    granted = world.authorize(key, "needs-its-units", 60)
    world.settle(granted["authorizationId"], 20)
    world.authorize(key, "open-in-the-next-month", 25, holdSeconds=86_400)
    world.clock.advance(31 * DAY_MS)
    key = world.regenerate(made["subscriptionId"])["apiKey"]
    assert world.authorize(key, "open", 90, holdSeconds=86_400)["allowed"]
    keen = world.buy("keen", models=[model(calls=4, cap=100)], months=2)["subscriptionId"]
    changing.top_up(world, keen, 7, account="keen")
    sales.extend(world, keen, 1, "keen", "an-extension")
    assert Till(approving(world), "waits").buy()["status"] == "pending"
    assert_audited(world)
    yield Tampered(world, made["subscriptionId"], keen)
    assert_audited(world)
    world.drop_tables()


@pytest.fixture
def stored(lived: Tampered) -> Iterator[Tampered]:
    yield lived
    lived.take_back()


def entitlement(**attributes: Any) -> Callable[[Tampered], None]:
    return lambda stored: stored.change("entitlements", stored.entitlement(), **attributes)


def idle(term: int = 2, **attributes: Any) -> Callable[[Tampered], None]:
    """An entitlement that nobody has used."""
    return lambda stored: stored.change("entitlements", stored.entitlement(IMAGE_MODEL, term), **attributes)


def subscription(**attributes: Any) -> Callable[[Tampered], None]:
    return lambda stored: stored.change(
        "subscriptions", schema.primary_key(subscription_items.subscription_key(stored.id)), **attributes
    )


def place(account: str = "acct", **attributes: Any) -> Callable[[Tampered], None]:
    return lambda stored: stored.change(
        "subscriptions", schema.primary_key(subscription_items.slot_key(account)), **attributes
    )


def row(begins: str, **attributes: Any) -> Callable[[Tampered], None]:
    return lambda stored: stored.change("history", stored.one("history", begins), **attributes)


def gone(table: str, begins: str, **like: Item) -> Callable[[Tampered], None]:
    return lambda stored: stored.delete(table, stored.one(table, begins, **like))


def price_of_the_term(stored: Tampered) -> None:
    key = schema.primary_key(subscription_items.term_key(stored.id, 2))
    sold = stored.read("history", key)["ms"]
    sold["L"][0]["M"]["pr"] = text("0.01")
    stored.change("history", key, ms=sold)


def terms_overlap(stored: Tampered) -> None:
    stored.change("history", schema.primary_key(subscription_items.term_key(stored.id, 1)), xa=5 * DAY_MS)
    for model_id in (TEXT_MODEL, IMAGE_MODEL):
        stored.change("entitlements", stored.entitlement(model_id, 1), xa=5 * DAY_MS)


def row_of_the_stored_day(stored: Tampered) -> None:
    day = stored.world.entitlement(stored.id, 2).day
    key = schema.primary_key(history.day_key(EntitlementId(stored.id, 2, TEXT_MODEL), day))
    stored.copy("history", stored.one("history", "day#"), **key, calls=number(0), units=number(0))


def row_of_the_stored_month(stored: Tampered) -> None:
    key = schema.primary_key(history.month_key(EntitlementId(stored.id, 2, TEXT_MODEL), 1))
    figures = {"left": number(100), "held": number(0), "used": number(0)}
    stored.copy("history", stored.one("history", "month#"), **key, **figures)


def correction_of_more_than_was_used(stored: Tampered) -> None:
    event = stored.event("usage.corrected")
    data = {**json.loads(stored.read("events", event)["data"]["S"]), "units": 1000}
    stored.change("events", event, data=text(json.dumps(data)))
    stored.change("history", stored.one("history", "correction#"), units=number(1000))


def day_of_a_model_not_sold(stored: Tampered) -> None:
    key = schema.primary_key(history.day_key(EntitlementId(stored.id, 2, "another"), "2027-01-24"))
    stored.copy("history", stored.one("history", "day#"), **key)


def second_entry_in_the_list(stored: Tampered) -> None:
    key = schema.primary_key(subscription_items.bought_key("acct", 0, 0, stored.id))
    stored.copy("subscriptions", stored.one("subscriptions", "bought#", id=text(stored.id)), **key)


def event_told_twice(stored: Tampered) -> None:
    stored.copy("events", stored.event("subscription.expired"), sk=text("9"))


def entitlement_of(subscription_id: str) -> Callable[[Tampered], None]:
    """An entitlement that nobody was sold."""

    def tamper(stored: Tampered) -> None:
        pk = entitlement_items.entitlement_pk(EntitlementId(subscription_id or stored.id, 2, "another"))
        stored.copy("entitlements", stored.entitlement(IMAGE_MODEL), pk=text(pk))

    return tamper


def of_nobody(table: str, begins: str) -> Callable[[Tampered], None]:
    """A row that names a subscription which is not there."""
    return lambda stored: stored.copy(table, stored.one(table, begins), pk=text(NOBODY))


def ticket_of_nobody(stored: Tampered) -> None:
    pk = entitlement_items.entitlement_pk(EntitlementId(NOBODY, 1, TEXT_MODEL))
    stored.copy("history", stored.one("history", "hold#"), pk=text(pk))


def row_gone(stored: Tampered) -> None:
    stored.delete("subscriptions", schema.primary_key(subscription_items.subscription_key(stored.id)))


def order(number: int, **attributes: Any) -> Callable[[Tampered], None]:
    """An order of the subscription that was topped up (2) and extended (3)."""
    return lambda stored: stored.change(
        "subscriptions", schema.primary_key(order_items.order_key(stored.keen, number)), **attributes
    )


def order_gone(stored: Tampered) -> None:
    stored.delete("subscriptions", schema.primary_key(order_items.order_key(stored.keen, 3)))


def entry_of_an_order(stored: Tampered) -> Key:
    entries = (i for i in stored.world.all_items(stored.name("subscriptions")) if i["pk"]["S"] == "account#keen")
    return next({"pk": i["pk"], "sk": i["sk"]} for i in entries if i["sk"]["S"].startswith("order#"))


def order_of_nobody(stored: Tampered) -> None:
    stored.copy("subscriptions", schema.primary_key(order_items.order_key(stored.keen, 1)), pk=text(NOBODY))


def entry_of_nobody(stored: Tampered) -> None:
    key = f"order#000000000000001#{NOBODY}#000001"
    stored.put("subscriptions", {"pk": text("account#keen"), "sk": text(key), "v": number(schema.NEWEST)})


def row_of_keen(**attributes: Any) -> Callable[[Tampered], None]:
    return lambda stored: stored.change(
        "subscriptions", schema.primary_key(subscription_items.subscription_key(stored.keen)), **attributes
    )


def topped_up(**attributes: Any) -> Callable[[Tampered], None]:
    key = EntitlementId("", 1, TEXT_MODEL)
    return lambda stored: stored.change(
        "entitlements", entitlement_items.entitlement_key(key._replace(subscription_id=stored.keen)), **attributes
    )


def event_of_no_order(stored: Tampered) -> None:
    event = stored.one("events", "", type=text("subscription.purchased"), pk=text(stored.keen))
    data = json.loads(stored.read("events", event)["data"]["S"]) | {"orderId": order_id_of(stored.keen, 9)}
    stored.change("events", event, data=text(json.dumps(data)))


def key_of_another(length: int = 16) -> Item:
    return schema.binary(b"?" * length)


LATER = number(9_999_999_999_999)
CASES = [
    (Equation.READABLE, "newer", entitlement(v=number(9))),
    (Equation.READABLE, "damaged", entitlement(ml=None)),
    (Equation.READABLE, "subscription", subscription(v=number(9))),
    (Equation.READABLE, "place", place(v=number(9))),
    (Equation.READABLE, "place of a plan", place("planned", v=number(9))),
    (Equation.READABLE, "day", row("day#", v=number(9))),
    (Equation.READABLE, "ticket", row("hold#", v=number(9))),
    (Equation.READABLE, "event", lambda s: s.change("events", s.event("subscription.renewed"), v=number(9))),
    (Equation.READABLE, "order", order(3, v=number(9))),
    (Equation.READABLE, "damaged order", order(3, os=text("sold"))),
    (Equation.MONTH, "left", entitlement(ml=1)),
    (Equation.MONTH, "topped up", topped_up(ml=1)),
    (Equation.DAY, "left", entitlement(dl=1)),
    (Equation.COUNTERS, "more calls than the limit", entitlement(dl=-4, dc=4)),
    (Equation.COUNTERS, "less than nothing used", entitlement(mu=-1, ml=1, du=-1)),
    (Equation.HOLDS, "calls of a hold not counted", entitlement(dl=1, dc=-1)),
    (Equation.SEGMENT, "day", entitlement(wd=text("2027-03-20"))),
    (Equation.SEGMENT, "start", idle(db=5, mb=5)),
    (Equation.SEGMENT, "beyond the term", idle(we=LATER)),
    (Equation.DUE, "no mark", entitlement(dp=None, da=None)),
    (Equation.DUE, "too late", entitlement(da=LATER)),
    (Equation.DUE, "another shard", entitlement(dp=text("nowhere"))),
    (Equation.CLOSED_MONTH, "left", row("month#", left=1)),
    (Equation.CLOSED_MONTH, "cap", row("month#", left=1, cap=1)),
    (Equation.CLOSED_DAY, "less than no calls", row("day#", calls=-9)),
    (Equation.CLOSED_DAY, "more calls than the limit", row("day#", calls=9)),
    (Equation.ONE_PLACE, "day", row_of_the_stored_day),
    (Equation.ONE_PLACE, "month", row_of_the_stored_month),
    (Equation.UNITS, "of a day", row("day#", units=1)),
    (Equation.UNITS, "of a month", entitlement(mu=1, ml=-1)),
    (Equation.HELD, "by a closed month", row("month#", held=1, left=-1)),
    (Equation.TICKETS, "too many", entitlement(rc=1)),
    (Equation.TICKETS, "one is gone", gone("history", "hold#")),
    (Equation.CORRECTIONS, "another amount", row("correction#", units=1)),
    (Equation.CORRECTIONS, "no record", gone("history", "correction#")),
    (Equation.CORRECTIONS, "no event", gone("events", "", type=text("usage.corrected"))),
    (Equation.CORRECTIONS, "more than was used", correction_of_more_than_was_used),
    (Equation.THRESHOLDS, "mark without an event", entitlement(ta=number(12))),
    (Equation.TERMS, "another price", price_of_the_term),
    (Equation.TERMS, "overlapping", terms_overlap),
    (Equation.SOLD, "no entitlement", lambda s: s.delete("entitlements", s.entitlement(IMAGE_MODEL))),
    (Equation.SOLD, "another cap", idle(lm=1, ml=1)),
    (Equation.SOLD, "another account", idle(ac=text("somebody"))),
    (Equation.SOLD, "another term", idle(xa=1)),
    (Equation.SOLD, "a model not sold", day_of_a_model_not_sold),
    (Equation.KEY, "another", idle(kh=key_of_another())),
    (Equation.KEY, "of an earlier term", idle(1, kh=key_of_another())),
    (Equation.STOPPED, "one", idle(xc=number(1))),
    (Equation.STATE, "due too late", subscription(da=1)),
    (Equation.STATE, "cancelled and due", place("planned", dp=None, da=None)),
    (Equation.STATE, "too many purchases", place(pn=11)),
    (Equation.STATE, "too many sales", place("keen", sn=101)),
    (Equation.STATE, "due before its reminder", row_of_keen(da=-1)),
    (Equation.PLACE, "held too long", place(un=1)),
    (
        Equation.PLACE,
        "never taken",
        lambda s: s.delete("subscriptions", schema.primary_key(subscription_items.slot_key("acct"))),
    ),
    (Equation.PLACE, "given back", place(un=number(0))),
    (Equation.LIST, "no entry", gone("subscriptions", "bought#")),
    (Equation.LIST, "two entries", second_entry_in_the_list),
    (Equation.ORDERS, "one is gone", order_gone),
    (Equation.ORDERS, "not in the list", lambda s: s.delete("subscriptions", entry_of_an_order(s))),
    (Equation.ORDERS, "not told", gone("events", "", type=text("subscription.extended"))),
    (Equation.ORDERS, "not done", order(3, os=text("rejected"))),
    (Equation.ORDERS, "more months", order(3, mo=1)),
    (Equation.ORDERS, "counted twice", row_of_keen(on=1)),
    (Equation.ORDERS, "not counted", row_of_keen(on=-1)),
    (Equation.ORDERS, "told of none", event_of_no_order),
    (Equation.ORDERS, "a mark of none", lambda s: s.change("subscriptions", s.one("subscriptions", "sale#"), on=9)),
    (Equation.ORDERS, "waits for no place", place("waits", po=None, pl=None)),
    (Equation.TOP_UPS, "more than was sold", topped_up(tu=1, ml=1)),
    (Equation.TOP_UPS, "none was sold", entitlement(tu=number(5), ml=5)),
    (Equation.EVENTS, "none of the purchase", gone("events", "", type=text("subscription.purchased"))),
    (Equation.EVENTS, "told twice", event_told_twice),
    (Equation.EVENTS, "none of a key", gone("events", "", type=text("key.regenerated"))),
    (Equation.OWNED, "entitlement not sold", entitlement_of("")),
    (Equation.OWNED, "entitlement of nobody", entitlement_of(NOBODY)),
    (Equation.OWNED, "history of nobody", of_nobody("history", "day#")),
    (Equation.OWNED, "event of nobody", of_nobody("events", "")),
    (Equation.OWNED, "ticket of nobody", ticket_of_nobody),
    (
        Equation.OWNED,
        "place of nobody",
        lambda s: s.copy(
            "subscriptions",
            schema.primary_key(subscription_items.slot_key("acct")),
            pk=text("account#other"),
            id=text(NOBODY),
        ),
    ),
    (Equation.OWNED, "row is gone", row_gone),
    (Equation.OWNED, "order of nobody", order_of_nobody),
    (Equation.OWNED, "entry of nobody", entry_of_nobody),
]


@pytest.mark.parametrize(("equation", "tamper"), [pytest.param(e, t, id=f"{e}: {name}") for e, name, t in CASES])
def test_what_was_changed_breaks_its_equation_and_no_other(
    stored: Tampered, equation: Equation, tamper: Callable[[Tampered], None]
) -> None:
    tamper(stored)
    report = audited(stored.world)
    assert {b.equation for b in report.breaches} == {equation}, "\n".join(map(str, report.breaches))


def test_every_equation_has_a_case() -> None:
    assert {equation for equation, _, _ in CASES} == set(Equation)
