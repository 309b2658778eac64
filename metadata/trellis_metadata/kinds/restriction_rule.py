"""Restriction rules: records that are hidden from people, whatever else gives them access."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import principals
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class RestrictionRuleDef:
    """A rule."""

    name: str
    label: Label
    object: str
    applies_to: tuple[Mapping[str, Any], ...]
    hide_when: str
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the rule was read."""
        return dict(self.document)


class RestrictionRuleKind(Kind):
    """The kind ``restriction_rule``."""

    name = "restriction_rule"
    folder = "restriction_rules"
    label = {"en": "restriction rule", "zh": "限制规则"}

    def read(self, document: Document) -> RestrictionRuleDef:
        label = document.get("label", document["name"])
        applies_to = tuple(document["applies_to"])
        return RestrictionRuleDef(
            document["name"], label, document["object"], applies_to, document["hide_when"], document
        )

    def references(self, document: Document) -> Iterator[Reference]:
        yield Reference("/object", "object", document["object"])
        yield from principals.references(document["applies_to"], "/applies_to")

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        yield from principals.check(document["applies_to"], "/applies_to", snapshot)
        yield from language.context(snapshot).formula(
            document["hide_when"], document["object"], "/hide_when", row_only=True
        )


KIND = RestrictionRuleKind()
