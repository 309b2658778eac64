"""A compiled pipeline: its stages, who may go where, and the conditions as formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trellis.rules.formulas import Formula, compiled
from trellis.rules.scope import ObjectScope
from trellis_metadata.kinds.pipeline import initial_stages
from trellis_metadata.labels import Label, text_of
from trellis_metadata.snapshot import Document

_DURATION = re.compile(r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?\Z")


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition of a stage. ``message`` is None where the document gives none."""

    condition: Formula
    message: Label | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. ``document`` has what people see; the rest is what the engine asks on every move."""

    name: str
    position: int
    active: bool
    closed: str | None
    reopen: bool
    enter: Gate | None
    leave: Gate | None
    approval: str | None
    requires: tuple[str, ...]
    blocking: tuple[str, ...]
    """Names of the key activities that must be done before a record moves on."""
    stuck_after: timedelta | None
    document: Document

    def label(self, language: str) -> str:
        """Return what people call the stage."""
        return text_of(self.document.get("label"), language, self.name.replace("_", " ").capitalize())

    @property
    def counts_working_time(self) -> bool:
        """Whether ``stuck_after`` is counted by the calendar of the record's owner."""
        return self.document.get("stuck_counts") == "working_time"

    @property
    def going_on(self) -> bool:
        """Whether entering it is going on, to an open stage or to success; the opposite is giving up."""
        return self.closed in (None, "won")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One version of a pipeline."""

    name: str
    digest: str
    field: str
    when: Formula | None
    stages: Mapping[str, Stage]
    initial: tuple[str, ...]
    moves: frozenset[tuple[str, str]] | None
    in_flight: str
    probability_field: str | None
    forecast_field: str | None
    document: Document

    def may_move(self, old: str | None, new: str) -> bool:
        """Whether a record in stage ``old`` (None: in none of this pipeline) may go to ``new``, conditions aside."""
        target, source = self.stages.get(new), self.stages.get(old or "")
        if target is None or not target.active:
            return False
        if source is None or old == new:
            return True
        if self.moves is not None and (source.name, new) in self.moves:
            return True
        if source.closed:
            return source.reopen and target.closed is None
        return self.moves is None

    def targets(self, old: str | None) -> list[str]:
        """Return the stages to which a record in ``old`` may go, in order."""
        return [n for n in self.stages if n != old and self.may_move(old, n)]

    def moves_on(self, old: str, new: str) -> bool:
        """Whether going from ``old`` to ``new`` asks that ``old`` be finished: forward among open stages, or to success."""
        source, target = self.stages[old], self.stages[new]
        return source.closed is None and (
            target.closed == "won" or (target.closed is None and target.position > source.position)
        )


def compile_pipeline(document: Document, digest: str, scope: ObjectScope) -> Pipeline:
    """Return the pipeline ready to use. Raises ``FormulaError`` where a formula does not fit the scope."""
    moves = document.get("moves")
    return Pipeline(
        document["name"],
        digest,
        document["field"],
        compiled(scope, document["when"]) if "when" in document else None,
        {s["name"]: _stage(s, i, scope) for i, s in enumerate(document["stages"])},
        initial_stages(document),
        None if moves is None else frozenset((a, b) for a, b in moves),
        document.get("in_flight", "current"),
        document.get("probability_field"),
        document.get("forecast_field"),
        document,
    )


def _stage(document: Document, position: int, scope: ObjectScope) -> Stage:
    return Stage(
        document["name"],
        position,
        document.get("active", True),
        document.get("closed"),
        document.get("reopen", False),
        _gate(document, "enter", scope),
        _gate(document, "leave", scope),
        document.get("approval"),
        tuple(document.get("requires", ())),
        tuple(a["name"] for a in document.get("activities", ()) if a.get("required")),
        duration(document["stuck_after"]) if "stuck_after" in document else None,
        document,
    )


def _gate(document: Document, side: str, scope: ObjectScope) -> Gate | None:
    text = document.get(f"{side}_when")
    return None if text is None else Gate(compiled(scope, text), document.get(f"{side}_message"))


def duration(text: str) -> timedelta:
    """Return an ISO 8601 duration of weeks, days, hours and minutes."""
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration in weeks, days, hours and minutes")
    parts: dict[str, Any] = {k: int(v) for k, v in found.groupdict().items() if v}
    return timedelta(**parts)
