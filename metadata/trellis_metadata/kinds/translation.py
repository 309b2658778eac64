"""Translations: texts of other documents in one language.

The path of a text is kind, name and the path of names to a label: ``object.deal.fields.amount.label``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, kinds
from trellis_metadata.snapshot import Document, Snapshot
from trellis_metadata.structure import Form, Node

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class TranslationDef:
    """Texts of one language by path."""

    name: str
    language: str
    texts: Mapping[str, str]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the translation was read."""
        return dict(self.document)


class TranslationKind(Kind):
    """The kind ``translation``."""

    name = "translation"
    folder = "translations"
    label = {"en": "translation", "zh": "翻译"}
    nouns = {"texts": ("text", "文本")}

    def read(self, document: Document) -> TranslationDef:
        return TranslationDef(document["name"], document["language"], dict(document["texts"]), document)

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        for path in document["texts"]:
            message = _problem(path, snapshot, language)
            if message:
                yield Diagnostic(
                    "unknown_text",
                    pointers.join("texts", path),
                    message,
                    "A path is kind, name and the way to a label: object.deal.fields.amount.label.",
                )


def _problem(path: str, snapshot: Snapshot, language: Language) -> str:
    """Return why ``path`` leads to no label, or an empty text."""
    kind, name, *rest = path.split(".")
    if kind not in kinds():
        return f"Unknown kind '{kind}'.{did_you_mean(kind, kinds())}"
    document = snapshot.get(kind, name)
    if document is None:
        return f"There is no {kind} '{name}'.{did_you_mean(name, snapshot.of_kind(kind))}"
    if language.context(snapshot).is_broken(kind, name):
        return ""
    return _follow(document, language.structure(kind), rest)


def _follow(value: Any, node: Node, rest: list[str]) -> str:
    for part in rest:
        if node.form is Form.LIST and node.item is not None and isinstance(value, list):
            names = [element["name"] for element in value]
            if part not in names:
                return f"There is no '{part}'.{did_you_mean(part, names)}"
            value = value[names.index(part)]
            node = node.item.of(value)
        elif node.form in (Form.ELEMENT, Form.MAP):
            fitting = node.of(value) if isinstance(value, dict) else node
            if part not in fitting.keys:
                return f"There is no key '{part}'.{did_you_mean(part, fitting.keys)}"
            node, value = fitting.keys[part], value.get(part) if isinstance(value, dict) else None
        else:
            return f"'{part}' leads nowhere."
    return "" if node.text else f"'{rest[-1]}' is no label."


KIND = TranslationKind()
