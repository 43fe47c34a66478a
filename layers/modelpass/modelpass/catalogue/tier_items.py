"""The two items that name the tiers that are down, and the writes that let both say the same. Rule: pure; guarded.

The tiers table has the item that authorize reads. The catalogue table has its copy, for what customers are shown and
for code of the version before, which knows nothing else. Both count their changes. Whoever turns a tier writes both in
one transaction, each only as it was read, with a revision above both. So a copy that is ahead was written by code of
the version before, and then the copy is the truth: the reset, or the next operator's call, brings the item up to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.catalogue.tiers import TiersDown, tiers_down_key, tiers_down_of
from modelpass.schema import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.schema import Item, Request, Tables


class StoredTiers(NamedTuple):
    """What both tables have stored: the `item` of the tiers table and its `copy`, None where there is none."""

    item: Item | None
    copy: Item | None

    def truth(self) -> TiersDown:
        """What is so: what the one says that can be read and has the higher revision, and of equals the copy.

        Where neither can be read whole, what can be read of one counts.
        """
        return tiers_down_of(max((self.copy, self.item), key=_rank))

    def next_revision(self) -> int:
        """The revision of the next change, which is above both."""
        return 1 + max(tiers_down_of(self.copy).revision, tiers_down_of(self.item).revision)

    def agrees(self) -> bool:
        """Whether neither has to be mended: each that is there has the form of its version and the same tiers."""
        pairs = self.truth().pairs
        found = [tiers_down_of(stored) for stored in (self.item, self.copy) if stored is not None]
        return all(read.sound and read.pairs == pairs for read in found)

    def incomplete(self, tables: Tables) -> Iterator[tuple[str, Item]]:
        """The table and the item of each of the two of which something had to be passed over."""
        for table, stored in ((tables.tiers, self.item), (tables.catalogue, self.copy)):
            if stored is not None and not tiers_down_of(stored).complete:
                yield table, stored


def writes(tables: Tables, stored: StoredTiers, entries: frozenset[str]) -> list[Request]:
    """The updates that let both items have these entries and the next revision, each only as it was read."""
    revision = stored.next_revision()
    return [
        _write(table, was, entries, revision, tables.version)
        for table, was in ((tables.tiers, stored.item), (tables.catalogue, stored.copy))
    ]


def bring_up(tables: Tables, stored: StoredTiers) -> Request | None:
    """The update that lets the item of the tiers table say what is so; None when it does.

    It is written where it is missing, and where the copy is the truth and says something else. A copy that cannot be
    read is never the truth.
    """
    truth, copy = stored.truth(), tiers_down_of(stored.copy)
    own = tiers_down_of(stored.item)
    if stored.item is not None and (truth != copy or not copy.legible or _says(own) == _says(copy)):
        return None
    return _write(tables.tiers, stored.item, truth.entries, truth.revision, tables.version)


def _says(read: TiersDown) -> tuple[frozenset[tuple[str, str]], int, bool]:
    return frozenset(read.pairs), read.revision, read.legible


def _rank(stored: Item | None) -> tuple[bool, bool, int]:
    read = tiers_down_of(stored)
    return stored is not None, read.legible, read.revision


def _write(table: str, was: Item | None, entries: frozenset[str], revision: int, version: int) -> Request:
    """The update of one item, which is made where there was none; its set is written as a whole."""
    condition, values = _as_it_was(was)
    understood = was is not None and schema.is_understood(was)
    sets = ["#v = if_not_exists(#v, :new)" if understood else "#v = :new", "#rev = :rev"]
    if entries:  # a set that is empty cannot be stored
        sets.append("#tiers = :tiers")
        values |= {":tiers": {"SS": sorted(entries)}}
    names = ("v", "rev", "tiers", *(() if was else ("pk",)))
    return {
        "TableName": table,
        "Key": schema.primary_key(tiers_down_key()),
        "ConditionExpression": condition,
        "UpdateExpression": f"SET {', '.join(sets)}" + ("" if entries else " REMOVE #tiers"),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": {**values, ":new": number(version), ":rev": number(revision)},
    }


def _as_it_was(was: Item | None) -> tuple[str, Item]:
    """The guard that an item is still what was read, and its values.

    An item that is sound and counts its changes has the same revision. Of any other, version, revision and set are
    compared as they are stored: so an operator's call can replace what cannot be read, and nothing newer.
    """
    if was is None:
        return "attribute_not_exists(#pk)", {}
    if tiers_down_of(was).sound and "rev" in was:
        return f"{schema.UNDERSTOOD} AND #rev = :was", {**schema.understood(), ":was": was["rev"]}
    clauses = [f"#{n} = :{n}_was" if n in was else f"attribute_not_exists(#{n})" for n in ("v", "rev", "tiers")]
    return " AND ".join(clauses), {f":{n}_was": was[n] for n in ("v", "rev", "tiers") if n in was}
