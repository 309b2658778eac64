"""Templates: texts of mails and documents with values of a record in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.template import Part, parse_template
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.markup import PLACE, problems_of
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language

MAIL, DOCUMENT = "mail", "document"
FETCHES = ("url(", "@import", "\\", "<", "expression(")
"""What a style sheet may not hold: everything that could fetch, or end the sheet."""


@dataclass(frozen=True, slots=True)
class TemplateDef:
    """A template. ``texts`` maps languages to ``subject`` and ``body``; ``css`` and ``page`` are of documents only."""

    name: str
    label: Label
    object: str
    use: str
    texts: Mapping[str, Mapping[str, str]]
    css: str
    page: str
    landscape: bool
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the template was read."""
        return dict(self.document)

    def text_for(self, language: str) -> Mapping[str, str]:
        """Return the text in a language, else in English, else the first one."""
        return self.texts.get(language) or self.texts.get("en") or next(iter(self.texts.values()))


class TemplateKind(Kind):
    """The kind ``template``."""

    name = "template"
    folder = "templates"
    label = {"en": "template", "zh": "模板"}

    def read(self, document: Document) -> TemplateDef:
        return TemplateDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            document["use"],
            document["texts"],
            document.get("css", ""),
            document.get("page", "A4"),
            document.get("landscape", False),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        yield Reference("/object", "object", document["object"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        for code, text in document["texts"].items():
            for key in ("subject", "body"):
                yield from context.template(text[key], document["object"], f"/texts/{code}/{key}")
            for problem in problems_of(_without_formulas(text["body"])):
                yield Diagnostic("bad_markup", f"/texts/{code}/body", problem, "Change the HTML.")
        if document["use"] == MAIL:
            for key in ("css", "page", "landscape"):
                if key in document:
                    yield Diagnostic(
                        "not_of_mail",
                        f"/{key}",
                        f"A mail has no '{key}'; mail programs drop it.",
                        "Remove it, and write styles into the elements.",
                    )
        for part in FETCHES:
            if part in document.get("css", "").lower():
                yield Diagnostic(
                    "bad_css", "/css", f"A style sheet cannot hold '{part}': it fetches nothing.", "Remove it."
                )


def _without_formulas(text: str) -> str:
    """Return a text with its formulas taken out of their places: what is in them is no markup."""
    try:
        return "".join(PLACE + "}" if isinstance(p, Part) else p for p in parse_template(text))
    except FormulaError:
        return ""  # told already


KIND = TemplateKind()
