"""One compiled field of an object, system fields included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trellis.fields.base import Codec, FieldType
from trellis_metadata.labels import text_of


@dataclass(frozen=True, slots=True)
class FieldModel:
    """A field with its codec and its physical columns (in codec order)."""

    name: str
    doc: Mapping[str, Any]
    type: FieldType
    codec: Codec
    columns: tuple[sa.Column[Any], ...]
    system: bool = False

    @property
    def column(self) -> sa.Column[Any]:
        """The main column: the one that is compared and sorted."""
        return self.columns[0]

    @property
    def writable(self) -> bool:
        """Whether people and programs may write the field (system fields: only in migration mode, save ``owner``)."""
        return not self.type.computed and (not self.system or self.name in ("owner", "record_type"))

    @property
    def required(self) -> bool:
        return bool(self.doc.get("required")) or self.doc["type"] == "master_detail"

    @property
    def category(self) -> str:
        """Which operators and comparison apply."""
        return self.codec.category

    def label(self, language: str) -> str:
        """Return the field's label for people."""
        return text_of(self.doc.get("label"), language, self.name.replace("_", " ").capitalize())

    def part_column(self, part: str) -> sa.Column[Any]:
        """Return the column of a part such as ``city`` of an address. Raises KeyError for an unknown part."""
        suffix = self.codec.parts[part].suffix
        for column, spec in zip(self.columns, self.codec.columns, strict=True):
            if spec.suffix == suffix:
                return column
        raise KeyError(part)

    def part_value(self, value: Any, part: str) -> Any:
        """Return the part of a value, None when the value or the part is null. Raises KeyError for an unknown part."""
        suffix = self.codec.parts[part].suffix
        place = next(i for i, spec in enumerate(self.codec.columns) if spec.suffix == suffix)
        return self.encode(value)[place]

    @property
    def is_formula(self) -> bool:
        """Whether the value is computed when it is read; such a field has no columns."""
        return not self.type.stored

    @property
    def stored(self) -> bool:
        """Whether the value stands in columns."""
        return self.type.stored

    @property
    def is_shown(self) -> bool:
        """Whether the field has a value to show, stored or computed."""
        return bool(self.columns) or self.is_formula

    def encode(self, value: Any) -> tuple[Any, ...]:
        """Return one database value per column; None gives all NULL."""
        if value is None:
            return (None,) * len(self.columns)
        if self.codec.to_columns is None:
            return (value,)
        return self.codec.to_columns(value)

    def decode(self, values: tuple[Any, ...]) -> Any:
        """Return the Python value of one tuple of database values."""
        if self.codec.from_columns is None:
            return values[0]
        return None if values.count(None) == len(values) else self.codec.from_columns(values)

    def json_writer(self) -> Callable[[Any], Any] | None:
        """Return the function from a non-null Python value to JSON, or None where the value itself will do."""
        return self.codec.to_json
