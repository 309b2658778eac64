"""LOOKUP"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trellis.formula.function import Blanks, Function, Reads
from trellis.formula.values import Closure, Context
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import FREE, WORDS, Type
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.formula.sql.pieces import Sql

_WANTED: Mapping[str, tuple[Type, ...]] = {
    "text": (Type.TEXT, Type.PICKLIST, Type.REFERENCE),
    "number": (Type.NUMBER,),
    "boolean": (Type.BOOLEAN,),
    "date": (Type.DATE,),
    "datetime": (Type.DATETIME,),
}


def _bind(snapshot: Snapshot) -> Function:
    """Return LOOKUP over the tables of one version."""
    from trellis.decision_tables.table import case_sql, table_of

    names = list(snapshot.of_kind("decision_table"))

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        name = nodes[0].value if isinstance(nodes[0], Const) else None
        if not isinstance(name, str):
            return Complaint("LOOKUP names its decision table by a fixed text.", 0)
        if name in names and "keys" not in snapshot.of_kind("decision_table")[name]:
            return Type.UNKNOWN  # its shape is wrong, which is told at the table
        found = table_of(snapshot, name)
        if found is None:
            return Complaint(f"There is no decision table '{name}'.{did_you_mean(name, names)}", 0, "unknown_table")
        keys, types = found.table.keys, found.table.types
        if len(nodes) not in (len(keys) + 1, len(keys) + 2):
            wanted = ", ".join(k.name for k in keys)
            return Complaint(f"The decision table '{name}' is looked up by: {wanted}.", code="argument_count")
        for index, (key, node) in enumerate(zip(keys, nodes[1:], strict=False), 1):
            if node.type not in (*FREE, *_WANTED[key.type]):
                words = " or ".join(WORDS[t] for t in _WANTED[key.type])
                return Complaint(f"The key '{key.name}' is {words}, but {WORDS[node.type]} is given.", index)
        if len(nodes) == len(keys) + 2:
            last = nodes[-1]
            asked = last.value if isinstance(last, Const) else None
            if not isinstance(asked, str) or asked not in types:
                hint = did_you_mean(str(asked), types)
                return Complaint(
                    f"The decision table '{name}' gives: {', '.join(types)}.{hint}", len(nodes) - 1, "unknown_value"
                )
        return Type(types[_value_name(nodes, len(keys), types)])

    def parts(nodes: Sequence[Node]) -> tuple[Any, str, int]:
        assert isinstance(nodes[0], Const)
        found = table_of(snapshot, str(nodes[0].value))
        assert found is not None
        count = len(found.table.keys)
        return found, _value_name(nodes, count, found.table.types), count

    def build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
        table, value, count = parts(nodes)
        keys = closures[1 : count + 1]

        def lookup(context: Context) -> Any:
            row = table.find([key(context) for key in keys])
            return None if row is None else row.values[value]

        return lookup

    def sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
        table, value, count = parts(nodes)
        return case_sql(table.table, value, args[1 : count + 1])

    def note(values: Sequence[Any]) -> str:
        table = table_of(snapshot, values[0])
        assert table is not None
        row = table.find(values[1 : len(table.table.keys) + 1])
        return f"row {row.name}" if row is not None else "no row"

    digests = snapshot.digests
    content = "".join(digests["decision_table", name] for name in names)
    return replace(
        FUNCTION, check=check, build=build, postgresql=sql, note=note, content=content, unavailable="", bind=None
    )


def _value_name(nodes: Sequence[Node], keys: int, types: Mapping[str, str]) -> str:
    last = nodes[-1]
    return str(last.value) if len(nodes) == keys + 2 and isinstance(last, Const) else next(iter(types))


FUNCTION = Function(
    "LOOKUP",
    ("text, any... -> any",),
    "A value of a decision table: its name, its keys in order, and the name of the value (the first one if it is left "
    "out). Blank where no row fits; a blank key fits only cells that fit anything.",
    "records",
    Blanks.OWN,
    Reads.ROW,
    check=lambda nodes: Type.UNKNOWN,
    count=(2, 10),
    examples=(
        ('LOOKUP("discount", "gold", 500)', "0.1"),
        ('LOOKUP("discount", "gold", 1000, "label")', '"Large"'),
        ('LOOKUP("discount", "", 5000, "rate")', "0"),
    ),
    unavailable="LOOKUP needs decision tables, and there are none here.",
    bind=_bind,
    postgresql="NULL",
)
