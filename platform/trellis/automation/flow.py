"""The engine: steps are done one after the other, each for all records of a batch together.

A step that cannot be done for a record fails that record's run; the others go on. What failing means to the write that started
the run is decided by whoever started the flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trellis.access import Cause, Principal
from trellis.access.principal import SYSTEM
from trellis.automation.place import BODY, RECORD, STEPS
from trellis.automation.step import Step
from trellis.automation.words import as_json, told
from trellis.model import ObjectModel
from trellis.rules.formulas import Case as FormulaCase
from trellis.rules.formulas import Formula, evaluate_all
from trellis.rules.values import read, values_of
from trellis.transaction.outcome import Outcome
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.automation.session import Session
    from trellis.transaction.transaction import Transaction

RUNNING, WAITING, QUEUED, DONE, FAILED, CANCELLED = "running", "waiting", "queued", "done", "failed", "cancelled"
REFUSED = "refused"
"""The run failed, and the write that started it was refused with it."""
LONGEST_TRACE = 300
Position = tuple[int | str, ...]


@dataclass(eq=False, slots=True)
class Result:
    """What a step left for one run: a record (``values`` as stored), or plain values (``object`` is None)."""

    object: str | None
    values: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return what is kept while a run waits: the record's number, or the values."""
        if self.object is not None:
            return {"object": self.object, "id": self.values.get("id")}
        return {"values": {k: as_json(v) for k, v in self.values.items()}}


