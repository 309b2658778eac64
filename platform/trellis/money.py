"""Currencies known to ISO 4217, with their number of minor digits (from Babel's CLDR data)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from babel.core import get_global


@cache
def currencies() -> Mapping[str, int]:
    """Return minor digits by ISO 4217 code, for every code that CLDR knows."""
    digits = get_global("currency_fractions")
    default = digits["DEFAULT"][0]
    return {code: digits.get(code, (default,))[0] for code in sorted(get_global("all_currencies"))}
