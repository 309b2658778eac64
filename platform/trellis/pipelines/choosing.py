"""Which pipeline a record goes through, in which stage it begins, and what a stage writes on entry.

The last of the steps that may change a row: what earlier ones set is seen by the pipelines' conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.fields.base import InvalidValue
from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.pipelines.pipeline import Pipeline
from trellis.pipelines.stays import open_stays
from trellis.pipelines.versions import pipelines_of, version_for
from trellis.pipelines.walk import Walk, forget, keep
from trellis.rules.formulas import Case, evaluate_all
from trellis.rules.reader import Reader
from trellis.rules.values import values_of
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def choose_pipelines(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that finds each row's pipeline and stage."""
    for field, pipelines in pipelines_of(tx.model, model).items():
        for row in rows:
            forget(tx, row, field)
        touched = [r for r in rows if _concerns(r, field, pipelines)]
        if touched:
            _choose(tx, model, field, pipelines, touched)


def _concerns(row: Row, field: str, pipelines: Sequence[Pipeline]) -> bool:
    if row.old is None or field in row.new:
        return True
    if any(p.in_flight == "finish" for p in pipelines):
        return bool(row.new)  # an older version may ask for fields that the current one does not know
    return any(name in row.new for name in _watched(pipelines))


def _watched(pipelines: Sequence[Pipeline]) -> set[str]:
    required = {name for p in pipelines for s in p.stages.values() for name in s.requires}
    return required | _roots(pipelines)


def _roots(pipelines: Sequence[Pipeline]) -> set[str]:
    """Return the fields of the record that decide which pipeline it goes through."""
    return {path.split(".")[0] for p in pipelines if p.when for path in p.when.paths}


def _choose(
    tx: Transaction, model: ObjectModel, field: str, pipelines: Sequence[Pipeline], rows: Sequence[Row]
) -> None:
    stored = [r.id for r in rows if r.old is not None and r.id is not None]
    stays = open_stays(tx.connection, field, stored) if stored else {}
    roots, current = _roots(pipelines), {p.name: p for p in pipelines}
    found: dict[int, Pipeline | None] = {}
    asking: list[Row] = []
    for row in rows:
        stay = stays.get(row.id or 0)
        if stay is None or any(n in row.new for n in roots):
            asking.append(row)
        else:
            pipeline = version_for(tx.connection, tx.model, model, stay, current)
            if pipeline is None:
                asking.append(row)
            found[id(row)] = pipeline
    for row, chosen in zip(asking, _by_rule(tx, model, field, pipelines, asking), strict=True):
        stay = stays.get(row.id or 0)
        if stay is not None and chosen is not None and chosen.name == stay.pipeline:
            chosen = version_for(tx.connection, tx.model, model, stay, current)
        found[id(row)] = chosen
    for row in rows:
        if not row.errors:
            walk = Walk(row, field, found[id(row)], stays.get(row.id or 0))
            _enter(model, walk)
            keep(tx, walk)


def _by_rule(
    tx: Transaction, model: ObjectModel, field: str, pipelines: Sequence[Pipeline], rows: Sequence[Row]
) -> list[Pipeline | None]:
    records = [{**(r.old or {}), **r.new} for r in rows]
    chosen = first_that_takes(tx, model, pipelines, records, [r.old for r in rows])
    out: list[Pipeline | None] = []
    for row, found in zip(rows, chosen, strict=True):
        if isinstance(found, ErrorValue):
            row.refuse(field, "rule_error", f"Which pipeline the record goes through cannot be told: {found.message}")
            out.append(None)
        else:
            out.append(found)
    return out


def first_that_takes(
    reader: Reader,
    model: ObjectModel,
    pipelines: Sequence[Pipeline],
    records: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any] | None],
) -> list[Pipeline | ErrorValue | None]:
    """Return, per record, the first pipeline whose condition holds; the error where a condition cannot be computed."""
    if not records:
        return []
    conditions = [p.when for p in pipelines if p.when is not None]
    results: Sequence[Sequence[Any]] = [()] * len(records)
    if conditions:
        paths = frozenset[str]().union(*(c.paths for c in conditions))
        read = values_of(reader, model, records, before, paths)
        results = evaluate_all(reader, conditions, [Case(now, old, old is None) for now, old in read])
    return [_first(pipelines, iter(values)) for values in results]


def _first(pipelines: Sequence[Pipeline], answers: Iterator[Any]) -> Pipeline | ErrorValue | None:
    for pipeline in pipelines:
        value = True if pipeline.when is None else next(answers)
        if isinstance(value, ErrorValue):
            return value
        if value:
            return pipeline
    return None


def _enter(model: ObjectModel, walk: Walk) -> None:
    """Put a new record into its first stage, and write what a stage writes on entry."""
    row, pipeline = walk.row, walk.pipeline
    if pipeline is None:
        return
    if row.old is None and row.new.get(walk.field) is None:
        row.new[walk.field] = pipeline.initial[0]
    stage = walk.stage
    if stage is None or not walk.moved:
        return
    for key, target in (("probability", pipeline.probability_field), ("forecast", pipeline.forecast_field)):
        if target is not None and key in stage.document and target not in row.given:
            _write(model, row, target, stage.document[key])


def _write(model: ObjectModel, row: Row, name: str, raw: Any) -> None:
    try:
        value = model.fields[name].codec.parse(raw)
    except InvalidValue as problem:
        row.refuse(name, "stage_value", f"The stage writes a value that does not fit '{name}'. {problem.message}")
        return
    if row.old is None or row.old.get(name) != value:
        row.new[name] = value
