"""Stages of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.choices import NAME_PATTERN, OPTIONS_SCHEMA, Choices, check_names
from trellis.fields.picklist import single_choice
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

Documents = Callable[[str, str], Mapping[str, Any] | None]


class StageField(FieldType):
    """Where a record stands on its way.

    With ``pipelines`` the stages are those of the pipelines, which guard every change; with ``options`` they are named here
    and may be changed freely. Unknown stages are always refused.
    """

    name = "stage"
    label = {"en": "Stage", "zh": "阶段"}
    icon = "progress"
    category = "choice"
    widget = "stage"
    unique_allowed = False
    options = {
        "options": {
            **OPTIONS_SCHEMA,
            "description": "The stages in their order, for a field without pipelines.",
            "examples": [
                [
                    {"name": "new", "label": {"en": "New", "zh": "新建"}},
                    {"name": "won", "label": {"en": "Won", "zh": "赢单"}},
                ]
            ],
        },
        "pipelines": {
            "type": "array",
            "items": {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40},
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
            "x-merge": "ordered",
            "description": "Pipelines, instead of 'options'. A record goes through the first one whose condition it meets.",
            "examples": [["deal_smb", "deal_ka"]],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        if ("options" in field) == ("pipelines" in field):
            yield Diagnostic(
                "options_or_pipelines",
                pointer,
                "A stage field has either 'options' or 'pipelines', "
                f"this one has {'both' if 'options' in field else 'neither'}.",
                "Keep one of them.",
            )
        yield from check_names(field.get("options", ()), f"{pointer}/options")
        for number, name in enumerate(field.get("pipelines", ())):
            pipeline = snapshot.get("pipeline", name)
            if pipeline is not None and pipeline.get("field") not in (None, field["name"]):
                yield Diagnostic(
                    "pipeline_of_other_field",
                    f"{pointer}/pipelines/{number}",
                    f"Pipeline '{name}' is made for the field '{pipeline.get('field')}'.",
                    f"Set its 'field' to '{field['name']}', or name another pipeline.",
                )
        if "pipelines" in field and "default" in field:
            yield Diagnostic(
                "default_of_pipeline",
                f"{pointer}/default",
                "Records begin in the initial stage of their pipeline: a default would have no effect.",
                "Remove the default; mark the stage as 'initial' in the pipeline.",
            )

    def held(self, field: FieldDoc, documents: Documents) -> FieldDoc:
        return {**field, "options": stages_of(field, documents)} if "pipelines" in field else field

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return single_choice(Choices.of(self.held(field, env.document), env))

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "picklist"})


def stages_of(field: FieldDoc, documents: Documents) -> list[Mapping[str, Any]]:
    """Return the stages of all pipelines of a field as options; of a name that stands in several the first counts."""
    found: dict[str, dict[str, Any]] = {}
    for name in field["pipelines"]:
        for stage in (documents("pipeline", name) or {}).get("stages", ()):
            option = {k: stage[k] for k in ("name", "label", "color") if k in stage}
            known = found.setdefault(stage["name"], {**option, "active": False})
            known["active"] = known["active"] or stage.get("active", True)
    return list(found.values())
