"""Picklists: values that several fields share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class OptionDef:
    """One value of a picklist. An inactive one stays on old records and is no longer offered."""

    name: str
    label: Label
    color: str | None
    active: bool
    document: Document

    @classmethod
    def read(cls, document: Document) -> OptionDef:
        """Read one entry of ``options``."""
        return cls(
            document["name"],
            document.get("label", document["name"]),
            document.get("color"),
            document.get("active", True),
            document,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry from which the option was read."""
        return dict(self.document)


@dataclass(frozen=True, slots=True)
class PicklistDef:
    """A shared picklist."""

    name: str
    label: Label
    options: tuple[OptionDef, ...]
    restricted: bool
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the picklist was read."""
        return dict(self.document)


class PicklistKind(Kind):
    """The kind ``picklist``."""

    name = "picklist"
    folder = "picklists"
    label = {"en": "picklist", "zh": "选项列表"}
    nouns = {"options": ("option", "选项")}

    def read(self, document: Document) -> PicklistDef:
        return PicklistDef(
            document["name"],
            document.get("label", document["name"]),
            tuple(map(OptionDef.read, document["options"])),
            document.get("restricted", True),
            document,
        )

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        if _no_active_option(document):
            yield Diagnostic(
                "no_active_option",
                "/options",
                "No option is active, so nothing can be chosen.",
                "Make at least one option active.",
            )


def _no_active_option(document: Document) -> bool:
    return not any(option.get("active", True) for option in document["options"])


KIND = PicklistKind()
