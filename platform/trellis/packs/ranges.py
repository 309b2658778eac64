"""Versions of packs and the ranges in which others accept them (semver.org; ``^`` and ``~`` as npm has them)."""

from __future__ import annotations

import re
from collections.abc import Mapping

Version = tuple[int, int, int, bool, str]
_PART = re.compile(r"(>=|<=|>|<|=|\^|~)?(\d+)(?:\.(\d+))?(?:\.(\d+))?$")


def parse_version(text: str) -> Version:
    """Return a version that sorts as it should; a pre-release comes before its release."""
    number, _, suffix = text.partition("-")
    major, minor, patch = (int(p) for p in number.split("."))
    return major, minor, patch, not suffix, suffix


def accepts(wanted: str | None, version: str) -> bool:
    """Say whether ``version`` lies in a range such as ``>=1.0 <2.0``, ``^1.2`` or ``1.4`` (None: any)."""
    if wanted is None:
        return True
    found = parse_version(version)[:3]
    return all(_holds(part, found) for part in wanted.split())


def _holds(part: str, version: tuple[int, int, int]) -> bool:
    match = _PART.match(part)
    if match is None:
        return False
    sign, *numbers = match.groups()
    given = [int(n) for n in numbers if n is not None]
    low = (*given, *[0] * (3 - len(given)))
    compared = version[: len(given)]
    exact = tuple(given)
    if sign == "^":
        return version >= low and version < _next(given, _leading(given))
    if sign == "~":
        return version >= low and version < _next(given, min(1, len(given) - 1))
    tests: Mapping[str, bool] = {
        ">=": compared >= exact,
        "<=": compared <= exact,
        ">": compared > exact,
        "<": compared < exact,
    }
    return tests.get(sign or "=", compared == exact)


def _leading(given: list[int]) -> int:
    """Return the place of the first number that is not 0; only what follows it may grow."""
    return next((place for place, number in enumerate(given) if number), len(given) - 1)


def _next(given: list[int], place: int) -> tuple[int, ...]:
    return (*given[:place], given[place] + 1)
