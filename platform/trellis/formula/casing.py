"""Upper and lower case by the full mapping of Unicode, and by the rules for the Turkish dotted and dotless i."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trellis.formula.sql.pieces import Refused, Sql
from trellis_metadata.formula.typed import Const, Node

_UP = str.maketrans({"i": "İ", "ı": "I"})
_DOWN = str.maketrans({"İ": "i", "I": "ı"})


def _turkic(locale: str) -> bool:
    return locale.replace("_", "-").lower().split("-")[0] in ("tr", "az")


def upper(text: str, locale: str = "") -> str:
    """Return the text in capitals."""
    return (text.translate(_UP) if _turkic(locale) else text).upper()


def lower(text: str, locale: str = "") -> str:
    """Return the text in small letters."""
    return (text.translate(_DOWN) if _turkic(locale) else text).lower()


def case_sql(function: str) -> Callable[[Sequence[Node], Sequence[Sql]], Sql]:
    """Return the PostgreSQL body: the mapping of ICU for the language that the formula names."""

    def body(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
        collation = "und-x-icu"
        if len(nodes) > 1:
            locale = nodes[1]
            if not isinstance(locale, Const):
                raise Refused(f"{function.upper()} with a computed language has no SQL")
            if locale.value is None:
                return args[0].wrap("NULL::text", args)
            collation = "tr-x-icu" if _turkic(str(locale.value)) else collation
        return args[0].wrap(f'({function}({{0}} COLLATE "{collation}") COLLATE "C")', args)

    return body
