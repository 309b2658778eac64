"""Decision tables: keys, rows, and the values that follow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trellis_metadata.decision_tables import RANGED, BadCell, Hit, Table, read_table, write_value
from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot
from trellis_metadata.table_coverage import Example, TooLarge, gap, hidden_rows, overlaps

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class DecisionTableDef:
    """A decision table."""

    name: str
    label: Label
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the table was read."""
        return dict(self.document)


class DecisionTableKind(Kind):
    """The kind ``decision_table``."""

    name = "decision_table"
    folder = "decision_tables"
    label = {"en": "decision table", "zh": "决策表"}
    nouns = {
        "keys": ("key", "条件列"),
        "values": ("value", "结果列"),
        "rows": ("row", "行"),
        "when": ("cell", "单元格"),
        "then": ("cell", "单元格"),
    }

    def read(self, document: Document) -> DecisionTableDef:
        return DecisionTableDef(document["name"], document["label"], document)

    def references(self, document: Document) -> Iterator[Reference]:
        for index, key in enumerate(document["keys"]):
            if "picklist" in key:
                yield Reference(f"/keys/{index}/picklist", "picklist", key["picklist"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        wrong = list(_columns(document))
        yield from wrong
        if not wrong:
            text = json.dumps([document, options_of(document, snapshot)], ensure_ascii=False)
            yield from _findings(text)


def options_of(document: Mapping[str, Any], snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the option names of the picklists that the keys of a table name."""
    lists = {k["picklist"]: snapshot.get("picklist", k["picklist"]) for k in document["keys"] if "picklist" in k}
    return {name: [o["name"] for o in found["options"]] for name, found in lists.items() if found is not None}


def _columns(document: Document) -> Iterator[Diagnostic]:
    for index, key in enumerate(document["keys"]):
        if key.get("match") == "range" and key["type"] not in RANGED:
            yield Diagnostic(
                "bad_key",
                f"/keys/{index}/match",
                f"A {key['type']} has no ranges.",
                f"Use 'equal', or one of the types {', '.join(sorted(RANGED))}.",
            )
        if "picklist" in key and key["type"] != "text":
            yield Diagnostic(
                "bad_key",
                f"/keys/{index}/picklist",
                f"The options of a picklist are texts, the key is a {key['type']}.",
                "Make the key a text, or leave the picklist out.",
            )
    names = {k["name"] for k in document["keys"]}
    for index, value in enumerate(document["values"]):
        if value["name"] in names:
            yield Diagnostic(
                "duplicate_name",
                f"/values/{index}/name",
                f"'{value['name']}' is a key already.",
                "Give the value another name: both are columns of one file.",
            )


@lru_cache(maxsize=256)
def _findings(text: str) -> tuple[Diagnostic, ...]:
    """Judge the rows. Kept by content: a table is judged again at every change of any document."""
    document, options = json.loads(text)
    problems: list[BadCell] = []
    table = read_table(document, options, problems)
    cells = [Diagnostic("bad_cell", p.pointer, p.message, "Correct the cell.") for p in problems]
    try:
        return (*cells, *(() if cells else _coverage(table, document["rows"])))
    except TooLarge:
        message = "The table has too many combinations of keys to look for gaps and overlaps."
        return (Diagnostic("not_checked", "/rows", message, severity=Severity.WARNING),)


def _coverage(table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[Diagnostic]:
    places = {row["name"]: f"/rows/{index}" for index, row in enumerate(rows)}
    if table.hit is Hit.UNIQUE:
        for found in overlaps(table):
            yield Diagnostic(
                "rows_overlap",
                places[found.second.name],
                f"Rows '{found.first.name}' and '{found.second.name}' both fit {shown(table, found.example)}.",
                "Make one of them narrower, or let the first row that fits count ('hit': 'first').",
            )
    else:
        for row in hidden_rows(table):
            yield Diagnostic(
                "row_never_hit",
                places[row.name],
                f"Row '{row.name}' is never reached: rows above it fit all its values.",
                "Move it up, make a row above narrower, or remove it.",
                severity=Severity.WARNING,
            )
    example = gap(table)
    if example is not None:
        yield Diagnostic(
            "rows_gap",
            "/rows",
            f"No row fits {shown(table, example)}; LOOKUP gives a blank there.",
            "Add a row, or a last row without conditions.",
            severity=Severity.WARNING,
        )


def shown(table: Table, example: Example) -> str:
    """Return an example as text: ``tier = gold, amount = 5``."""
    return ", ".join(f"{k.name} = {_text(write_value(v))}" for k, v in zip(table.keys, example, strict=True))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KIND = DecisionTableKind()
