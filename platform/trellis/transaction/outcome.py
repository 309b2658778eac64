"""What became of one row of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Outcome:
    """``action`` is ``created``, ``updated``, ``unchanged``, ``deleted``, ``restored`` or ``refused``.

    ``id`` is the record's number (None when refused before it had one); ``values`` are the record's values after the
    write, by field name; ``errors`` is empty unless refused.
    """

    action: str
    object: str
    id: int | None = None
    version: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
