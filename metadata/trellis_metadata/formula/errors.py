"""Problems in a formula.

Each with the characters it is about and, where one is close, the name that was probably meant.
"""

from __future__ import annotations

from dataclasses import dataclass

from trellis_metadata.errors import TrellisError


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. ``start`` and ``end`` count characters of the formula from 0; ``end`` is exclusive."""

    code: str
    message: str
    start: int
    end: int

    def place(self, text: str) -> tuple[int, int]:
        """Return line and column of the first character, both from 1."""
        before = text[: self.start]
        return before.count("\n") + 1, self.start - (before.rfind("\n") + 1) + 1

    def show(self, text: str) -> str:
        """Return the message with its line of the formula and a caret below the place."""
        line_no, column = self.place(text)
        line = text.split("\n")[line_no - 1]
        width = max(1, min(self.end, self.start + len(line) - column + 1) - self.start)
        low = max(0, column - 61)
        return f"{line_no}:{column}: {self.message}\n  {line[low : low + 120]}\n  {' ' * (column - 1 - low)}{'^' * min(width, 60)}"


class FormulaError(TrellisError):
    """A formula that cannot be used; ``problems`` has everything that was found, in order of place."""

    code = "formula"

    def __init__(self, text: str, problems: tuple[Problem, ...]) -> None:
        self.text = text
        self.problems = tuple(sorted(problems, key=lambda p: (p.start, p.end)))
        super().__init__("\n".join(p.show(text) for p in self.problems))
        self.code = self.problems[0].code

    @property
    def position(self) -> int:
        """Place of the first problem, counted in characters from 0."""
        return self.problems[0].start
