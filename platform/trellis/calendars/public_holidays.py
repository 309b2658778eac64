"""Public holidays and make-up workdays of countries, from the library ``holidays``.

The library knows what has been announced: China's make-up workdays up to the year for which the State Council has published them.
Later years have the holidays of the law only; a calendar's own days fill the gap, or the next version of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class PublicYear:
    """The days of one year: closed ones with their names, and weekend days that are worked."""

    closed: Mapping[date, str]
    worked: frozenset[date]


@lru_cache(maxsize=512)
def public_year(country: str, subdivision: str | None, year: int, language: str | None = None) -> PublicYear:
    """Return the holidays of a place. ``language`` is one of the library's (``en_US``, ``zh_CN``), where it has it."""
    import holidays

    # Neighbouring years too: a make-up day may lie in the year before or after its holiday.
    years = (year - 1, year, year + 1)
    found = holidays.country_holidays(country, subdiv=subdivision, years=years, language=language, expand=False)
    worked = frozenset(d for d in getattr(found, "weekend_workdays", ()) if d.year == year)
    closed = {d: name for d, name in sorted(found.items()) if d.year == year and d not in worked}
    return PublicYear(closed, worked)
