"""How values are written for people inside a text: numbers, days and options as their language writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal

from trellis.rules.scope import ObjectScope
from trellis_metadata.formula.typed import Field, Typed
from trellis_metadata.formula.types import Type
from trellis_metadata.labels import text_of

LOCALES = {"en": "en_US", "zh": "zh_Hans_CN"}
TRUTH = {"en": ("yes", "no"), "zh": ("是", "否")}
_PLACES = "#,##0." + "#" * 15
Writer = Callable[[Any], str]


def writer_of(scope: ObjectScope, typed: Typed, language: str, zone: ZoneInfo) -> Writer:
    """Return what writes the values of a formula in ``language`` (``en`` or ``zh``). A blank is the empty text."""
    labels = _labels(scope, typed, language) if typed.type in (Type.PICKLIST, Type.MULTIPICKLIST) else {}
    locale = LOCALES.get(language, LOCALES["en"])

    def write(value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return TRUTH.get(language, TRUTH["en"])[0 if value else 1]
        if isinstance(value, (Decimal, int)):
            return format_decimal(value, format=_PLACES, locale=locale)
        if isinstance(value, datetime):
            return format_datetime(value.astimezone(zone), "medium", locale=locale)
        if isinstance(value, date):
            return format_date(value, "long", locale=locale)
        if isinstance(value, time):
            return format_time(value, "short", locale=locale)
        if isinstance(value, (list, tuple, set, frozenset)):
            return ("、" if language == "zh" else ", ").join(write(v) for v in value)
        return labels.get(str(value), str(value))

    return write


def _labels(scope: ObjectScope, typed: Typed, language: str) -> Mapping[str, str]:
    """Return the labels of the options of a field that stands alone; a computed option is its own name."""
    if not isinstance(typed.root, Field):
        return {}
    found = scope.end_of(typed.root.symbol.path)
    if found is None:
        return {}
    _, field = found
    source = scope.snapshot.get("picklist", field["picklist"]) if "picklist" in field else field
    options = (source or {}).get("options", ())
    return {o["name"]: text_of(o.get("label"), language, o["name"]) for o in options}
