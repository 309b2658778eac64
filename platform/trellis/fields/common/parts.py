"""Readers of the parts of compound values (addresses, names of people)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trellis.fields.base import InvalidValue

Reader = Callable[[Any], str | None]


def part_reader(name: str, read: Reader) -> Reader:
    """Return ``read`` as the reader of the part ``name``: null stays null, and refusals say which part they concern."""

    def parse(value: Any) -> str | None:
        try:
            return None if value is None else read(value)
        except InvalidValue as problem:
            details = {**problem.details, "part": name}
            raise InvalidValue(problem.code, f"{name}: {problem.message}", **details) from None

    return parse
