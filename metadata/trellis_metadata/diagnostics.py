"""Diagnostics: everything that is wrong with a document, at once, each with its place and its remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an ``error`` stops publishing, a ``warning`` does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what was found, what was expected, where (``document`` and JSON pointer), and what to do."""

    code: str
    pointer: str
    message: str
    remedy: str = ""
    document: str = ""
    severity: Severity = Severity.ERROR

    def to_json(self) -> dict[str, str]:
        return {
            "severity": self.severity.value,
            "code": self.code,
            "document": self.document,
            "pointer": self.pointer,
            "message": self.message,
            "remedy": self.remedy,
        }


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to ``name``, or an empty text when none is close."""
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
