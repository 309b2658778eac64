"""One chunk of an import: cells become values, lookups and keys find their records, the write path judges and writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis.exchange.lookups import (
    Lookups,
    external_ids,
    foreign_external_ids,
    key_of,
    matching,
    write_external_ids,
)
from trellis.exchange.source import Cells, Source
from trellis.exchange.targets import Target
from trellis.fields.base import InvalidValue
from trellis.model import FieldModel, ObjectModel
from trellis.transaction.transaction import PARTIAL

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


@dataclass(slots=True)
class Line:
    """One row of the file on its way. ``action`` is what became of it; ``record`` the record's number."""

    number: int
    cells: Cells
    values: dict[str, Any] = field(default_factory=dict)
    external: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    record: int | None = None
    action: str = "refused"

    @property
    def reason(self) -> str:
        """Why the row was refused, everything at once."""
        return " ".join(dict.fromkeys(self.problems))


class Batch:
    """Writes one chunk. It may be written again from the start: nothing outside changes before ``fresh`` is taken over."""

    def __init__(
        self,
        object_name: str,
        source: Source,
        targets: Mapping[str, Target],
        key: Sequence[str],
        lookups: Lookups,
        seen: Mapping[Any, int],
    ) -> None:
        self.object_name, self.source, self.key, self.lookups, self.seen = object_name, source, key, lookups, seen
        self.columns = [(i, h, targets[h]) for i, h in enumerate(source.headers) if h in targets]
        self.fresh: dict[Any, int] = {}

    def write(self, tx: Transaction, chunk: Sequence[tuple[int, Cells]]) -> list[Line]:
        """Write the rows that can be written; return a line per row with what became of it."""
        root = tx.model.object(self.object_name)
        self.fresh = {}
        lines = [self._read(number, cells) for number, cells in chunk]
        self._resolve(tx, lines)
        self._refuse_foreign(tx, lines)
        if self.key:
            self._match(tx, root, [line for line in lines if not line.problems])
        self._send(tx, [line for line in lines if not line.problems and line.record is None], tx.create)
        known = [line for line in lines if not line.problems and line.record is not None and line.action == "refused"]
        for line in known:
            line.values["id"] = line.record
        self._send(tx, known, tx.update)
        self._remember_external(tx, [line for line in lines if line.action != "refused"])
        return lines

    def remember(self, chunk: Sequence[tuple[int, Cells]], root: ObjectModel) -> None:
        """Take note of the keys of rows that were imported before the import was interrupted."""
        seen: Any = self.seen
        for number, cells in chunk:
            line = self._read(number, cells)
            key = self._key_of(root, line) if self.key else None
            if key is not None:
                seen[key] = number

    # -- cells -----------------------------------------------------------------------------------------------------

    def _read(self, number: int, cells: Cells) -> Line:
        line = Line(number, cells)
        is_text, values = self.source.is_text, line.values
        for position, _, target in self.columns:
            cell = cells[position]
            if target.kind == "external":
                if cell not in (None, ""):
                    line.external[target.system] = str(cell).strip()
            elif target.kind == "id":
                values["id"] = cell
            elif target.kind == "part":
                _add_part(values, target, cell)
            elif target.field is not None and target.kind == "field":
                value = cell if is_text or cell is None or isinstance(cell, str) else _as_text(line, target.field, cell)
                parts = values.get(target.field.name)
                values[target.field.name] = {**parts, "amount": value} if isinstance(parts, dict) else value
        for name, value in values.items():
            if isinstance(value, dict):
                values[name] = _compound_text(value)
        return line

    def _resolve(self, tx: Transaction, lines: Sequence[Line]) -> None:
        for position, header, target in self.columns:
            if target.kind != "lookup" or target.field is None:
                continue
            name = target.field.name
            texts = {text for line in lines if (text := _cell_text(line.cells[position]))}
            answers = self.lookups.resolve(tx, header, texts) if texts else {}
            for line in lines:
                text = _cell_text(line.cells[position])
                answer = answers[text] if text else None
                if isinstance(answer, str):
                    line.problems.append(f"{name}: {answer}")
                else:
                    line.values[name] = answer

    def _refuse_foreign(self, tx: Transaction, lines: Sequence[Line]) -> None:
        """An external id moves to another record only with the right to change the one that has it."""
        for of_system in {s for line in lines for s in line.external}:
            keys = sorted({line.external[of_system][:255] for line in lines if of_system in line.external})
            foreign = foreign_external_ids(tx, self.object_name, of_system, keys)
            for line in lines:
                if foreign and line.external.get(of_system, "")[:255] in foreign:
                    line.problems.append(f"external:{of_system}: The id belongs to a record that you may not change.")

    # -- keys ------------------------------------------------------------------------------------------------------

    def _match(self, tx: Transaction, root: ObjectModel, lines: Sequence[Line]) -> None:
        """Find the record of each row; refuse a key that is blank, that fits several records, or that stood above."""
        keyed: dict[Any, Line] = {}
        for line in lines:
            key = self._key_of(root, line)
            above = self.seen.get(key) or self.fresh.get(key)
            if key is None:
                # A row without an id is a new record; any other key must be there.
                if not line.problems and self.key != ("id",):
                    line.problems.append(f"The key {', '.join(self.key)} is blank.")
            elif above is not None:
                line.problems.append(f"Row {above} has the same key ({', '.join(map(str, key))}).")
            else:
                keyed[key] = line
                self.fresh[key] = line.number
        for key, ids in self._found(tx, root, list(keyed)).items():
            line = keyed[key]
            if len(ids) == 1:
                line.record = ids[0]
            else:
                line.problems.append(f"The key ({', '.join(map(str, key))}) fits {len(ids)} records.")
        if self.key == ("id",):
            for line in keyed.values():
                if line.record is None and not line.problems:
                    line.problems.append(f"There is no such record of '{root.name}'.")

    def _key_of(self, root: ObjectModel, line: Line) -> tuple[Any, ...] | None:
        if self.key[0].startswith("external:"):
            text = line.external.get(self.key[0].removeprefix("external:"))
            return (text,) if text else None
        if self.key == ("id",):
            return self._id_key(root, line)
        parts = []
        for name in self.key:
            found = root.field(name.split(".")[0])
            value = line.values.get(found.name) if found else None
            if found is None or value in (None, ""):
                return None
            try:
                parsed = (found.codec.from_text or found.codec.parse)(value)
            except InvalidValue as bad:
                line.problems.append(f"{name}: {bad.message}")
                return None
            if parsed is None:
                return None
            parts.append(key_of(root, found, parsed))
        return tuple(parts)

    def _id_key(self, root: ObjectModel, line: Line) -> tuple[Any, ...] | None:
        value = line.values.pop("id", None)
        if value in (None, ""):
            return None
        try:
            return (root.env.parse_id(str(value), [root.name])[1],)
        except InvalidValue as bad:
            line.problems.append(f"id: {bad.message}")
            return None

    def _found(
        self, tx: Transaction, root: ObjectModel, keys: list[tuple[Any, ...]]
    ) -> Mapping[tuple[Any, ...], list[int]]:
        if not keys:
            return {}
        if self.key[0].startswith("external:"):
            refs = external_ids(tx, root.name, self.key[0].removeprefix("external:"), [k[0] for k in keys])
            return {(text,): [r.id for r in found] for text, found in refs.items()}
        if self.key == ("id",):
            return {k: [k[0]] for k in keys}
        return matching(tx, root, self.key, keys)

    # -- writing ---------------------------------------------------------------------------------------------------

    def _send(self, tx: Transaction, lines: Sequence[Line], write: Callable[..., Any]) -> None:
        if not lines:
            return
        outcomes = write(self.object_name, [line.values for line in lines], mode=PARTIAL, from_text=True)
        for line, outcome in zip(lines, outcomes, strict=True):
            line.action, line.record = outcome.action, outcome.id
            for name, problems in outcome.errors.items():
                line.problems.extend(
                    f"{name}: {p['message']}" if name != "_record" else str(p["message"]) for p in problems
                )

    def _remember_external(self, tx: Transaction, lines: Sequence[Line]) -> None:
        pairs: dict[str, dict[str, int]] = {}
        for line in lines:
            for of_system, key in line.external.items():
                if line.record is not None:
                    pairs.setdefault(of_system, {})[key[:255]] = line.record
        for of_system, records in pairs.items():
            write_external_ids(tx, self.object_name, of_system, list(records.items()))


