"""What a document asks to have done again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Missed = Literal["once", "each", "skip"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """At each moment of ``cron`` in ``zone`` (IANA; None: the organisation's) a job of ``topic`` with ``payload``.

    ``name`` tells the schedules of one document apart. ``missed`` says what becomes of moments that passed while nothing ran:
    ``once`` makes one job for all of them, ``each`` one for each (the last hundred at most), ``skip`` none.
    """

    cron: str
    topic: str
    payload: Mapping[str, Any]
    zone: str | None = None
    name: str = "main"
    missed: Missed = "once"
