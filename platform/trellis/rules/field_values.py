"""From what a formula gives to a value of a field: which types fit, and the conversion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from trellis.fields import field_types
from trellis.formula.numbers import WIDE, plain
from trellis.model import FieldModel
from trellis.storage.types import ScaledDecimal
from trellis_metadata.formula.types import FREE, Type

ACCEPTED: Mapping[str, tuple[Type, ...]] = {
    "text": (Type.TEXT,),
    "number": (Type.NUMBER,),
    "boolean": (Type.BOOLEAN,),
    "date": (Type.DATE,),
    "datetime": (Type.DATETIME,),
    "time": (Type.TIME,),
    "choice": (Type.PICKLIST, Type.TEXT),
    "choices": (Type.MULTIPICKLIST,),
    "reference": (Type.REFERENCE,),
}
"""Types of formulas whose values a field of a category takes. A category that is missing takes none."""


def accepts(field: Mapping[str, Any], given: Type) -> bool:
    """Say whether a formula of type ``given`` may fill the field."""
    wanted = wanted_types(field)
    return bool(wanted) and (given in FREE or given in wanted)


def wanted_types(field: Mapping[str, Any]) -> tuple[Type, ...]:
    """Return the types that fit the field; empty when no formula can give its values."""
    return ACCEPTED.get(field_types()[field["type"]].category, ())


def to_field(field: FieldModel, value: Any) -> Any:
    """Return the value of a formula as a value of ``field``.

    Numbers are rounded half up to the decimals of the field; a share becomes percent units; a number for a duration is
    seconds. Raises ``InvalidValue`` when the field does not take the value.
    """
    return None if value is None else field.codec.parse(_json(field, value))


def as_sent(field: FieldModel, value: Any) -> Any:
    """Return the value of a formula as somebody who writes the field would send it: JSON that the field's codec reads."""
    return None if value is None else _json(field, value)


def _json(field: FieldModel, value: Any) -> Any:
    match value:
        case Decimal():
            return _number(field, value)
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date() | time():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value


def _number(field: FieldModel, value: Decimal) -> Any:
    number = WIDE.scaleb(value, 2) if field.doc["type"] == "percent" else value
    column = field.columns[0].type
    scale = column.scale if isinstance(column, ScaledDecimal) else 0
    rounded = number.quantize(Decimal(1).scaleb(-(scale or 0)), ROUND_HALF_UP, WIDE)
    if isinstance(column, ScaledDecimal):
        return plain(rounded)
    whole = int(rounded)
    return field.codec.to_json(whole) if field.codec.to_json and whole >= 0 else whole