def _cell_text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _add_part(values: dict[str, Any], target: Target, cell: Any) -> None:
    """Collect the parts of a compound value under its field."""
    assert target.field is not None
    if cell in (None, ""):
        values.setdefault(target.field.name, None)
        return
    parts = values.get(target.field.name)
    if isinstance(parts, str):
        # The field itself has a column too (an amount beside its currency): it is the main part.
        parts = {"amount": parts}
    values[target.field.name] = {**(parts or {}), target.part: str(cell) if isinstance(cell, (int, Decimal)) else cell}


def _compound_text(parts: Mapping[str, Any]) -> str:
    """Return the text form of a compound value: money as people write it, anything else as JSON."""
    if set(parts) == {"amount", "currency"}:
        return f"{parts['amount']} {parts['currency']}"
    return str(parts["amount"]) if set(parts) == {"amount"} else json.dumps(parts, ensure_ascii=False)


def _as_text(line: Line, found: FieldModel, value: Any) -> Any:
    """Return the text form of a JSON value that is not a text, so that one reader serves all files."""
    try:
        parsed = found.codec.parse(value)
    except InvalidValue as bad:
        line.problems.append(f"{found.name}: {bad.message}")
        return None
    if parsed is None:
        return None
    return (found.codec.to_text or str)(parsed)
