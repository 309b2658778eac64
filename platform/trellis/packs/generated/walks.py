"""Random walks through every pipeline: each stage is tried to be reached, and what the document forbids must be refused.

What is allowed is read from the pipeline's document here, apart from the engine that is under test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from random import Random
from typing import Any

from trellis import files
from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.fields.lookup import RecordRef
from trellis.packs.generated.check import Check
from trellis.packs.generated.records import MAX_DEPTH, RecordTests
from trellis.packs.generated.values import candidates, parents, record_for, related_values, usual_value
from trellis.pipelines.checklist import tick
from trellis.pipelines.stays import open_stays
from trellis.transaction import Transaction
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Document

WALKS = 4
STEPS_PER_STAGE = 4
TRIES_AT_A_GATE = 60
SEED = 7
_CAUSE = Cause("test")


def walk_checks(tests: RecordTests) -> Iterator[Check]:
    """Yield what walks through the pipelines of an object found: one entry per stage, and two per pipeline."""
    pipelines = tests.tenant.model().snapshot.of_kind("pipeline").values()
    for document in sorted((d for d in pipelines if d["object"] == tests.name), key=lambda d: str(d["name"])):
        yield from _Walks(tests, document).checks()


def allowed(document: Document, old: str, new: str) -> bool:
    """Whether the document lets a record go from one stage to another, conditions aside."""
    stages = {s["name"]: s for s in document["stages"]}
    source, target, moves = stages[old], stages[new], document.get("moves")
    if not target.get("active", True):
        return False
    if moves is not None and [old, new] in moves:
        return True
    if source.get("closed"):
        return bool(source.get("reopen")) and not target.get("closed")
    return moves is None


def goes_on(document: Document, old: str, new: str) -> bool:
    """Whether the move asks that the old stage be finished: forward among open stages, or to success."""
    names = [s["name"] for s in document["stages"]]
    source, target = document["stages"][names.index(old)], document["stages"][names.index(new)]
    if source.get("closed"):
        return False
    return target.get("closed") == "won" or (not target.get("closed") and names.index(new) > names.index(old))


class _Walks:
    """Walks through one pipeline."""

    def __init__(self, tests: RecordTests, document: Document) -> None:
        self.tests, self.document = tests, document
        self.field: str = document["field"]
        self.stages = {s["name"]: s for s in document["stages"]}
        self.reached: set[str] = set()
        self.stopped: dict[str, str] = {}
        self.refused = 0
        self.wrong: list[str] = []
        self.loose: list[str] = []
        self.random = Random(SEED)
        self.file: str | None = None

    def checks(self) -> Iterator[Check]:
        """Walk, and yield what came of it."""
        name, what = self.tests.name, f"pipeline '{self.document['name']}'"
        valid, _ = self.tests.valid()
        asked = {n for s in self.stages.values() for n in s.get("requires", ())}
        if any(f.name in asked and f.doc["type"] == "file" for f in self.tests.model.fields.values()):
            text = BytesIO(b"A file of the generated tests.")
            self.file = files.store(self.tests.tenant, SYSTEM, text, name="test.txt", media_type="text/plain").id
        for _walk in range(WALKS):
            try:
                self.tests.tenant.run(SYSTEM, _CAUSE, lambda tx: self._walk(tx, valid or {}), preview=True)
            except TrellisError as problem:
                self.stopped.setdefault("", problem.message)
        for stage in self.stages.values():
            if stage.get("active", True):
                met = stage["name"] in self.reached
                reason = self.stopped.get(stage["name"], self.stopped.get("", "No move led there."))
                yield Check(
                    name,
                    f"{what}: stage '{stage['name']}' is reached",
                    "passed" if met else "not_found",
                    "" if met else reason,
                )
        yield Check(
            name,
            f"{what}: what it forbids is refused",
            "failed" if self.wrong else "passed",
            "; ".join(self.wrong[:5]) or f"{self.refused} forbidden moves were tried.",
        )
        yield Check(
            name,
            f"{what}: required fields and activities hold",
            "failed" if self.loose else "passed",
            "; ".join(self.loose[:5]),
        )

    def _walk(self, tx: Transaction, valid: Mapping[str, Any]) -> None:
        number = self._begin(tx, valid)
        if number is None:
            return
        for _ in range(STEPS_PER_STAGE * len(self.stages)):
            at: str = self._stored(tx, number)[self.field]
            target = self._next(at)
            if target is None:
                return
            if not allowed(self.document, at, target):
                self._forbidden(tx, number, at, target)
            elif self._go(tx, number, at, target):
                self.reached.add(target)

    def _begin(self, tx: Transaction, valid: Mapping[str, Any]) -> int | None:
        """Create a record that this pipeline takes, in a stage where records begin."""
        begin = [s["name"] for s in self.document["stages"] if s.get("initial") and s.get("active", True)]
        led = {b for _, b in self.document.get("moves", ())}
        begin = begin or [n for n in self.stages if led and n not in led] or [next(iter(self.stages))]
        refs = parents(tx, self.tests.model, MAX_DEPTH)
        stage = self.random.choice(begin)
        base = {**valid, **refs, **self._required(tx, stage, {}), self.field: stage}
        texts = [t for t in (self.document.get("when"), self.stages[stage].get("enter_when")) if t]
        model = self.tests.tenant.model()
        for related in related_values(model, self.tests.model, texts, TRIES_AT_A_GATE):
            for lookup, changes in related.items():
                if lookup in refs:
                    target = self.tests.model.fields[lookup].codec.targets[0]
                    tx.update(target, [{"id": refs[lookup], **changes}], mode="partial")
            found = self._create(tx, base, texts)
            if found is not None:
                self.reached.add(stage)
                return found
        return None

    def _create(self, tx: Transaction, base: Mapping[str, Any], texts: list[str]) -> int | None:
        for values in self._satisfying(base, texts):
            outcome = tx.create(self.tests.name, [values], mode="partial")[0]
            if not outcome.errors and outcome.id is not None:
                stay = open_stays(tx.connection, self.field, [outcome.id]).get(outcome.id)
                if stay is not None and stay.pipeline == self.document["name"]:
                    return outcome.id
            self.stopped[""] = _told(outcome.errors) or "No record was found that this pipeline takes."
        return None

    def _next(self, at: str) -> str | None:
        """Choose where to go: mostly where no walk has been, sometimes where the document forbids it."""
        others: list[str] = [n for n in self.stages if n != at]
        if not others:
            return None
        fresh = [n for n in others if n not in self.reached and allowed(self.document, at, n)]
        # Closed stages last: most walks would end there.
        fresh = [n for n in fresh if not self.stages[n].get("closed")] or fresh
        if fresh and self.random.random() < 0.6:
            return self.random.choice(fresh)
        return self.random.choice(others)

    def _forbidden(self, tx: Transaction, number: int, at: str, target: str) -> None:
        if self._attempt(tx, number, {self.field: target, **self._required(tx, target, self._stored(tx, number))}):
            self.refused += 1
        else:
            self.wrong.append(f"'{at}' → '{target}' was accepted")

    def _go(self, tx: Transaction, number: int, at: str, target: str) -> bool:
        """Make an allowed move, first as it is, then with what the stages ask for."""
        stored = self._stored(tx, number)
        blank = [n for n in self.stages[target].get("requires", ()) if stored.get(n) is None]
        blocking = [a["name"] for a in self.stages[at].get("activities", ()) if a.get("required")]
        onward = goes_on(self.document, at, target)
        if not self._attempt(tx, number, {self.field: target}):
            if blank:
                self.loose.append(f"'{target}' was entered without {', '.join(blank)}")
            if blocking and onward and not self._ticked.get(number, set()) >= {(at, b) for b in blocking}:
                self.loose.append(f"'{at}' was left with open activities")
            return True
        texts = [self.stages[target].get("enter_when")]
        if onward or self.stages[target].get("closed") is None:
            texts.append(self.stages[at].get("leave_when"))
        base = {self.field: target, **self._required(tx, target, stored)}
        waiting = [b for b in blocking if onward and (at, b) not in self._ticked.get(number, ())]
        if waiting and self._satisfy(tx, number, base, texts) is None:
            self.loose.append(f"'{at}' was left with open activities")
            return True
        for activity in waiting:
            tick(tx, self.tests.name, number, self.field, activity, is_done=True)
            self._ticked.setdefault(number, set()).add((at, activity))
        told = self._satisfy(tx, number, base, texts)
        if told is not None:
            self.stopped[target] = told
        return told is None

    def _satisfy(self, tx: Transaction, number: int, base: Mapping[str, Any], texts: list[str | None]) -> str | None:
        """Try to move the record with values that may satisfy the conditions; return why not, None if it moved."""
        errors: Any = None
        for values in self._satisfying(base, [t for t in texts if t]):
            errors = self._attempt(tx, number, values)
            if not errors:
                return None
        return _told(errors)

    @property
    def _ticked(self) -> dict[int, set[tuple[str, str]]]:
        found: dict[int, set[tuple[str, str]]] = self.__dict__.setdefault("ticked", {})
        return found

    def _required(self, tx: Transaction, stage: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return values for what a stage requires and the record lacks; related records are made."""
        fields, found = self.tests.model.fields, {}
        known = {n.object: tx.model.env.format_id(n.object, n.id) for n in stored.values() if isinstance(n, RecordRef)}
        for name in self.stages[stage].get("requires", ()):
            f = fields.get(name)
            if f is None or stored.get(name) is not None:
                continue
            value: Any
            if f.category == "reference":
                value = record_for(tx, f, MAX_DEPTH, None, known)
            else:
                value = self.file if f.doc["type"] == "file" else usual_value(f)
            if value is not None:
                found[name] = value
        return found

    def _satisfying(self, base: Mapping[str, Any], formulas: list[str]) -> Iterator[dict[str, Any]]:
        """Yield values that may satisfy all formulas, those of the first before those of the second."""
        if not formulas:
            yield dict(base)
            return
        for values in candidates(self.tests.model, formulas[0], base, TRIES_AT_A_GATE):
            yield from self._satisfying({**values, self.field: base[self.field]}, formulas[1:])

    def _attempt(self, tx: Transaction, number: int, values: Mapping[str, Any]) -> Any:
        """Change the record; return the errors, nothing if it was accepted."""
        return tx.update(self.tests.name, [{"id": number, **values}], mode="partial")[0].errors

    def _stored(self, tx: Transaction, number: int) -> Mapping[str, Any]:
        return statements_of(self.tests.model).fetch(tx.connection, [number], lock=False)[number]


def _told(errors: Any) -> str:
    found = [e["message"] for told in (errors or {}).values() for e in told if isinstance(e, Mapping)]
    return "; ".join(found)[:300]
