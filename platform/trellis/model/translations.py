"""Translations laid over labels: what a ``translation`` document says replaces the label's text in its language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trellis_metadata.addresses import ABSENT, changed
from trellis_metadata.snapshot import Document, Key, Snapshot


def localised(snapshot: Snapshot) -> Snapshot:
    """Return ``snapshot`` with the texts of all translations in place. For showing; what is edited and compared stays as written."""
    translations = snapshot.of_kind("translation")
    if not translations:
        return snapshot
    documents: dict[Key, Document] = {}
    for translation in translations.values():
        for path, text in translation["texts"].items():
            kind, name, *rest = path.split(".")
            document = documents.get((kind, name)) or snapshot.get(kind, name)
            if document is not None:
                documents[kind, name] = changed(document, tuple(rest), _with(translation["language"], text))
    return snapshot.with_documents(documents.values())


def _with(language: str, text: str) -> Callable[[Any], Any]:
    def change(label: Any) -> Any:
        if label is ABSENT:
            return {language: text}
        return {**(label if isinstance(label, dict) else {"en": label}), language: text}

    return change
