"""Webhooks: what another system is told of records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class WebhookDef:
    """A webhook. ``only_when_changed`` is empty where every update is told."""

    name: str
    label: Label
    object: str
    events: frozenset[str]
    connection: str
    path: str
    fields: tuple[str, ...]
    only_when_changed: frozenset[str]
    active: bool
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the webhook was read."""
        return dict(self.document)


class WebhookKind(Kind):
    """The kind ``webhook``."""

    name = "webhook"
    folder = "webhooks"
    label = {"en": "webhook", "zh": "Webhook"}

    def read(self, document: Document) -> WebhookDef:
        return WebhookDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            frozenset(document["events"]),
            document["connection"],
            document.get("path", ""),
            tuple(document["fields"]),
            frozenset(document.get("only_when_changed", ())),
            document.get("active", True),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        name = document["object"]
        yield Reference("/object", "object", name)
        yield Reference("/connection", "connection", document["connection"])
        for key in ("fields", "only_when_changed"):
            for index, field in enumerate(document.get(key, ())):
                yield Reference(f"/{key}/{index}", "object", name, field)

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        relations = language.context(snapshot).relations
        fields = relations.fields(document["object"]) if relations.has_object(document["object"]) else {}
        for key in ("fields", "only_when_changed"):
            for index, name in enumerate(document.get(key, ())):
                kind = str(fields.get(name, {}).get("type"))
                if kind in ("secret", "formula", "rollup"):
                    yield Diagnostic(
                        "not_sent",
                        f"/{key}/{index}",
                        f"The field '{name}' is of type {kind}, which is not written with its record.",
                        "Leave it out.",
                    )
        if "only_when_changed" in document and "updated" not in document["events"]:
            yield Diagnostic(
                "no_update", "/only_when_changed", "Updates are not told by this webhook.", "Remove the key."
            )


KIND = WebhookKind()
