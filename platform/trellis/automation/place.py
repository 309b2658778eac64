"""Where a step stands, and what its formulas can see from there.

Besides what every rule of the object sees: ``$steps.<name>.<field>`` (what an earlier step made or found), ``$record.<field>``
(inside a loop over related records: the record of the run), ``$body`` (the text of a message from outside).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from trellis.rules.scope import ObjectScope
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

STEPS, RECORD, BODY = "$steps", "$record", "$body"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a step leaves for later ones: a record of ``object``, or ``values`` by name."""

    object: str | None = None
    values: Mapping[str, Type] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """``object`` is None where there is no record; ``root`` is the object of the run's record inside a loop."""

    snapshot: Snapshot
    object: str | None
    root: str | None = None
    results: Mapping[str, Shape] = field(default_factory=dict)
    body: bool = False
    before: bool = False
    may_wait: bool = True

    @property
    def scope(self) -> StepScope:
        """The names that formulas may use here."""
        return StepScope(self)

    def with_result(self, name: str, shape: Shape) -> Place:
        """Return the place after a step."""
        return replace(self, results={**self.results, name: shape})

    def inside(self, object_name: str) -> Place:
        """Return the place of what is done for each related record of ``object_name``."""
        return replace(self, object=object_name, root=self.root or self.object, may_wait=False)


class StepScope(ObjectScope):
    """Names as the formulas of a step see them."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.snapshot, place.object or "")
        self.place = place

    def resolve(self, name: str) -> Symbol | None:
        head, _, rest = name.lower().partition(".")
        if head == STEPS:
            return self._result(rest.split("."))
        if head == RECORD:
            return self._walk(self.place.root, rest.split("."), (RECORD,)) if self.place.root and rest else None
        if head == BODY:
            return Symbol(BODY, Type.TEXT) if self.place.body and not rest else None
        if self.place.object is None and not head.startswith("$"):
            return None
        return super().resolve(name)

    def _result(self, steps: list[str]) -> Symbol | None:
        shape = self.place.results.get(steps[0])
        if shape is None or len(steps) < 2:
            return None
        if shape.object is not None:
            return self._walk(shape.object, steps[1:], (STEPS, steps[0]))
        kind = shape.values.get(steps[1]) if len(steps) == 2 else None
        return None if kind is None else Symbol(".".join((STEPS, *steps)), kind)

    def names(self, near: str) -> Iterable[str]:
        head, _, rest = near.lower().partition(".")
        if head == STEPS:
            name = rest.partition(".")[0]
            shape = self.place.results.get(name)
            if shape is None:
                return [f"{STEPS}.{n}.id" for n in self.place.results]
            known = self._fields(shape.object) if shape.object is not None else shape.values
            return [f"{STEPS}.{name}.{field}" for field in known]
        if head == RECORD and self.place.root:
            return [f"{RECORD}.{name}" for name in self._fields(self.place.root)]
        return super().names(near) if self.place.object is not None or head.startswith("$") else []
