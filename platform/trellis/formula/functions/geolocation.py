"""GEOLOCATION"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Blanks, Function
from trellis.formula.values import fail


def geolocation(latitude: Decimal | None, longitude: Decimal | None) -> tuple[Decimal, Decimal] | None:
    """Return a place on earth; both parts or neither are needed."""
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        fail("null_argument", "A location needs latitude and longitude.")
    if abs(latitude) > 90 or abs(longitude) > 180:
        fail("bad_number_argument", "Latitude runs from -90 to 90 and longitude from -180 to 180.")
    return latitude, longitude


FUNCTION = Function(
    "GEOLOCATION",
    ("number, number -> location",),
    "A place by latitude and longitude in degrees.",
    "numbers",
    Blanks.OWN,
    python=geolocation,
    refused="GEOLOCATION has no SQL",
    examples=(('ROUND(DISTANCE(GEOLOCATION(0, 0), GEOLOCATION(0, 1), "km"), 1)', "111.2"),),
)
