"""Pipelines: the stages of a process, and what each of them asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Check, Language

_GATES = ("enter_when", "leave_when")
_MESSAGES = {"enter_message": "enter_when", "leave_message": "leave_when"}


@dataclass(frozen=True, slots=True)
class PipelineDef:
    """A pipeline. ``stages`` are the entries by name in their order; ``moves`` is None where all moves are free."""

    name: str
    label: Label
    object: str
    field: str
    when: str | None
    stages: Mapping[str, Document]
    moves: frozenset[tuple[str, str]] | None
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the pipeline was read."""
        return dict(self.document)


class PipelineKind(Kind):
    """The kind ``pipeline``."""

    name = "pipeline"
    folder = "pipelines"
    label = {"en": "pipeline", "zh": "流程"}
    nouns = {"stages": ("stage", "阶段"), "activities": ("key activity", "关键活动"), "tools": ("tool card", "工具卡")}

    def read(self, document: Document) -> PipelineDef:
        moves = document.get("moves")
        return PipelineDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            document["field"],
            document.get("when"),
            {stage["name"]: stage for stage in document["stages"]},
            None if moves is None else frozenset((a, b) for a, b in moves),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        owner = document["object"]
        yield Reference("/object", "object", owner)
        for key in ("field", "probability_field", "forecast_field"):
            if key in document:
                yield Reference(f"/{key}", "object", owner, document[key])
        for number, stage in enumerate(document["stages"]):
            if "approval" in stage:
                yield Reference(f"/stages/{number}/approval", "approval", stage["approval"])
            for position, name in enumerate(stage.get("requires", ())):
                yield Reference(f"/stages/{number}/requires/{position}", "object", owner, name)

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        yield from _moves(document)
        yield from _stages(document)
        if not context.relations.has_object(document["object"]):
            return
        yield from _fields(document, context)
        yield from _approvals(document, snapshot)
        for pointer, text in _formulas(document):
            yield from context.formula(text, document["object"], pointer)


def initial_stages(document: Document) -> tuple[str, ...]:
    """Return the stages in which records may begin, in order."""
    stages = [s for s in document["stages"] if s.get("active", True)]
    stated = tuple(s["name"] for s in stages if s.get("initial"))
    if stated:
        return stated
    opening = [s["name"] for s in stages if "closed" not in s]
    reached = {to for _, to in document.get("moves", ())}
    derived = tuple(n for n in opening if n not in reached) if "moves" in document else ()
    return derived or tuple(opening[:1])


def _formulas(document: Document) -> Iterator[tuple[str, str]]:
    if "when" in document:
        yield "/when", document["when"]
    for number, stage in enumerate(document["stages"]):
        for key in _GATES:
            if key in stage:
                yield f"/stages/{number}/{key}", stage[key]


def _moves(document: Document) -> Iterator[Diagnostic]:
    names = [s["name"] for s in document["stages"]]
    for number, pair in enumerate(document.get("moves", ())):
        for position, name in enumerate(pair):
            if name not in names:
                yield Diagnostic(
                    "unknown_stage",
                    f"/moves/{number}/{position}",
                    f"The pipeline has no stage '{name}'.{did_you_mean(name, names)}",
                    f"Stages: {', '.join(names)}.",
                )
        if pair[0] == pair[1]:
            yield Diagnostic("pointless_move", f"/moves/{number}", "A move leads from a stage to itself.", "Remove it.")


def _stages(document: Document) -> Iterator[Diagnostic]:
    for number, stage in enumerate(document["stages"]):
        at = f"/stages/{number}"
        if "closed" not in stage and "reopen" in stage:
            yield Diagnostic(
                "not_closed", f"{at}/reopen", "Only a closed stage can be reopened.", "Remove 'reopen' or add 'closed'."
            )
        if "closed" in stage and stage.get("initial"):
            yield Diagnostic(
                "closed_at_start", f"{at}/initial", "Records cannot begin in a closed stage.", "Remove 'initial'."
            )
        for message, gate in _MESSAGES.items():
            if message in stage and gate not in stage:
                yield Diagnostic(
                    "message_without_gate",
                    f"{at}/{message}",
                    f"'{message}' is never shown: there is no '{gate}'.",
                    f"Add '{gate}' or remove the message.",
                )
        if "closed" in stage:
            for key in ("leave_when", "activities", "stuck_after", "stuck_counts"):
                if key in stage:
                    yield Diagnostic(
                        "closed_stage",
                        f"{at}/{key}",
                        f"Nothing goes on in a closed stage: '{key}' would have no effect.",
                        f"Remove '{key}'.",
                    )
        if "stuck_counts" in stage and "stuck_after" not in stage and "closed" not in stage:
            yield Diagnostic(
                "key_without_effect",
                f"{at}/stuck_counts",
                "'stuck_counts' says how 'stuck_after' is counted, and there is none.",
                "Add 'stuck_after' or remove 'stuck_counts'.",
            )
        for key in ("probability", "forecast"):
            if key in stage and f"{key}_field" not in document:
                yield Diagnostic(
                    "no_field_for_value",
                    f"{at}/{key}",
                    f"'{key}' has no effect: the pipeline names no '{key}_field'.",
                    f"Add '{key}_field' to the pipeline or remove '{key}'.",
                )
    if not initial_stages(document):
        yield Diagnostic(
            "no_initial_stage",
            "/stages",
            "No record can begin: every stage is closed or inactive.",
            "Add an open stage.",
        )


