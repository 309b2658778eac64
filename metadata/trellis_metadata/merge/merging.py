"""The merge of three snapshots: names first, then document by document, then what does not fit together.

``base`` is the pristine version that was installed, ``theirs`` the pristine new one, ``ours`` all that the tenant has.
What the language finds wrong with the result becomes a conflict at the element that causes it; a broken result is never
handed out unless ``problems`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trellis_metadata.addresses import ABSENT
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.language import Language
from trellis_metadata.merge.naming import align
from trellis_metadata.merge.outcome import Address, Choices, Merge, Outcome, Side, Verdict
from trellis_metadata.merge.pruning import errors_in, prune
from trellis_metadata.merge.rewriting import at_pointer, names_in, parts_of, scope_of
from trellis_metadata.merge.three_way import Forced, ThreeWay
from trellis_metadata.relations import Relations, targets_of
from trellis_metadata.snapshot import Snapshot

ROUNDS = 25


def merge(
    base: Snapshot, theirs: Snapshot, ours: Snapshot, language: Language, choices: Choices | None = None
) -> Merge:
    """Merge the changes from ``base`` to ``theirs`` into ``ours``.

    Documents of ``ours`` that neither of the others has are left alone. ``choices`` answers conflicts by their keys; a
    conflict without an answer gets what is recommended. Never raises; ``problems`` of the result lists the errors that
    are left, which happens only where the choices leave no way out or ``ours`` was broken before.
    """
    answers = choices or {}
    known = {(e.document, e.code, e.message) for e in errors_in(language, ours)}
    aligned = _Aligned(*align(base, theirs, ours, language, answers), language)
    forced: dict[Address, Forced] = {}
    removed: tuple[Address, ...] = ()
    for _ in range(ROUNDS):
        snapshot, outcomes = aligned.once(answers, forced)
        problems = [e for e in errors_in(language, snapshot) if (e.document, e.code, e.message) not in known]
        if not problems:
            return Merge(snapshot, outcomes, removed)
        causes = dict(aligned.causes(problems, outcomes, snapshot, forced))
        if not causes:
            snapshot, gone = prune(language, snapshot)
            left = [e for e in errors_in(language, snapshot) if (e.document, e.code, e.message) not in known]
            return Merge(snapshot, outcomes, tuple(gone), left)
        forced |= causes
    return Merge(snapshot, outcomes, removed, problems)


@dataclass
class _Aligned:
    """The three versions under common names."""

    base: Snapshot
    theirs: Snapshot
    ours: Snapshot
    named: list[Outcome]
    language: Language

    def once(self, choices: Choices, forced: dict[Address, Forced]) -> tuple[Snapshot, tuple[Outcome, ...]]:
        """Merge every document that base or theirs has."""
        result = dict(self.ours.documents)
        outcomes = list(self.named)
        for key in sorted({*self.base.documents, *self.theirs.documents}):
            base, theirs, ours = (s.documents.get(key, ABSENT) for s in (self.base, self.theirs, self.ours))
            if base == theirs == ours and (*key, ()) not in forced:
                continue
            one = ThreeWay(*key, choices, forced)
            document = one.document(base, theirs, ours, self.language.structure(key[0]))
            outcomes += one.outcomes
            if document is ABSENT:
                result.pop(key, None)
            else:
                result[key] = document
        return Snapshot(result), tuple(outcomes)

    def causes(
        self,
        problems: Iterable[Diagnostic],
        outcomes: tuple[Outcome, ...],
        snapshot: Snapshot,
        forced: dict[Address, Forced],
    ) -> Iterator[tuple[Address, Forced]]:
        """Yield the elements whose merge is to blame for the errors, and which were not blamed before."""
        deletions = [o for o in outcomes if _is_deletion(o)]
        for problem in problems:
            used = self._used_at(problem, snapshot)
            blamed = [o for o in deletions if (o.kind, o.name, o.path) in used]
            blamed = blamed or [o for o in deletions if _is_named(o, problem)]
            if blamed:
                yield from self._deleted(blamed, problem, forced)
            else:
                yield from self._unfit(problem, outcomes, snapshot, forced)

    def _deleted(
        self, blamed: list[Outcome], problem: Diagnostic, forced: dict[Address, Forced]
    ) -> Iterator[tuple[Address, Forced]]:
        for outcome in blamed:
            if outcome.address not in forced and outcome.verdict in (Verdict.THEIRS, Verdict.OURS):
                reason = "still_used" if outcome.verdict is Verdict.THEIRS else "missed"
                yield outcome.address, Forced(reason, (f"{problem.document}: {problem.message}",))

    def _used_at(self, problem: Diagnostic, snapshot: Snapshot) -> set[Address]:
        """Return the documents and fields that the erroneous place names."""
        kind, _, name = problem.document.partition("/")
        document = snapshot.get(kind, name)
        if document is None:
            return set()
        around = self.base.with_documents(self.theirs).with_documents(self.ours)
        relations = Relations(around, self.language.field_types, self.language.system)
        used: set[Address] = set()
        for reference in self.language.kind(kind).references(document):
            if reference.pointer.startswith(problem.pointer) or problem.pointer.startswith(reference.pointer):
                used.add((reference.kind, reference.name, ()))
                if reference.field:
                    used |= set(_steps(relations, self.language, reference.name, reference.field))
        text = at_pointer(document, problem.pointer)
        for found in names_in(text) if isinstance(text, str) else ():
            used |= set(_steps(relations, self.language, scope_of(document), found.text))
        return used

    def _unfit(
        self,
        problem: Diagnostic,
        outcomes: tuple[Outcome, ...],
        snapshot: Snapshot,
        forced: dict[Address, Forced],
    ) -> Iterator[tuple[Address, Forced]]:
        kind, _, name = problem.document.partition("/")
        document = snapshot.get(kind, name)
        fits = Forced("does_not_fit", (problem.message,))
        brought = [o for o in outcomes if (o.kind, o.name) == (kind, name) and o.brings_news]
        for path in _elements_around(document, parts_of(problem.pointer)):
            if (kind, name, path) in forced:
                continue
            if any(o.path[: len(path)] == path for o in brought):
                yield (kind, name, path), fits
                return
        # The document is all ours: something that it leans on changed.
        for key in sorted({(o.kind, o.name) for o in outcomes if o.brings_news}):
            if (*key, ()) not in forced:
                yield (*key, ()), fits


def _is_deletion(outcome: Outcome) -> bool:
    result = {Verdict.THEIRS: outcome.theirs, Verdict.OURS: outcome.ours}.get(outcome.verdict)
    if outcome.verdict is Verdict.CONFLICT:
        result = outcome.theirs if outcome.taken is Side.THEIRS else outcome.ours
    return result is ABSENT and (len(outcome.path) == 0 or len(outcome.path) >= 2)


def _is_named(outcome: Outcome, problem: Diagnostic) -> bool:
    """Whether the message of a problem quotes the element that was deleted."""
    name = outcome.path[-1] if outcome.path else outcome.name
    return re.search(rf"['“.]{re.escape(name)}['”.]", problem.message) is not None


def _steps(relations: Relations, language: Language, owner: str, path: str) -> Iterator[Address]:
    owners = [owner]
    for step in path.split("."):
        for name in owners:
            yield "object", name, ("fields", step)
        fields = [relations.fields(name).get(step) for name in owners]
        owners = [
            target
            for f in fields
            if f is not None
            for target in targets_of(f, language.field_types.get(str(f.get("type"))))
        ] or (["user"] if step in ("owner", "created_by", "modified_by") else [])


def _elements_around(document: object, parts: list[str]) -> list[tuple[str, ...]]:
    """Return the named elements that contain a place, the innermost first, the document last."""
    found: list[tuple[str, ...]] = [()]
    path: list[str] = []
    value = document
    for part in parts:
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
            if not isinstance(value, dict) or not isinstance(value.get("name"), str):
                break
            path.append(value["name"])
            found.append(tuple(path))
        elif isinstance(value, dict):
            value = value.get(part)
            path.append(part)
    return found[::-1]
