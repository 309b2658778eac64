"""DISTANCE"""

from __future__ import annotations

import math
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import from_float
from trellis.formula.values import fail

_RADIUS = {"mi": 3958.761, "km": 6371.009}


def distance(a: tuple[Decimal, Decimal], b: tuple[Decimal, Decimal], unit: str) -> Decimal:
    """Return the great-circle distance by the haversine formula."""
    radius = _RADIUS.get(unit)
    if radius is None:
        fail("evaluation", "The unit of DISTANCE is 'mi' or 'km'.")
    lat1, lon1, lat2, lon2 = (math.radians(float(x)) for x in (*a, *b))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return from_float(2 * radius * math.asin(min(1.0, math.sqrt(half))))


FUNCTION = Function(
    "DISTANCE",
    ("location, location, text -> number",),
    "The distance of two places over the earth, in `mi` or `km`.",
    "numbers",
    python=distance,
    refused="DISTANCE has no exact SQL",
    examples=(('ROUND(DISTANCE(GEOLOCATION(37.775, -122.418), GEOLOCATION(40.7128, -74.006), "mi"), 0)', "2566"),),
)
