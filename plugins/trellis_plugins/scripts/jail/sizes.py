"""How large a value is, found out without doing what its size could make expensive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from trellis_plugins.scripts.jail import limits
from trellis_plugins.scripts.jail.budget import Budget
from trellis_plugins.scripts.jail.limits import LimitReached

SCALARS = frozenset({bool, int, float, Decimal, date, datetime, time, timedelta, timezone, type(None)})
SEQUENCES = frozenset({list, tuple, set, frozenset})
_VIEWS = frozenset({type({}.keys()), type({}.values()), type({}.items())})
_GENERATOR = type(_ for _ in ())


class Sizes:
    """Checks of sizes for one run. Every method that finds something too large ends the run."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def text(self, length: int) -> None:
        """Allow a text of ``length`` characters to be made."""
        if length > limits.TEXT_LENGTH:
            self.budget.stop(LimitReached("text length", limits.TEXT_LENGTH))
        self.budget.allocate(length)

    def items(self, count: int) -> None:
        """Allow a collection of ``count`` items to be made."""
        if count > limits.COLLECTION_ITEMS:
            self.budget.stop(LimitReached("collection items", limits.COLLECTION_ITEMS))
        self.budget.allocate(count)

    def bits(self, count: int) -> None:
        """Allow a whole number of ``count`` bits to be made."""
        if count > limits.INTEGER_BITS:
            self.budget.stop(LimitReached("integer bits", limits.INTEGER_BITS))
        self.budget.allocate(count >> 3)

    def integer(self, value: int) -> int:
        """Return ``value`` if it is not too large."""
        if value.bit_length() > limits.INTEGER_BITS:
            self.budget.stop(LimitReached("integer bits", limits.INTEGER_BITS))
        return value

    def collect(self, value: Any) -> list[Any]:
        """Return the items of anything that may be iterated, as a new list; each item of a generator takes a step."""
        kind = type(value)
        if kind in SEQUENCES or kind is dict or kind is str or kind is range or kind in _VIEWS or kind is bytes:
            if kind is range and (value.stop.bit_length() > 62 or value.start.bit_length() > 62):
                self.items(limits.COLLECTION_ITEMS + 1)
            self.items(len(value))
            return list(value)
        found: list[Any] = []
        tick = self.budget.tick
        for item in iterate(value):
            tick()
            found.append(item)
            if len(found) > limits.COLLECTION_ITEMS:
                self.items(len(found))
        self.items(len(found))
        return found

    def measure(self, value: Any) -> int:
        """Return about how many characters ``value`` has as text; ends the run when these are too many.

        Values that hold themselves, or the same part again and again, are followed as ``repr`` would follow them, but
        only until the limit.
        """
        total, todo, tick = 0, [value], self.budget.tick
        while todo:
            current = todo.pop()
            kind = type(current)
            if kind is str:
                total += len(current) + 2
            elif kind is int:
                total += (current.bit_length() >> 1) + 4 if current.bit_length() > 64 else 8
            elif kind is bytes:
                total += 4 * len(current) + 3
            elif kind in SEQUENCES:
                total += 2 * len(current) + 2
                todo.extend(current)
                tick()
            elif kind is dict:
                total += 4 * len(current) + 2
                todo.extend(current.keys())
                todo.extend(current.values())
                tick()
            elif kind is Decimal:
                total += 60
            else:
                total += 40
            if total > limits.TEXT_LENGTH or len(todo) > limits.TEXT_LENGTH:
                self.budget.stop(LimitReached("text length", limits.TEXT_LENGTH))
        self.budget.allocate(total)
        return total


class Iterates:
    """Base of our own values that scripts may iterate over. ``items`` returns a list or a tuple."""

    __slots__ = ()

    def items_of(self) -> Iterable[Any]:
        """Return what is iterated over."""
        raise NotImplementedError


def iterate(value: Any) -> Any:
    """Return what a ``for`` may iterate over: an allow-list by exact type. Raises ``TypeError`` for the rest."""
    kind = type(value)
    if kind in _ITERABLE:
        return value
    if isinstance(value, Iterates):
        return value.items_of()
    raise TypeError(f"a value of type '{kind_name(value)}' cannot be iterated over")


def kind_name(value: Any) -> str:
    """Return the name of a value's type as scripts know it."""
    return getattr(type(value), "SCRIPT_NAME", None) or type(value).__name__


_ITERABLE = SEQUENCES | _VIEWS | {dict, str, range, bytes, _GENERATOR}
