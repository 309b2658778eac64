"""Points on the earth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, InvalidValue, Part
from trellis.fields.common.characters import is_blank
from trellis.fields.common.compound import json_object, object_schema
from trellis.fields.common.numbers import DECIMAL_PATTERN, fit, plain, read_decimal
from trellis.fields.common.problems import invalid, require_object
from trellis.storage.types import ScaledDecimal

_EXPECTED = "an object of latitude and longitude in degrees"
_PRECISION, _SCALE = 9, 6
_LIMITS = {"latitude": 90, "longitude": 180}


@dataclass(frozen=True, slots=True)
class Point:
    """A point in degrees (WGS 84), north and east positive, six decimals (about a tenth of a metre)."""

    latitude: Decimal
    longitude: Decimal


class GeolocationField(FieldType):
    """A point. Sorted and compared by latitude, its main column; distances are computed from both."""

    name = "geolocation"
    label = {"en": "Geolocation", "zh": "地理位置"}
    icon = "current-location"
    category = "opaque"
    widget = "geolocation"
    parts = {"latitude": "number", "longitude": "number"}
    unique_allowed = False

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        columns = tuple(Column(ScaledDecimal(_PRECISION, _SCALE), name) for name in _LIMITS)
        parts = {
            "latitude": Part("latitude", "number", plain, _latitude),
            "longitude": Part("longitude", "number", plain, _longitude),
        }
        schema = object_schema(
            {
                name: {
                    "type": ["string", "number"],
                    "pattern": r"^\s*$|" + DECIMAL_PATTERN,
                    "minimum": -limit,
                    "maximum": limit,
                }
                for name, limit in _LIMITS.items()
            }
        )
        return Codec(
            columns,
            parse,
            "opaque",
            to_json=to_json,
            to_columns=_to_columns,
            from_columns=_from_columns,
            from_text=from_text,
            to_text=to_text,
            compare=_to_columns,
            parts=parts,
            json_schema=schema,
        )


def _read(name: str, value: Any) -> Decimal:
    limit = _LIMITS[name]
    try:
        degrees = fit(read_decimal(value, f"a {name} in degrees"), _PRECISION, _SCALE, value)
    except InvalidValue as problem:
        raise InvalidValue(problem.code, f"{name}: {problem.message}", **{**problem.details, "part": name}) from None
    if abs(degrees) > limit:
        raise invalid("out_of_range", value, f"a {name} from -{limit} to {limit}", part=name)
    return degrees


def _latitude(value: Any) -> Decimal:
    return _read("latitude", value)


def _longitude(value: Any) -> Decimal:
    return _read("longitude", value)


def parse(value: Any) -> Point | None:
    """Read a point, None when both parts are blank; one alone is refused."""
    if is_blank(value) or isinstance(value, Point):
        return value if isinstance(value, Point) else None
    given = require_object(value, _LIMITS, _EXPECTED)
    missing = [name for name in _LIMITS if given.get(name) is None or is_blank(given[name])]
    if len(missing) == 2:
        return None
    if missing:
        raise invalid("missing_part", value, f"a {missing[0]} too", part=missing[0])
    return Point(_latitude(given["latitude"]), _longitude(given["longitude"]))


def from_text(text: str) -> Point | None:
    """Read ``latitude, longitude``, or the JSON form."""
    found = json_object(text, _EXPECTED)
    if found is None:
        degrees = [part.strip() for part in text.replace("，", ",").split(",")]
        if len(degrees) > 2 or (len(degrees) == 1 and degrees[0]):
            raise invalid("bad_format", text, "latitude and longitude, such as 31.230416, 121.473701")
        found = dict(zip(_LIMITS, degrees, strict=False))
    return parse(found)


def to_json(value: Point) -> dict[str, str]:
    """Return both parts as texts of digits."""
    return {"latitude": plain(value.latitude), "longitude": plain(value.longitude)}


def to_text(value: Point) -> str:
    """Return the form for files, ``31.230416, 121.473701``."""
    return f"{plain(value.latitude)}, {plain(value.longitude)}"


def _to_columns(value: Point) -> tuple[Any, ...]:
    return value.latitude, value.longitude


def _from_columns(row: tuple[Any, ...]) -> Point | None:
    return None if row[0] is None else Point(*row)
