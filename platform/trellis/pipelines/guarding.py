"""The judgement on moves: every write of a stage, whoever makes it, passes here.

Migration (imports that keep stamps, by right only) may put a record into any stage of its pipeline; nothing else may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.pipelines.messages import message
from trellis.pipelines.pipeline import Gate, Pipeline, Stage
from trellis.pipelines.stays import ticks
from trellis.pipelines.versions import pipelines_of
from trellis.pipelines.walk import Walk, walks
from trellis.rules.formulas import Case, evaluate_all
from trellis.rules.values import values_of
from trellis.transaction.row import Row
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def guard_pipelines(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that refuses what the pipelines do not allow; all reasons at once."""
    for field, pipelines in pipelines_of(tx.model, model).items():
        found = walks(tx, field, list(rows))
        placed = [w for w in found if _placed(tx, w, pipelines)]
        if tx.migration or not placed:
            continue
        for walk in placed:
            _judge_move(tx, walk)
            _judge_fields(tx, model, walk)
        _judge_gates(tx, model, [w for w in placed if w.moved])
        _judge_activities(tx, field, [w for w in placed if _moves_on(w)])


def _placed(tx: Transaction, walk: Walk, pipelines: Sequence[Pipeline]) -> bool:
    """Say whether the record has a pipeline and stands in one of its stages; refuse it otherwise."""
    language, row, pipeline = tx.principal.language, walk.row, walk.pipeline
    if pipeline is None:
        names = ", ".join(_name(p, language) for p in pipelines)
        _refuse(tx, walk, "no_pipeline", pipelines=names)
    elif walk.new is None:
        _refuse(tx, walk, "stage_missing", pipeline=_name(pipeline, language))
    elif walk.stage is None:
        code = "pipeline_switched" if walk.switched and not walk.moved else "stage_of_other_pipeline"
        open_stages = [s for s in pipeline.stages.values() if s.active]
        _refuse(
            tx,
            walk,
            code,
            pipeline=_name(pipeline, language),
            stage=walk.new,
            stages=_labels(open_stages, language),
        )
    return not row.errors.get(walk.field)


def _judge_move(tx: Transaction, walk: Walk) -> None:
    pipeline, stage, language = walk.pipeline, walk.stage, tx.principal.language
    assert pipeline is not None and stage is not None
    if not walk.moved:
        return
    if not stage.active:
        # Where no pipeline uses the stage any more, the field has said so.
        if walk.field not in walk.row.errors:
            _refuse(tx, walk, "stage_inactive", stage=stage.label(language))
    elif walk.row.old is None:
        if stage.name not in pipeline.initial:
            begin = _labels((pipeline.stages[n] for n in pipeline.initial), language)
            _refuse(tx, walk, "not_initial", stages=begin, stage=stage.label(language))
    elif not pipeline.may_move(walk.old, stage.name):
        old = pipeline.stages[walk.old or ""].label(language)
        targets = [pipeline.stages[n] for n in pipeline.targets(walk.old)]
        if targets:
            stages = _labels(targets, language)
            _refuse(tx, walk, "move_not_allowed", old=old, stages=stages, stage=stage.label(language))
        else:
            _refuse(tx, walk, "move_impossible", old=old)


def _judge_fields(tx: Transaction, model: ObjectModel, walk: Walk) -> None:
    """Fields that the stage requires, on entry and as long as the record stands there."""
    stage, language = walk.stage, tx.principal.language
    assert stage is not None
    for name in stage.requires:
        if walk.row.value(name) is None and (walk.moved or walk.switched or name in walk.row.new):
            label = model.fields[name].label(language)
            text = message("required_in_stage", language, field=label, stage=stage.label(language))
            walk.row.refuse(name, "required_in_stage", text)


def _judge_gates(tx: Transaction, model: ObjectModel, moved: Sequence[Walk]) -> None:
    asked = [(walk, list(_gates(walk))) for walk in moved]
    asked = [(walk, gates) for walk, gates in asked if gates]
    if not asked:
        return
    conditions = list({id(g.condition): g.condition for _, gates in asked for _, _, g in gates}.values())
    order = {id(c): i for i, c in enumerate(conditions)}
    paths = frozenset[str]().union(*(c.paths for c in conditions))
    records = [{**(w.row.old or {}), **w.row.new} for w, _ in asked]
    read = values_of(tx, model, records, [w.row.old for w, _ in asked], paths)
    results = evaluate_all(tx, conditions, [Case(now, old, old is None) for now, old in read])
    for (walk, gates), values in zip(asked, results, strict=True):
        for code, stage, gate in gates:
            _tell(tx, walk, code, stage, gate, values[order[id(gate.condition)]])


def _gates(walk: Walk) -> Iterable[tuple[str, Stage, Gate]]:
    """Yield the conditions of a move: the one for leaving the old stage when the record goes on, the one for entering."""
    pipeline, target = walk.pipeline, walk.stage
    assert pipeline is not None and target is not None
    source = pipeline.stages.get(walk.old or "")
    if source is not None and source.leave is not None and target.going_on:
        yield "may_not_leave", source, source.leave
    if target.enter is not None:
        yield "may_not_enter", target, target.enter


def _tell(tx: Transaction, walk: Walk, code: str, stage: Stage, gate: Gate, value: Any) -> None:
    language = tx.principal.language
    if isinstance(value, ErrorValue):
        _refuse(tx, walk, "gate_error", stage=stage.label(language), problem=value.message)
    elif not value and gate.message is not None:
        walk.row.refuse(walk.field, code, text_of(gate.message, language))
    elif not value:
        _refuse(tx, walk, code, stage=stage.label(language))


def _moves_on(walk: Walk) -> bool:
    """Say whether the record leaves a stage for good whose checklist can block it."""
    if not walk.moved or walk.pipeline is None or walk.old is None or walk.new is None:
        return False
    source = walk.pipeline.stages.get(walk.old)
    return source is not None and bool(source.blocking) and walk.pipeline.moves_on(walk.old, walk.new)


def _judge_activities(tx: Transaction, field: str, walking: Sequence[Walk]) -> None:
    if not walking:
        return
    known = ticks(tx.connection, field, [w.row.id for w in walking if w.row.id is not None])
    language = tx.principal.language
    for walk in walking:
        assert walk.pipeline is not None and walk.old is not None
        stage = walk.pipeline.stages[walk.old]
        done = known.get(walk.row.id or 0, set())
        missing = [n for n in stage.blocking if (walk.pipeline.name, stage.name, n) not in done]
        if missing:
            labels = {a["name"]: text_of(a.get("label"), language, a["name"]) for a in stage.document["activities"]}
            _refuse(
                tx,
                walk,
                "activity_open",
                stage=stage.label(language),
                activities=", ".join(labels[n] for n in missing),
            )


def _refuse(tx: Transaction, walk: Walk, code: str, **values: str) -> None:
    walk.row.refuse(walk.field, code, message(code, tx.principal.language, **values))


def _name(pipeline: Pipeline, language: str) -> str:
    return text_of(pipeline.document.get("label"), language, pipeline.name)


def _labels(stages: Iterable[Stage], language: str) -> str:
    return ", ".join(f"'{s.label(language)}'" for s in stages)
