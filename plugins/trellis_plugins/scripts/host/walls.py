"""What this machine offers for the second wall."""

from __future__ import annotations

import sys
from dataclasses import dataclass

REQUIRED = ("resource limits", "Landlock", "seccomp")


@dataclass(frozen=True, slots=True)
class Walls:
    """The parts of the second wall that the machine offers. ``missing`` names those of :data:`REQUIRED` that it does not."""

    landlock: int
    seccomp: bool
    linux: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the required parts that are not there."""
        there = {"resource limits": self.linux, "Landlock": self.landlock > 0, "seccomp": self.seccomp}
        return tuple(name for name in REQUIRED if not there[name])


def examine() -> Walls:
    """Return what the machine offers."""
    if not sys.platform.startswith("linux"):
        return Walls(0, False, False)
    from trellis_plugins.scripts.jail import lockdown

    return Walls(lockdown.landlock_version(), lockdown.seccomp_offered(), True)
