"""What a merge came to: one outcome per element, conflicts among them, and the choices that settle these."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from trellis_metadata.addresses import ABSENT, Path
from trellis_metadata.merge.words import place, reason_text
from trellis_metadata.snapshot import Document, Snapshot


class Verdict(StrEnum):
    """Where the merged value comes from. Unchanged elements have no outcome."""

    THEIRS = "theirs"
    OURS = "ours"
    SAME = "same"
    MERGED = "merged"
    CONFLICT = "conflict"


class Side(StrEnum):
    """One of the two new values of a conflict."""

    THEIRS = "theirs"
    OURS = "ours"


Address = tuple[str, str, Path]
"""Kind, name and path: which element of which document."""
Choices = Mapping[str, Side]
"""Answers to conflicts by :attr:`Outcome.key`."""


@dataclass(frozen=True)
class Outcome:
    """What became of one element.

    A value that is not there is ABSENT. ``reason`` is a code that says why a conflict is one; ``details`` are
    sentences that go with it. ``chosen`` is the answer to a conflict, or None: then the recommendation holds.
    """

    kind: str
    name: str
    path: Path
    verdict: Verdict
    base: Any
    theirs: Any
    ours: Any
    reason: str = ""
    details: tuple[str, ...] = ()
    recommended: Side = Side.OURS
    chosen: Side | None = None

    @property
    def address(self) -> Address:
        """The element."""
        return self.kind, self.name, self.path

    @cached_property
    def key(self) -> str:
        """Identify the element together with the pair of values: a choice is good for exactly these."""
        pair = [[] if v is ABSENT else [v] for v in (self.theirs, self.ours)]
        text = json.dumps([self.kind, self.name, list(self.path), pair], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @property
    def taken(self) -> Side:
        """The side whose value a conflict gives."""
        return self.chosen or self.recommended

    @property
    def brings_news(self) -> bool:
        """Whether something of the new version arrives."""
        if self.verdict is Verdict.CONFLICT:
            return self.taken is Side.THEIRS
        return self.verdict in (Verdict.THEIRS, Verdict.MERGED)

    def describe(self, language: str = "en", document: Document | None = None) -> str:
        """Name the element in words; ``document`` is any version of the document that has it."""
        return place(self.kind, self.name, self.path, language, document)

    def to_json(self, language: str = "en", document: Document | None = None) -> dict[str, Any]:
        """Return the outcome as a JSON value, with words in ``language``. Values that are absent are left out."""
        made: dict[str, Any] = {
            "key": self.key,
            "kind": self.kind,
            "name": self.name,
            "path": list(self.path),
            "element": self.describe(language, document),
            "verdict": self.verdict.value,
            **{k: v for k in ("base", "theirs", "ours") if (v := getattr(self, k)) is not ABSENT},
        }
        if self.verdict is Verdict.CONFLICT:
            made |= {
                "reason": self.reason,
                "explanation": reason_text(self.reason, language),
                "details": list(self.details),
                "recommended": self.recommended.value,
                "chosen": self.chosen.value if self.chosen else None,
            }
        return made

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """Return the outcome that ``to_json`` wrote."""
        chosen = value.get("chosen")
        return cls(
            value["kind"],
            value["name"],
            tuple(value["path"]),
            Verdict(value["verdict"]),
            value.get("base", ABSENT),
            value.get("theirs", ABSENT),
            value.get("ours", ABSENT),
            value.get("reason", ""),
            tuple(value.get("details", ())),
            Side(value.get("recommended", "ours")),
            Side(chosen) if chosen else None,
        )


@dataclass(frozen=True)
class Merge:
    """The merged snapshot and how it came about. ``removed`` names what had to go because something it uses went."""

    snapshot: Snapshot
    outcomes: tuple[Outcome, ...]
    removed: tuple[Address, ...] = ()
    problems: Sequence[Any] = field(default=())

    @property
    def conflicts(self) -> tuple[Outcome, ...]:
        """The conflicts, settled or not."""
        return tuple(o for o in self.outcomes if o.verdict is Verdict.CONFLICT)

    @property
    def open_conflicts(self) -> tuple[Outcome, ...]:
        """The conflicts without an answer."""
        return tuple(o for o in self.conflicts if o.chosen is None)

    def count(self, verdict: Verdict) -> int:
        """Return how many elements have a verdict."""
        return sum(o.verdict is verdict for o in self.outcomes)
