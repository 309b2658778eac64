"""Where a request comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """``address`` and ``agent`` are told by the connection and its browser; ``browser`` is the cookie of a known browser."""

    address: str = ""
    agent: str = ""
    browser: str = ""


NOWHERE = Origin()
"""The command line, or a test."""
