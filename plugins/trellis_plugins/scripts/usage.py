"""What a pack has used in a transaction, and what is left of its limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from trellis_plugins.scripts.jail.limits import Limits


class Used(Exception):
    """A limit that the host counts is reached."""

    def __init__(self, name: str, allowed: float) -> None:
        self.name, self.allowed = name, allowed
        super().__init__(f"{name} is limited to {allowed:g}")


COUNTED = ("queries", "rows", "writes", "rows_written")


@dataclass
class Usage:
    """Counts for one pack in one transaction."""

    limits: Limits
    used: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def take(self, name: str, count: int, lower: Limits) -> None:
        """Count; raise :class:`Used` beyond the limit of the pack or the lower one of the script."""
        self.used[name] += count
        allowed = min(getattr(self.limits, name), getattr(lower, name))
        if self.used[name] > allowed:
            raise Used(name, allowed)

    def left(self) -> dict[str, int]:
        """Return what is left."""
        return {n: max(0, getattr(self.limits, n) - self.used[n]) for n in COUNTED}
