"""What checks of documents may ask: the snapshot, its relations, the formula checker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.field_types import FieldTypeSpec
from trellis_metadata.relations import Relations, targets_of
from trellis_metadata.snapshot import Key, Snapshot


class FormulaChecker(Protocol):
    """Judges a formula: syntax, names and type. ``object_name`` is the object over whose records it is evaluated."""

    def __call__(
        self,
        text: str,
        object_name: str,
        *,
        snapshot: Snapshot,
        pointer: str,
        field: Mapping[str, Any] | None = None,
        row_only: bool = False,
        template: bool = False,
    ) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``text``, at ``pointer``. ``row_only``: it may read nothing but its record.

        ``template``: the text is for people and has formulas inside, ``{!name}``, of any type but references.

        Without ``field`` the formula is a condition and returns a boolean; with it the formula gives the default of
        that field of ``object_name``.
        """
        ...


class AutomationChecker(Protocol):
    """Judges what the language cannot know of automations: actions, what they are told, formulas over results of steps."""

    def automation(self, document: Mapping[str, Any], *, snapshot: Snapshot) -> Iterable[Diagnostic]:
        """Yield what is wrong with the condition, the triggers' formulas and the steps of an automation."""
        ...

    def steps(
        self, steps: Sequence[Mapping[str, Any]], object_name: str, pointer: str, *, snapshot: Snapshot
    ) -> Iterable[Diagnostic]:
        """Yield what is wrong with steps that are done for records of ``object_name`` by another kind of document."""
        ...


@dataclass(frozen=True)
class Check:
    """One check of one snapshot."""

    snapshot: Snapshot
    field_types: Mapping[str, FieldTypeSpec]
    relations: Relations
    formula_checker: FormulaChecker | None = None
    automation_checker: AutomationChecker | None = None
    broken: frozenset[Key] = field(default_factory=frozenset)
    """Documents of a wrong shape, of which the snapshot holds a stub: what is missing in them is no further finding."""

    def is_broken(self, kind: str, name: str) -> bool:
        """Say whether the document has a wrong shape."""
        return (kind, name) in self.broken

    @cached_property
    def has_broken_objects(self) -> bool:
        """Say whether any object has a wrong shape, so that child lists may be missing."""
        return any(kind == "object" for kind, _ in self.broken)

    @cached_property
    def _children(self) -> dict[str, dict[str, list[tuple[str, str]]]]:
        found: dict[str, dict[str, list[tuple[str, str]]]] = {}
        for object_name in self.snapshot.of_kind("object"):
            for name, field_doc in self.relations.fields(object_name).items():
                relationship = field_doc.get("relationship")
                for target in targets_of(field_doc, self.field_types.get(str(field_doc.get("type")))):
                    if isinstance(relationship, str):
                        found.setdefault(target, {}).setdefault(relationship, []).append((object_name, name))
        return found

    def is_stored(self, field_type: str) -> bool:
        """Say whether values of a field type are stored; others are computed when they are read."""
        return bool(getattr(self.field_types.get(field_type), "stored", True))

    def children(self, object_name: str) -> Mapping[str, list[tuple[str, str]]]:
        """Return the child lists of an object by name: the objects and fields that point to it."""
        return self._children.get(object_name, {})

    def formula(
        self,
        text: str,
        object_name: str,
        pointer: str,
        *,
        default_of: Mapping[str, Any] | None = None,
        row_only: bool = False,
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with a formula; without a checker a formula cannot be enforced and is refused.

        ``default_of`` is the document of the field whose default the formula is; without it the formula is a condition.
        ``row_only``: the answer is stored with the record, so the formula may read nothing else.
        """
        if self.formula_checker is None:
            yield Diagnostic(
                "formula_not_available",
                pointer,
                "Formulas cannot be evaluated here, so none can be declared.",
                "Leave the formula out.",
            )
        elif self.relations.has_object(object_name):
            more: dict[str, Any] = {} if default_of is None else {"field": default_of}
            if row_only:
                more["row_only"] = True
            yield from self.formula_checker(text, object_name, snapshot=self.snapshot, pointer=pointer, **more)

    def template(self, text: str, object_name: str, pointer: str) -> Iterator[Diagnostic]:
        """Yield what is wrong with the formulas inside a text for people; without a checker there may be none."""
        if "{!" not in text:
            return
        if self.formula_checker is None:
            yield Diagnostic("formula_not_available", pointer, "Formulas cannot be evaluated here.", "Leave them out.")
        elif self.relations.has_object(object_name):
            yield from self.formula_checker(text, object_name, snapshot=self.snapshot, pointer=pointer, template=True)

    def automation(self, document: Mapping[str, Any]) -> Iterator[Diagnostic]:
        """Yield what is wrong with the steps and formulas of an automation; without a checker it is refused."""
        if self.automation_checker is None:
            yield from self._no_steps("/steps")
        else:
            yield from self.automation_checker.automation(document, snapshot=self.snapshot)

    def steps(self, steps: Sequence[Mapping[str, Any]], object_name: str, pointer: str) -> Iterator[Diagnostic]:
        """Yield what is wrong with steps that are done for records of an object; without a checker they are refused."""
        if self.automation_checker is None:
            yield from self._no_steps(pointer)
        elif self.relations.has_object(object_name):
            yield from self.automation_checker.steps(steps, object_name, pointer, snapshot=self.snapshot)

    def _no_steps(self, pointer: str) -> Iterator[Diagnostic]:
        yield Diagnostic(
            "steps_not_available",
            pointer,
            "Steps cannot be done here, so none can be declared.",
            "Leave the steps out.",
        )
