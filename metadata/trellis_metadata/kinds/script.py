"""Scripts: Python that the sandbox runs when something happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Beside, Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language

LOCAL = "local"
WITHOUT_OBJECT = frozenset({"action", "endpoint", "scheduled"})


@dataclass(frozen=True, slots=True)
class ScriptDef:
    """A script. ``rights`` maps objects to verbs that go beyond the user's rights, once they are approved."""

    name: str
    label: Label
    pack: str
    object: str | None
    events: frozenset[str]
    source: str
    order: int
    active: bool
    rights: Mapping[str, frozenset[str]]
    limits: Mapping[str, Any]
    path: str | None
    methods: frozenset[str]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the script was read."""
        return dict(self.document)


class ScriptKind(Kind):
    """The kind ``script``."""

    name = "script"
    folder = "scripts"
    label = {"en": "script", "zh": "脚本"}
    nouns = {"tests": ("test", "测试")}
    beside = Beside("source", ".py")

    def read(self, document: Document) -> ScriptDef:
        return ScriptDef(
            document["name"],
            document.get("label", document["name"]),
            document.get("pack", LOCAL),
            document.get("object"),
            frozenset(document["events"]),
            document["source"],
            document.get("order", 100),
            document.get("active", True),
            {r["object"]: frozenset(r["verbs"]) for r in document.get("rights", ())},
            document.get("limits", {}),
            document.get("path"),
            frozenset(document.get("methods", ("POST",))),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        if "object" in document:
            yield Reference("/object", "object", document["object"])
        for index, entry in enumerate(document.get("rights", ())):
            yield Reference(f"/rights/{index}/object", "object", entry["object"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        events = set(document["events"])
        if "object" not in document and events - WITHOUT_OBJECT:
            names = ", ".join(sorted(events - WITHOUT_OBJECT))
            yield Diagnostic("missing_key", "", f"The events {names} need an object.", "Add 'object'.")
        if ("endpoint" in events) != ("path" in document):
            yield Diagnostic(
                "endpoint_path",
                "/path" if "path" in document else "",
                "An endpoint has a 'path', and a script with a 'path' has the event 'endpoint'.",
                "Add the one that is missing, or remove the other.",
            )
        if ("scheduled" in events) != ("schedule" in document):
            yield Diagnostic(
                "script_schedule",
                "/schedule" if "schedule" in document else "",
                "A scheduled script has a 'schedule', and one with a 'schedule' has the event 'scheduled'.",
                "Add the one that is missing, or remove the other.",
            )
        if "scheduled" in events and (len(events) > 1 or "object" in document):
            yield Diagnostic(
                "schedule_alone",
                "/events",
                "A scheduled script has no object and no other events: it sees no record.",
                "Make two scripts of it; it finds records by crm.query.",
            )
        if "methods" in document and "endpoint" not in events:
            yield Diagnostic("endpoint_path", "/methods", "Only an endpoint has 'methods'.", "Remove 'methods'.")
        if "endpoint" in events and len(events) > 1:
            yield Diagnostic(
                "endpoint_alone",
                "/events",
                "An endpoint has no other events: it sees a request, not a record.",
                "Make two scripts of it.",
            )
        yield from _same_path(document, snapshot)


def _same_path(document: Document, snapshot: Snapshot) -> Iterator[Diagnostic]:
    mine = (document.get("pack", LOCAL), document.get("path"))
    for name, other in snapshot.of_kind("script").items():
        same = (other.get("pack", LOCAL), other.get("path")) == mine and name != document["name"]
        if same and document.get("path"):
            yield Diagnostic(
                "same_path",
                "/path",
                f"The script '{name}' of pack '{mine[0]}' answers at '{mine[1]}' already.",
                "Take another path.",
            )


KIND = ScriptKind()
