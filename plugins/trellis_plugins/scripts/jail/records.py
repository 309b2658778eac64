"""Records as scripts see them: values by attribute or item, changes kept apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trellis_plugins.scripts.jail.attributes import Attributes, Items
from trellis_plugins.scripts.jail.sizes import Iterates
from trellis_plugins.scripts.jail.values import MONEY, decode, pack, unpack


class Shape:
    """The fields of records that came together: positions and kinds by name, and which may be assigned.

    ``open`` shapes have no fixed fields: a name that is not there reads as None. Only the stub record has one.
    """

    __slots__ = ("kinds", "names", "object", "open", "positions", "writable")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.object: str = raw["object"]
        self.names: list[str] = raw["names"]
        self.kinds: list[str] = raw["kinds"]
        self.writable: frozenset[str] | None = frozenset(raw["writable"]) if raw.get("writable") is not None else None
        self.open: bool = bool(raw.get("open"))
        self.positions = {name: i for i, name in enumerate(self.names)}


class Record(Attributes, Items, Iterates):
    """One record. ``assign`` notes a change; nothing is written before the host has checked it."""

    __slots__ = ("_old", "_run", "_values", "changes", "reading_only", "refusals", "shape", "text_id")
    SCRIPT_NAME = "record"

    def __init__(self, shape: Shape, text_id: str | None, values: list[Any], *, run: Any = None) -> None:
        self.shape, self.text_id, self._values = shape, text_id, values
        self.changes: dict[str, Any] = {}
        self.refusals: list[list[Any]] = []
        self.reading_only = run is None
        self._run, self._old = run, None

    def before(self, old: Record | None) -> Record:
        """Set what the record was before, and return it."""
        self._old = old  # type: ignore[assignment]
        return self

    # -- reading ---------------------------------------------------------------------------------------------------

    def value(self, name: str) -> Any:
        """Return the value of a field. Raises KeyError if there is none of that name."""
        if name in self.changes:
            return self.changes[name]
        position = self.shape.positions.get(name)
        if position is None:
            if name == "id":
                return self.text_id
            if self.shape.open:
                return None
            raise KeyError(name)
        kind = self.shape.kinds[position]
        raw = self._values[position]
        return unpack(raw) if type(raw) in (dict, list) and kind != MONEY else decode(kind, raw)

    def attribute(self, name: str) -> Any:
        if name in self.shape.positions or name in self.changes:
            return self.value(name)
        if name in _METHODS:
            return getattr(self, name)
        if name == "old":
            return self._old
        if name == "is_new":
            return self.text_id is None or (self._old is None and not self.reading_only)
        if name == "object":
            return self.shape.object
        try:
            return self.value(name)
        except KeyError:
            raise AttributeError(self._unknown(name)) from None

    def item(self, key: Any) -> Any:
        if type(key) is not str:
            raise TypeError("a record is indexed by names of fields")
        return self.value(key)

    def holds(self, key: Any) -> bool:
        return type(key) is str and (key in self.shape.positions or key in self.changes)

    def items_of(self) -> Iterable[str]:
        return list(dict.fromkeys([*self.shape.names, *self.changes]))

    def _unknown(self, name: str) -> str:
        return f"'{self.shape.object}' has no field '{name}' that this run may read"

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the value of a field, or ``default`` if it is blank or not there."""
        try:
            value = self.item(name)
        except KeyError:
            return default
        return default if value is None else value

    def keys(self) -> list[str]:
        """Return the names of the fields."""
        return list(self.items_of())

    def items(self) -> list[tuple[str, Any]]:
        """Return names and values."""
        return [(n, self.value(n)) for n in self.items_of()]

    def changed(self, name: Any) -> bool:
        """Say whether the field differs from what it was before."""
        if self._old is None:
            return self.value(name) is not None
        return bool(self.value(name) != self._old.value(name))

    def currency(self, name: Any) -> str | None:
        """Return the currency code of a currency field."""
        position = self.shape.positions[name]
        raw = self._values[position]
        return raw["currency"] if self.shape.kinds[position] == MONEY and raw else None

    def to_plain(self) -> dict[str, Any]:
        """Return all values as a dictionary."""
        return {"id": self.text_id, **{n: self.value(n) for n in self.items_of()}}

    def script_text(self) -> str:
        """Return the text of the record in scripts."""
        return f"<{self.shape.object} {self.text_id or 'new'}>"

    # -- writing ---------------------------------------------------------------------------------------------------

    def assign(self, name: str, value: Any) -> None:
        if self.reading_only:
            raise AttributeError("this record is a copy and cannot be changed; use crm.update")
        writable = self.shape.writable
        if writable is not None and name not in writable:
            why = "cannot be assigned" if name in self.shape.positions else "is not a field"
            raise AttributeError(f"'{name}' of '{self.shape.object}' {why}")
        self._run.sizes.measure(value)
        pack(value)
        self.changes[name] = value

    def assign_item(self, key: Any, value: Any) -> None:
        if type(key) is not str or key.startswith("_"):
            raise TypeError("a record is indexed by names of fields")
        self.assign(key, value)

    def reject(self, message: Any, field: Any = None) -> None:
        """Refuse this record; the run goes on with the others."""
        if self.reading_only:
            raise AttributeError("only a record that is being saved can be rejected")
        self.refusals.append(self._run.refusal(message, field))

    def packed_changes(self) -> dict[str, Any]:
        """Return the changes in tagged form. A bare amount keeps the currency that the field had."""
        packed = {}
        for name, value in self.changes.items():
            # A list that was assigned may have grown since.
            self._run.sizes.measure(value)
            form = pack(value)
            position = self.shape.positions.get(name)
            if position is not None and self.shape.kinds[position] == MONEY and not isinstance(value, dict):
                currency = (self._values[position] or {}).get("currency")
                if currency and value is not None:
                    form = {"amount": {"$": "n", "v": str(value)}, "currency": currency}
            packed[name] = form
        return packed


_METHODS = frozenset({"get", "keys", "items", "changed", "currency", "reject"})
