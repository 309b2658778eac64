"""What every tenant has stays: documents of the core, and the fields that the platform itself reads and writes."""

from __future__ import annotations

from collections.abc import Iterator

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.snapshot import Snapshot

_BELONGS = "It belongs to the system, which reads and writes it."


def missing_core(core: Snapshot, new: Snapshot) -> Iterator[Diagnostic]:
    """Yield an error for each document of ``core`` that ``new`` lacks, and each of its fields that is gone or of another type."""
    for (kind, name), document in core.documents.items():
        found = new.get(kind, name)
        if found is None:
            yield Diagnostic(
                "core_document",
                "",
                f"The {kind} '{name}' is missing. {_BELONGS}",
                "Keep it.",
                document=f"{kind}/{name}",
            )
            continue
        fields = {f["name"]: (position, f) for position, f in enumerate(found.get("fields", ()))}
        for field in document.get("fields", ()):
            place, mine = fields.get(field["name"], (None, None))
            if mine is None:
                yield Diagnostic(
                    "core_field",
                    "/fields",
                    f"Field '{field['name']}' is missing. {_BELONGS}",
                    "Put it back as it was; its label, help and order may change.",
                    document=f"{kind}/{name}",
                )
            elif mine["type"] != field["type"]:
                yield Diagnostic(
                    "core_field",
                    f"/fields/{place}/type",
                    f"Field '{field['name']}' is a {field['type']}, found '{mine['type']}'. {_BELONGS}",
                    f"Write '{field['type']}'.",
                    document=f"{kind}/{name}",
                )
