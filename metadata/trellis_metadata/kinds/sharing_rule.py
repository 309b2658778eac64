"""Sharing rules: access to records by their owner or by a condition."""

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
class SharingRuleDef:
    """A rule: either ``owned_by`` or ``when`` is given."""

    name: str
    label: Label
    object: str
    owned_by: Mapping[str, Any] | None
    when: str | None
    share_with: tuple[Mapping[str, Any], ...]
    level: str
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the rule was read."""
        return dict(self.document)


class SharingRuleKind(Kind):
    """The kind ``sharing_rule``."""

    name = "sharing_rule"
    folder = "sharing_rules"
    label = {"en": "sharing rule", "zh": "共享规则"}

    def read(self, document: Document) -> SharingRuleDef:
        return SharingRuleDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            document.get("owned_by"),
            document.get("when"),
            tuple(document["share_with"]),
            document["level"],
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        yield Reference("/object", "object", document["object"])
        yield from principals.references(document["share_with"], "/share_with")
        if "owned_by" in document:
            yield from principals.reference(document["owned_by"], "/owned_by")

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        yield from principals.check(document["share_with"], "/share_with", snapshot)
        if "owned_by" in document:
            yield from principals.check_one(document["owned_by"], "/owned_by", snapshot)
        if "when" in document:
            yield from language.context(snapshot).formula(document["when"], document["object"], "/when", row_only=True)


KIND = SharingRuleKind()
