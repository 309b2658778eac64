"""The plan of an installation, an upgrade or a removal: what changes, what it means, what is asked of the admin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from trellis.packs.source import Content
from trellis.publishing.tenant_plan import TenantPlan
from trellis_metadata.labels import text_of
from trellis_metadata.merge import Address, Flag, Merge, Outcome, security_flags
from trellis_metadata.merge.words import place
from trellis_metadata.snapshot import Document, Snapshot

LABELS = ("label", "plural", "help", "description", "message")


@dataclass(frozen=True)
class PackPlan:
    """What a person looks at and confirms by :attr:`hash`.

    ``action`` is ``install``, ``upgrade``, ``change`` (other options or parts of the same version), ``uninstall`` or
    ``nothing``. ``migrations`` are the versions whose data migrations will run, ``removed`` what goes because something
    that it uses goes, ``asked`` the rights that the pack asks for and does not have yet.
    """

    action: str
    document: Document
    before: str | None
    tenant_plan: TenantPlan
    merge: Merge | None = None
    content: Content | None = None
    migrations: Sequence[Mapping[str, Any]] = ()
    removed: Sequence[Address] = ()
    asked: Sequence[str] = ()
    started: str = ""
    signer: str = ""
    cases: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def name(self) -> str:
        """API name of the pack."""
        return str(self.document["name"])

    @property
    def conflicts(self) -> Sequence[Outcome]:
        """The conflicts of the merge."""
        return self.merge.conflicts if self.merge else ()

    @property
    def open_conflicts(self) -> Sequence[Outcome]:
        """The conflicts that nobody has answered."""
        return self.merge.open_conflicts if self.merge else ()

    @cached_property
    def flags(self) -> list[Flag]:
        """What the new version tightens or loosens."""
        return security_flags(self.merge.outcomes) if self.merge and self.action != "install" else []

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person must have seen the plan: it destroys, it conflicts, or somebody's rights change."""
        return bool(
            self.tenant_plan.destructive
            or self.open_conflicts
            or self.flags
            or self.action == "uninstall"
            or self.removed
            or self.asked
        )

    @property
    def hash(self) -> str:
        """SHA-256 over everything that was shown."""
        parts = [
            self.action,
            self.tenant_plan.hash,
            *(f"{c.key} {c.taken.value}" for c in self.conflicts),
            *(str(m["version"]) for m in self.migrations),
            *self.asked,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the plan for people and programs, with words in ``language``."""
        return {
            "hash": self.hash,
            "action": self.action,
            "pack": self.name,
            "label": text_of(self.document.get("label"), language, self.name),
            "from": self.before,
            "to": self.document["version"] if self.action != "uninstall" else None,
            "confirmation_required": self.needs_confirmation,
            "permissions": list(self.asked),
            "languages": self.languages(),
            "changes": self.changes(language),
            "migrations": [m["version"] for m in self.migrations],
            "conflicts": [self.outcome_json(o, language) for o in self.conflicts],
            "security": [f.to_json(language, self._document_at(f.outcome.kind, f.outcome.name)) for f in self.flags],
            "kept": self._told("ours", language),
            "arrives": self._told("theirs", language) + self._told("merged", language),
            "removed": [place(*a, language, self._document_at(a[0], a[1])) for a in self.removed],
            "signed_by": self.signer,
            "cases": list(self.cases),
            "plan": self.tenant_plan.to_json(language),
        }

    def outcome_json(self, outcome: Outcome, language: str) -> dict[str, Any]:
        """Return one outcome with its element in words."""
        return outcome.to_json(language, self._document_at(outcome.kind, outcome.name))

    def changes(self, language: str) -> list[dict[str, str]]:
        """Return what is new since the installed version, newest first."""
        from trellis.packs.ranges import parse_version

        since = parse_version(self.before) if self.before else None
        return [
            {"version": c["version"], "text": text_of(c["text"], language)}
            for c in self.document.get("changes", ())
            if since is None or parse_version(c["version"]) > since
        ]

    def languages(self) -> list[str]:
        """Return the languages in which the pack's texts are complete."""
        return languages_of(self.content.own) if self.content else []

    def _told(self, verdict: str, language: str) -> list[str]:
        found = [o for o in self.merge.outcomes if o.verdict.value == verdict] if self.merge else []
        return [o.describe(language, self._document_at(o.kind, o.name)) for o in found if o.kind != "pack"]

    def _document_at(self, kind: str, name: str) -> Document | None:
        found = self.tenant_plan.new.get(kind, name)
        return found if found is not None or self.content is None else self.content.own.get(kind, name)


def languages_of(documents: Snapshot) -> list[str]:
    """Return the languages that every text of the documents has, in the documents or in translations."""
    text = json.dumps([d.get("label") for d in documents if "label" in d])
    translated = {d["language"] for d in documents.of_kind("translation").values()}
    spoken = {k for d in documents if isinstance(d.get("label"), dict) for k in d["label"]}
    everywhere = [
        k for k in sorted(spoken) if all(not isinstance(d.get("label"), dict) or k in d["label"] for d in documents)
    ]
    return sorted({*everywhere, *translated}) or (["en"] if text else [])