@dataclass(eq=False, slots=True)
class Run:
    """One run of an automation, as it will be kept. ``position`` is where it waits."""

    id: int
    automation: str
    digest: str
    object: str | None
    record: int | None
    trigger: str
    cause: Mapping[str, Any]
    actor: int | None
    acts_as: str
    started_at: datetime
    state: str = RUNNING
    cause_key: str | None = None
    chain: list[list[Any]] = field(default_factory=list)
    given: Mapping[str, Any] | None = None
    saw: Mapping[str, Any] | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)
    position: Position | None = None
    results: dict[str, Any] | None = None
    waits_for: str | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    message: str | None = None
    attempts: int = 0
    stored: bool = False
    row: Any = None
    """The row of the write that started it: its number is known only when it is stored."""

    def note(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Add an entry to the trace; one that is too long says where it was cut."""
        if len(self.trace) < LONGEST_TRACE:
            self.trace.append(entry)
        elif len(self.trace) == LONGEST_TRACE:
            self.trace.append({"outcome": "cut"})
        return entry


@dataclass(eq=False, slots=True)
class Case:
    """One record on its way through steps: that of a run, or inside a loop a related one (``outer`` is the run's)."""

    run: Run
    object: str | None
    values: dict[str, Any]
    old: Mapping[str, Any] | None = None
    is_new: bool = False
    outer: Case | None = None
    """The case whose related record this is."""
    results: dict[str, Result] = field(default_factory=dict)
    seen: int = 0
    entry: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int | None:
        """The record's number; None for a new one and where there is no record."""
        return self.values.get("id")

    @property
    def live(self) -> bool:
        """Whether the next step is for it."""
        return self.run.state == RUNNING

    def fail(self, message: str) -> None:
        """End the run: a step cannot be done."""
        if self.run.state == RUNNING:
            self.run.state = FAILED
            step = self.entry.get("step")
            self.run.message = f"Step '{step}': {message}" if step else message
            self.entry.update(outcome="failed", message=message)

    def tell(self, **more: Any) -> None:
        """Add to what the trace says of the step that is being done."""
        self.entry.update(more)

    def result_of(self, step: str) -> Result | None:
        """Return what a step left, also one outside the loop."""
        found = self.results.get(step)
        return found if found is not None or self.outer is None else self.outer.result_of(step)


@dataclass
class Flow:
    """One batch of runs of one automation in one transaction."""

    tx: Transaction
    session: Session
    guarded: bool
    """As the user: what he may not read is as good as absent."""
    rows: Mapping[int, Any] | None = None
    """Before the record is stored: the rows that are worked out, by ``id()`` of the case."""

    # -- doing ------------------------------------------------------------------------------------------------------

    def go(
        self, steps: Sequence[Step], cases: Sequence[Case], at: Position = (), resume: Position | None = None
    ) -> None:
        """Do ``steps`` for the live ``cases``; ``resume`` is the place, relative to ``at``, of the wait that is over."""
        begin, inner = (int(resume[0]), resume[1:]) if resume else (0, ())
        for index, step in enumerate(steps[begin:], begin):
            live = [c for c in cases if c.live]
            if not live:
                return
            if resume and index == begin:
                if inner:
                    step.action.go_on(self, step, live, (*at, index), inner)  # type: ignore[attr-defined]
                continue
            self._one(step, live, (*at, index))

    def _one(self, step: Step, cases: Sequence[Case], at: Position) -> None:
        self.session.spend(1)
        self.refresh(cases)
        for case in cases:
            case.entry = {"step": step.name, "action": step.action.name, "outcome": "done"}
            if case.outer is not None:
                case.entry["record"] = [case.object, case.id]
            case.run.note(case.entry)
        entries = [c.entry for c in cases]
        self.session.at = at
        try:
            step.action.run(self, step, cases)
        except TrellisError as problem:
            for case, entry in zip(cases, entries, strict=True):
                case.entry = entry
                case.fail(problem.message)

    def refresh(self, cases: Sequence[Case]) -> None:
        """Read the records anew that something may have changed since they were read: one statement per object."""
        if self.rows is not None:
            return
        stale: dict[str, list[Case]] = {}
        for case in self._with_outer(cases):
            if case.object is not None and case.id is not None and case.seen != self.session.writes:
                stale.setdefault(case.object, []).append(case)
        for name, found in stale.items():
            ids = sorted({c.id for c in found if c.id is not None})
            stored = statements_of(self.tx.model.object(name)).fetch(self.tx.connection, ids)
            for case in found:
                case.values = stored.get(case.id or 0, case.values)
                case.seen = self.session.writes

    def _with_outer(self, cases: Sequence[Case]) -> Iterator[Case]:
        seen: set[int] = set()
        for case in cases:
            at: Case | None = case
            while at is not None and id(at) not in seen:
                seen.add(id(at))
                yield at
                at = at.outer

    # -- reading ----------------------------------------------------------------------------------------------------

    def model_of(self, cases: Sequence[Case]) -> ObjectModel | None:
        """Return the object of the cases' records."""
        name = cases[0].object
        return None if name is None else self.tx.model.object(name)

    def evaluate(self, formulas: Sequence[Formula], cases: Sequence[Case]) -> list[list[Any]]:
        """Return, per case, the value of each formula; an ``ErrorValue`` where it cannot be worked out."""
        return [values for values, _ in self.evaluate_and_see(formulas, cases)]

    def evaluate_and_see(
        self, formulas: Sequence[Formula], cases: Sequence[Case]
    ) -> list[tuple[list[Any], Mapping[str, Any]]]:
        """Return the values as :meth:`evaluate` does, each with everything that the formulas saw, by path."""
        if not cases:
            return []
        paths = frozenset[str]().union(*(f.paths for f in formulas))
        own = [p for p in paths if not p.startswith((STEPS, RECORD, BODY))]
        model = self.model_of(cases) or self.tx.model.object("user")
        pairs = values_of(self.tx, model, [c.values for c in cases], [c.old for c in cases], own, guarded=self.guarded)
        more = self._beyond([p for p in paths if p not in own], cases)
        seen = [{**now, **extra} for (now, _), extra in zip(pairs, more, strict=True)]
        read_by = [FormulaCase(now, old, case.is_new) for now, (_, old), case in zip(seen, pairs, cases, strict=True)]
        found = evaluate_all(self.tx, formulas, read_by, guarded=self.guarded)
        return [(f, {p: s.get(p) for p in paths}) for f, s in zip(found, seen, strict=True)]

    def _beyond(self, paths: Sequence[str], cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Return the values behind ``$steps``, ``$record`` and ``$body``, one read per step that is asked for."""
        out: list[dict[str, Any]] = [{} for _ in cases]
        groups: dict[str, list[list[str]]] = {}
        for path in paths:
            parts = path.split(".")
            length = 2 if parts[0] == STEPS else 1
            groups.setdefault(".".join(parts[:length]), []).append(parts[length:])
        for head, rests in groups.items():
            for values, found in zip(out, self._behind(head, rests, cases), strict=True):
                values.update({".".join((head, *path.split("."))) if path else head: v for path, v in found.items()})
        return out

    def _behind(self, head: str, rests: Sequence[Sequence[str]], cases: Sequence[Case]) -> list[Mapping[str, Any]]:
        if head == BODY:
            return [{"": (c.run.given or {}).get("body")} for c in cases]
        if head == RECORD:
            roots = [_root(c) for c in cases]
            return self._records(roots[0].object or "user", [r.values for r in roots], rests)
        results = [c.result_of(head.partition(".")[2]) for c in cases]
        name = next((r.object for r in results if r is not None and r.object is not None), None)
        if name is None:
            return [{p[0]: r.values.get(p[0]) if r else None for p in rests} for r in results]
        return self._records(name, [dict(r.values) if r else {} for r in results], rests)

    def _records(
        self, name: str, records: Sequence[Mapping[str, Any]], paths: Sequence[Sequence[str]]
    ) -> list[Mapping[str, Any]]:
        return list(read(self.tx, self.tx.model.object(name), records, list(paths), guarded=self.guarded))

    # -- writing ----------------------------------------------------------------------------------------------------

    def create(self, object_name: str, wanted: Sequence[tuple[Case, Mapping[str, Any]]]) -> list[Outcome | None]:
        """Create one record per case; refused ones fail their case. None in the place of what was refused."""
        outcomes = self._write(
            [c for c, _ in wanted], lambda: self.tx.create(object_name, [v for _, v in wanted], mode="partial")
        )
        return self._judged(wanted, outcomes)

    def update(self, object_name: str, wanted: Sequence[tuple[Case, int, Mapping[str, Any]]]) -> list[Outcome | None]:
        """Change records. One that several cases want to change gets each different change, one after the other."""
        found: list[Outcome | None] = [None] * len(wanted)
        waiting = list(range(len(wanted)))
        while waiting:
            wave: dict[int, tuple[Mapping[str, Any], list[int]]] = {}
            later: list[int] = []
            for index in waiting:
                _, record, values = wanted[index]
                known = wave.setdefault(record, (values, []))
                (known[1] if known[0] == values else later).append(index)
            rows = [{"id": record, **values} for record, (values, _) in wave.items()]
            places = [places for _, places in wave.values()]
            cases = [wanted[i][0] for at in places for i in at]
            outcomes = self._write(cases, lambda rows=rows: self.tx.update(object_name, rows, mode="partial"))  # type: ignore[misc]
            for at, outcome in zip(places, outcomes, strict=False):
                for index in at:
                    found[index] = self._judged([(wanted[index][0], {})], [outcome])[0]
            waiting = later
        return found

    def delete(self, object_name: str, wanted: Sequence[tuple[Case, int]]) -> None:
        """Move records to the recycle bin; each once, whoever wants it."""
        by_record: dict[int, list[Case]] = {}
        for case, record in wanted:
            by_record.setdefault(record, []).append(case)
        ids = list(by_record)
        if not ids:
            return
        outcomes = self._write([c for c, _ in wanted], lambda: self.tx.delete(object_name, ids, mode="partial"))
        for record, outcome in zip(ids, outcomes, strict=False):
            for case in by_record[record]:
                self._judged([(case, {})], [outcome])

    def _write(self, cases: Sequence[Case], write: Callable[[], list[Outcome]]) -> list[Outcome]:
        if not cases:
            return []
        try:
            return write()
        except TrellisError as problem:
            for case in cases:
                case.fail(problem.message)
            return []

    def _judged(
        self, wanted: Sequence[tuple[Case, Mapping[str, Any]]], outcomes: Sequence[Outcome]
    ) -> list[Outcome | None]:
        found: list[Outcome | None] = []
        for index, (case, _) in enumerate(wanted):
            outcome = outcomes[index] if index < len(outcomes) else None
            if outcome is not None and outcome.errors:
                case.fail(told(outcome.errors))
                outcome = None
            if outcome is not None and outcome.id is not None:
                case.tell(wrote=[*case.entry.get("wrote", ()), [outcome.action, outcome.object, outcome.id]])
            found.append(outcome)
        return found

    def settle(self, cases: Sequence[Case]) -> None:
        """End the runs of ``cases``: those that wait keep what their steps left, the others are done."""
        for case in cases:
            run = case.run
            if run.state == WAITING:
                run.results = {name: found.to_json() for name, found in case.results.items()}
            elif run.state == RUNNING:
                run.state, run.position, run.waits_for, run.due_at = DONE, None, None, None
            if run.state in (DONE, FAILED):
                run.finished_at = self.tx.now

    def keep(self, case: Case, step: Step, object_name: str, values: Mapping[str, Any]) -> None:
        """Keep a record that a step made or found for later steps."""
        case.results[step.name] = Result(object_name, values)


def _root(case: Case) -> Case:
    while case.outer is not None:
        case = case.outer
    return case


@contextmanager
def acting(tx: Transaction, principal: Principal, cause: Cause) -> Iterator[None]:
    """Let the transaction write as ``principal`` for ``cause`` inside the block."""
    before = tx.principal, tx.cause, tx.cause_json
    tx.principal, tx.cause, tx.cause_json = principal, cause, cause.to_json()
    try:
        yield
    finally:
        tx.principal, tx.cause, tx.cause_json = before


def actor_of(principal: Principal, acts_as: str) -> Principal:
    """Return who acts: the system in the name of the person who caused it, or the person with his own rights."""
    if acts_as == "user":
        return principal
    return replace(SYSTEM, user=principal.user, language=principal.language, time_zone=principal.time_zone)
