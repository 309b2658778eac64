"""One record on its way through the write path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Row:
    """``given`` holds what the caller sent, parsed; ``old`` the stored values (None: new record); ``new`` the values to be stored.

    All three map field names, system fields included, to Python values.
    """

    index: int
    id: int | None = None
    given: dict[str, Any] = field(default_factory=dict)
    old: dict[str, Any] | None = None
    new: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    expected_version: int | None = None
    changed: tuple[str, ...] = ()

    def refuse(self, at: str, code: str, message: str) -> None:
        """Record an error at a field (``_record``: the whole)."""
        self.errors.setdefault(at, []).append({"code": code, "message": message})

    def value(self, name: str) -> Any:
        """Return the value that the field will have."""
        if name in self.new:
            return self.new[name]
        return self.old.get(name) if self.old else None
