"""The action ``generate_document``: a PDF from a template into a field of the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.later import subject_of
from trellis.automation.place import Place
from trellis.automation.step import Step
from trellis.storage.outbox import Message
from trellis.templates.steps import check_template
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kinds.template import DOCUMENT
from trellis_plugins.documents.making import TOPIC


class GenerateDocument(Action):
    """Has the worker make the document after the commit. What shall follow waits for the change of the field."""

    name = "generate_document"
    label = {"en": "Generate document", "zh": "生成文档"}
    description = {
        "en": "A PDF from a template, into a file field of the record, soon after the commit.",
        "zh": "根据模板生成 PDF，提交后写入记录的文件字段。",
    }
    icon = "file-text"
    properties = {
        "template": {
            "description": "The template: one for documents, of the same object.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "examples": ["offer"],
        },
        "field": {
            "description": "The field that gets the file.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["file"],
            "examples": ["offer_pdf"],
        },
        "language": {
            "description": "The language of the document; without it that of the organisation.",
            "enum": ["en", "zh"],
            "examples": ["zh"],
        },
    }
    required = ("template", "field")

    def check(self, told: Told, at: str, place: Place) -> Iterator[Diagnostic]:
        yield from check_template(told["template"], DOCUMENT, f"{at}/template", place)

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        tx, told = flow.tx, step.told
        language = told.get("language") or str(tx.tenant.settings.get("language", "en"))
        base = {"template": told["template"], "field": told["field"], "language": language, "cause": tx.cause_json}
        messages = []
        for case in cases:
            user = tx.principal.user if flow.guarded else None
            payload = {**base, "object": case.object, "record": case.id, "user": user}
            messages.append(Message(payload, subject=subject_of(case.object, case.id)))
        tx.trail.enqueue_many(TOPIC, messages)
