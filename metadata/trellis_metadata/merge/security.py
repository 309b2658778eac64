"""Security: what a new version makes stricter or looser, shown to an admin even where nothing conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trellis_metadata import danger
from trellis_metadata.addresses import ABSENT
from trellis_metadata.danger import Danger
from trellis_metadata.merge.outcome import Outcome
from trellis_metadata.snapshot import Document

ACCESS_KINDS = frozenset(
    {"permission_set", "role", "sharing_rule", "restriction_rule", "org_unit_tree", "team_template"}
)
"""Kinds whose every change is about who may do what."""
_SCALE = ("none", "own", "private", "read", "team", "edit", "all")
"""Words for rights, from narrow to wide."""


@dataclass(frozen=True)
class Flag:
    """A change of the vendor that lets people do less (``tightened``) or more (``loosened``), or is about access."""

    outcome: Outcome
    direction: str

    def to_json(self, language: str = "en", document: Document | None = None) -> dict[str, Any]:
        """Return the flag with its element in words; ``document`` is any version of the document that has it."""
        element = self.outcome.describe(language, document)
        return {"key": self.outcome.key, "element": element, "direction": self.direction}


def security_flags(outcomes: Sequence[Outcome]) -> list[Flag]:
    """Return what the new version tightens or loosens, among the outcomes that bring something of it."""
    return [Flag(o, d) for o in outcomes if (d := "".join(_direction(o))) != ""]


def _direction(outcome: Outcome) -> Iterator[str]:
    if _same(outcome.base, outcome.theirs) or not outcome.brings_news:
        return
    before, after = outcome.base, outcome.theirs
    if outcome.kind in ACCESS_KINDS or (outcome.kind == "object" and outcome.path[:1] == ("sharing",)):
        yield _rights(before, after)
    elif outcome.kind == "object" and "validation" in outcome.path[:1]:
        yield "loosened" if after is ABSENT else "tightened"
    elif len(outcome.path) >= 2 and outcome.path[-2] in danger.LOSING_LISTS and before is not ABSENT:
        if after is ABSENT and outcome.path[-2] == "options":
            yield "tightened"
    elif outcome.path and _demands(outcome, before, after):
        yield "tightened"
    elif outcome.path and _demands(outcome, after, before):
        yield "loosened"


def _demands(outcome: Outcome, before: Any, after: Any) -> bool:
    key = outcome.path[-1]
    if isinstance(after, Mapping) and len(outcome.path) >= 2 and outcome.path[-2] in ("fields", "unique"):
        return before is ABSENT and bool(after.get("required") or after.get("unique") or outcome.path[-2] == "unique")
    if key not in danger.TIGHTENING:
        return False
    return danger.of_change(outcome.kind, outcome.path, before, after) is Danger.CAUTION


def _rights(before: Any, after: Any) -> str:
    if after is ABSENT or after is False:
        return "tightened"
    if before in _SCALE and after in _SCALE:
        return "tightened" if _SCALE.index(after) < _SCALE.index(before) else "loosened"
    if before is ABSENT or before is False or after is True:
        return "loosened"
    if isinstance(before, list) and isinstance(after, list):
        return "tightened" if len(after) < len(before) else "loosened"
    return "changed"


def _same(a: Any, b: Any) -> bool:
    return a is b or (a is not ABSENT and b is not ABSENT and a == b)