def _approvals(document: Document, snapshot: Snapshot) -> Iterator[Diagnostic]:
    for number, stage in enumerate(document["stages"]):
        approval = snapshot.get("approval", stage.get("approval", ""))
        at = f"/stages/{number}/approval"
        if approval is not None and approval.get("object") != document["object"]:
            yield Diagnostic(
                "approval_of_other_object",
                at,
                f"The approval '{stage['approval']}' is about '{approval.get('object')}', not about '{document['object']}'.",
                "Name an approval of this object.",
            )
        if "approval" in stage and stage["name"] in initial_stages(document):
            yield Diagnostic(
                "approval_at_start",
                at,
                "Records begin in this stage, and a record that does not exist yet cannot be approved.",
                "Ask for the approval in a later stage.",
            )


def _fields(document: Document, context: Check) -> Iterator[Diagnostic]:
    owner = document["object"]
    for other, described in context.snapshot.of_kind("object").items():
        for field in described.get("fields", ()) if other != owner else ():
            if field.get("type") == "stage" and document["name"] in field.get("pipelines", ()):
                yield Diagnostic(
                    "pipeline_of_other_object",
                    "/object",
                    f"Field '{field['name']}' of '{other}' names this pipeline, which is made for '{owner}'.",
                    "Give each object pipelines of its own.",
                )
    field = context.relations.fields(owner).get(document["field"])
    if field is not None and field.get("type") != "stage":
        yield Diagnostic(
            "not_a_stage_field",
            "/field",
            f"Field '{document['field']}' of '{owner}' is a {field.get('type')}, not a stage field.",
            "Name a field of type stage.",
        )
    elif field is not None and document["name"] not in field.get("pipelines", ()):
        yield Diagnostic(
            "pipeline_not_used",
            "/field",
            f"Field '{document['field']}' of '{owner}' does not name this pipeline: no record would ever go through it.",
            f"Add '{document['name']}' to the field's 'pipelines'.",
        )
    for key, categories in (("probability_field", ("number",)), ("forecast_field", ("choice", "text"))):
        found = context.relations.resolve(owner, document[key]) if key in document else None
        if isinstance(found, Found) and found.category not in categories:
            yield Diagnostic(
                "wrong_field_type",
                f"/{key}",
                f"Field '{document[key]}' is a {found.type}; expected {' or '.join(categories)}.",
                "Name another field.",
            )
    fields = context.relations.fields(owner)
    yield from _probabilities(document, fields.get(document.get("probability_field", "")) or {})
    yield from _forecasts(document, fields.get(document.get("forecast_field", "")) or {}, context.snapshot)


def _probabilities(document: Document, field: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Judge what stages write into the probability field by the limits of the field."""
    least, most = (Decimal(str(field[k])) if k in field else None for k in ("min", "max"))
    for number, stage in enumerate(document["stages"]):
        value = Decimal(str(stage.get("probability", 0)))
        if "probability" in stage and ((least is not None and value < least) or (most is not None and value > most)):
            allowed = " and ".join(f"{w} {v}" for w, v in (("at least", least), ("at most", most)) if v is not None)
            yield Diagnostic(
                "out_of_range",
                f"/stages/{number}/probability",
                f"{value} cannot be written into '{field['name']}', which takes {allowed}.",
                "Change the value, or the limits of the field.",
            )


def _forecasts(document: Document, field: Mapping[str, Any], snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Judge what stages write into the forecast field by the options of the field."""
    if field.get("type") != "picklist":
        return
    options = field.get("options")
    if options is None:
        options = (snapshot.get("picklist", field.get("picklist", "")) or {}).get("options", ())
    names = [o["name"] for o in options]
    for number, stage in enumerate(document["stages"]):
        if "forecast" in stage and stage["forecast"] not in names:
            yield Diagnostic(
                "unknown_option",
                f"/stages/{number}/forecast",
                f"'{field['name']}' has no option '{stage['forecast']}'.{did_you_mean(stage['forecast'], names)}",
                f"Options: {', '.join(names)}.",
            )


KIND = PipelineKind()
