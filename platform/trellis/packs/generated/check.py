"""What a generated test found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One generated test: what was tried, and how it ended: ``passed``, ``failed`` or ``not_found``."""

    object: str
    what: str
    result: str
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the check as a JSON value."""
        return {"object": self.object, "what": self.what, "result": self.result, "detail": self.detail}
