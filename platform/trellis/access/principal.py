"""Who acts, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trellis.access.grants import NO_GRANTS, Grants


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone or something that reads and writes.

    ``kind`` is ``person``, ``portal``, ``token``, ``script`` or ``system``; ``user`` is the number of the user record on
    whose behalf it acts (None for the system). ``admin`` may do everything, setup included. ``scopes`` limits a token:
    ``read``, ``write``, ``setup``; None means no limit. ``grants`` is what the person's permission sets add up to: without
    them a principal who is no administrator may do nothing. ``behind`` is the number of the administrator who logged in as
    this person, ``behind_name`` his name.
    """

    kind: str
    user: int | None
    name: str
    admin: bool = False
    language: str = "en"
    time_zone: str | None = None
    scopes: frozenset[str] | None = None
    grants: Grants = field(default=NO_GRANTS, compare=False, repr=False)
    behind: int | None = None
    behind_name: str = ""

    def may(self, scope: str) -> bool:
        """Whether the token's scopes (if any) include ``scope``."""
        return self.scopes is None or scope in self.scopes


SYSTEM = Principal("system", None, "system", admin=True)


@dataclass(frozen=True, slots=True)
class Cause:
    """What started a write: ``kind`` (``ui``, ``api``, ``import``, ``bulk``, ``cli``, ``cascade``, ``undo`` …) and details."""

    kind: str
    detail: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.detail}
