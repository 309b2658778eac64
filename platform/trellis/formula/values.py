"""Values, errors and the context of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn, Protocol
from zoneinfo import ZoneInfo

from trellis.clock import SystemClock
from trellis_metadata.errors import TrellisError


class EvaluationError(TrellisError):
    """A formula met a value that it cannot compute with.

    Caught at the top of the formula, where it becomes an error value.
    """

    code = "evaluation"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What an erroneous row gives instead of a value. ``code`` is stable (``arithmetic``, ``bad_date`` …)."""

    code: str
    message: str

    def __bool__(self) -> bool:
        return False


class Outside(Protocol):
    """What formulas may ask beyond their record."""

    def rate(self, currency: str, day: date) -> Decimal | None:
        """Return what one unit of ``currency`` is worth in the organisation's currency on ``day``, None if unknown."""
        ...

    def find(self, object_name: str, key_field: str, value: Any, field: str) -> Any:
        """Return a field of the record whose unique ``key_field`` has ``value``; None if there is none."""
        ...


@dataclass(slots=True)
class Context:
    """What one evaluation sees.

    ``row`` offers values by canonical path (``amount``, ``account.name``, ``$user.email``); it may compute them when
    asked.
    ``old`` is the row before the change, None when there is none. ``now`` is the one instant of the evaluation.
    ``zone`` is the zone that TODAY and DATEVALUE use, ``fiscal_start`` the first month of the fiscal year. ``outside``
    answers for exchange rates and other records; where it is None, functions that need it are errors.
    """

    row: Mapping[str, Any]
    now: datetime = field(default_factory=SystemClock().now)
    zone: ZoneInfo | Any = UTC
    old: Mapping[str, Any] | None = None
    is_new: bool = False
    is_clone: bool = False
    fiscal_start: int = 1
    outside: Outside | None = None
    memo: dict[int, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


Closure = Callable[[Context], Any]


MAX_LENGTH = 1_000_000
"""Longest text between two steps: functions that multiply a text must not fill the memory."""


def fail(code: str, message: str) -> NoReturn:
    """Raise an evaluation error; usable inside an expression."""
    raise EvaluationError(code, message)


def bounded(text: str) -> str:
    """Return ``text``; one that has grown beyond any use is an error."""
    if len(text) > MAX_LENGTH:
        fail("evaluation", f"The text has more than {MAX_LENGTH} characters.")
    return text
