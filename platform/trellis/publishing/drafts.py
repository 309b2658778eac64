"""Drafts: change sets that are kept until somebody publishes or discards them.

A draft holds documents to add or replace, documents to remove, and answers about renames, all made from one version of the
metadata. Its documents may still be wrong: planning judges them. When another change was published meanwhile the draft is
outdated: it must be rebased, element by element, and what both sides changed differently is a conflict that a person settles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.publishing import versions
from trellis.publishing.errors import InvalidMetadata, StalePlan
from trellis.publishing.publication import Progress
from trellis.publishing.tenant_plan import TenantPlan
from trellis.storage.tables.drafts import draft as table
from trellis_metadata.addresses import Path
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Merge, Side, merge
from trellis_metadata.names import is_name
from trellis_metadata.plan import diff
from trellis_metadata.snapshot import Key, Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SIDES: Mapping[str, Side] = {"draft": Side.OURS, "published": Side.THEIRS}
"""The answers to a conflict: keep what the draft says, or what was published meanwhile."""
_WORDS = {side: word for word, side in SIDES.items()}


class UnknownDraft(TrellisError):
    """There is no draft of that name."""

    code = "unknown_draft"


class BadDraft(TrellisError):
    """What was sent cannot be kept as a draft."""

    code = "bad_draft"


class DraftExists(TrellisError):
    """A draft of that name exists already."""

    code = "draft_exists"


class DraftChanged(TrellisError):
    """Somebody changed the draft after it was read."""

    code = "version_conflict"


class DraftConflict(TrellisError):
    """Draft and published metadata changed the same elements differently; ``details["conflicts"]`` lists them."""

    code = "draft_conflict"


@dataclass(frozen=True)
class Draft:
    """One change set. ``base`` is the hash of the version it was made from; ``version`` counts its own changes."""

    name: str
    label: str
    base: str
    documents: tuple[Mapping[str, Any], ...]
    removed: tuple[Key, ...]
    renames: tuple[tuple[str, str, Path, str], ...]
    note: str
    author: int | None
    version: int
    created_at: datetime
    changed_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the draft as a JSON value."""
        return {
            "name": self.name,
            "label": self.label,
            "note": self.note,
            "base": self.base,
            "version": self.version,
            "author": self.author,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "documents": list(self.documents),
            "removed": [list(key) for key in self.removed],
            "renames": [{"kind": k, "name": n, "path": list(p), "to": t} for k, n, p, t in self.renames],
        }


class Drafts:
    """The drafts of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def list(self) -> list[Draft]:
        """Return all drafts, last changed first."""
        with self.tenant.database.reading() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.changed_at.desc(), table.c.name)).mappings()
            return [_read(row) for row in rows]

    def get(self, name: str) -> Draft:
        """Return a draft. Raises :class:`UnknownDraft`."""
        with self.tenant.database.reading() as connection:
            return _get(connection, name)

    def create(
        self,
        documents: Sequence[Any],
        *,
        name: str | None = None,
        label: str = "",
        removed: Sequence[Key] = (),
        renames: Sequence[tuple[str, str, Path, str]] = (),
        note: str = "",
        author: int | None = None,
    ) -> Draft:
        """Keep a change set made from the visible version. Raises :class:`BadDraft` or :class:`DraftExists`."""
        if name is not None and not is_name(name):
            raise BadDraft(f"'{name[:60]}' is no API name: lower-case letters, digits and single '_', at most 40.")
        now = self.tenant.clock.now()
        kept = _documents(documents)
        with self.tenant.database.writing() as connection:
            taken = set(connection.execute(sa.select(table.c.name)).scalars())
            if name in taken:
                raise DraftExists(f"A draft '{name}' exists already. Change that one, or choose another name.")
            number = next(n for n in range(1, len(taken) + 2) if f"draft_{n}" not in taken)
            made = Draft(
                name or f"draft_{number}",
                label,
                self.tenant.model_in(connection).snapshot.hash,
                kept,
                tuple(removed),
                tuple(renames),
                note,
                author,
                1,
                now,
                now,
            )
            connection.execute(table.insert(), _row(made))
        return made

    def update(self, name: str, version: int, **changes: Any) -> Draft:
        """Change ``label``, ``note``, ``documents``, ``removed`` or ``renames`` of the draft that was read as ``version``.

        Raises :class:`UnknownDraft`, :class:`BadDraft`, or :class:`DraftChanged` if it has another version by now.
        """
        if "documents" in changes:
            changes["documents"] = _documents(changes["documents"])
        return self._change(name, version, lambda found: replace(found, **changes))

    def delete(self, name: str) -> None:
        """Discard a draft. Raises :class:`UnknownDraft`."""
        with self.tenant.database.writing() as connection:
            _get(connection, name)
            connection.execute(table.delete().where(table.c.name == name))

    def is_outdated(self, draft: Draft) -> bool:
        """Whether something was published since the draft was made or rebased."""
        return self.tenant.model().snapshot.hash != draft.base

    def plan(self, name: str) -> TenantPlan:
        """Plan the draft. Raises :class:`StalePlan` if it is outdated, :class:`InvalidMetadata` with every problem."""
        draft = self.get(name)
        if self.is_outdated(draft):
            raise StalePlan(
                f"The metadata changed since draft '{name}' was made. Rebase it: what both changed is listed, "
                "everything else is merged.",
                draft=name,
            )
        return self.tenant.publisher.plan_documents(draft.documents, removed=draft.removed, renames=draft.renames)

    def publish(
        self,
        name: str,
        *,
        confirm: str | None = None,
        author: int | None = None,
        note: str | None = None,
        progress: Progress | None = None,
    ) -> tuple[int, TenantPlan]:
        """Publish a draft and discard it; return the version's number and the plan. ``confirm`` is the plan's hash.

        Raises what :meth:`plan` and ``Publisher.apply`` raise, and :class:`StalePlan` if ``confirm`` is of another plan.
        """
        plan = self.plan(name)
        if confirm is not None and confirm != plan.hash:
            raise StalePlan(
                "This is not the plan that you confirmed: something changed since. Look at the new one.", hash=plan.hash
            )
        draft = self.get(name)
        number = self.tenant.publisher.apply(
            plan, confirm=confirm, author=author, note=draft.note if note is None else note, progress=progress
        )
        with self.tenant.database.writing() as connection:
            connection.execute(table.delete().where(table.c.name == name, table.c.version == draft.version))
        return number, plan

    def rebase(self, name: str, choices: Mapping[str, str] | None = None) -> tuple[Draft, Merge]:
        """Make an outdated draft one of the visible version; return it and what became of each element.

        ``choices`` answers conflicts by their keys with ``draft`` or ``published``. Raises :class:`DraftConflict` with the
        conflicts that have no answer, :class:`InvalidMetadata` if the draft was wrong before or the merge is.
        """
        unknown = sorted(set((choices or {}).values()) - set(SIDES))
        if unknown:
            raise BadDraft(f"'{unknown[0][:40]}' is no answer to a conflict: write 'draft' or 'published'.")
        draft = self.get(name)
        with self.tenant.database.reading() as connection:
            base = versions.read_hash(connection, draft.base)
            theirs = self.tenant.model_in(connection).snapshot
        ours = self._made_from(base, draft)
        answers = {key: SIDES[word] for key, word in (choices or {}).items()}
        merged = merge(base, theirs, ours, self.tenant.language, answers)
        if merged.open_conflicts:
            raise DraftConflict(
                f"{len(merged.open_conflicts)} element(s) were changed differently by the draft and by what was published. "
                "Answer each with 'draft' or 'published'.",
                conflicts=[conflict_json(o) for o in merged.open_conflicts],
            )
        if merged.problems:
            raise InvalidMetadata(list(merged.problems))
        new = merged.snapshot
        rebased = self._change(
            name,
            draft.version,
            lambda found: replace(
                found,
                base=theirs.hash,
                documents=tuple(d for k, d in new.documents.items() if theirs.digests.get(k) != new.digests[k]),
                removed=tuple(k for k in theirs.documents if k not in new.documents),
                renames=(),
            ),
        )
        return rebased, merged

    def _made_from(self, base: Snapshot, draft: Draft) -> Snapshot:
        """Return what the draft wanted its base to become."""
        language = self.tenant.language
        snapshot, found = language.check(list(draft.documents), base.without(draft.removed))
        errors = [d for d in found if d.severity.value == "error"]
        if snapshot is None or errors:
            raise InvalidMetadata(errors or found)
        return diff(base, snapshot, language, draft.renames).apply(base)

    def _change(self, name: str, version: int, change: Callable[[Draft], Draft]) -> Draft:
        with self.tenant.database.writing() as connection:
            found = _get(connection, name)
            if found.version != version:
                raise DraftChanged(
                    f"Draft '{name}' has version {found.version} by now, not {version}: somebody changed it. Read it again."
                )
            made = replace(change(found), version=version + 1, changed_at=self.tenant.clock.now())
            mine = sa.and_(table.c.name == name, table.c.version == version)
            if not connection.execute(table.update().where(mine).values(_row(made))).rowcount:
                raise DraftChanged(f"Somebody else changed draft '{name}' at the same moment. Read it again.")
        return made


def conflict_json(outcome: Any, language: str = "en") -> dict[str, Any]:
    """Return a conflict with the words that answer it: ``draft`` and ``published`` instead of the merge's sides."""
    said = outcome.to_json(language)
    for side, word in ((Side.THEIRS, "published"), (Side.OURS, "draft")):
        if side.value in said:
            said[word] = said.pop(side.value)
    return {**said, "recommended": _WORDS[outcome.recommended], "chosen": _WORDS.get(outcome.chosen)}


def _documents(given: Sequence[Any]) -> tuple[Mapping[str, Any], ...]:
    for position, document in enumerate(given):
        if not isinstance(document, Mapping) or not all(isinstance(document.get(k), str) for k in ("kind", "name")):
            raise BadDraft(
                f"Document {position + 1} has no kind and name. A draft keeps JSON objects that have both.",
            )
    try:
        text = json.dumps(list(given), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise BadDraft("The documents hold a number or a text that JSON cannot hold, or nest too deep.") from None
    return tuple(given)


def _get(connection: Connection, name: str) -> Draft:
    row = connection.execute(sa.select(table).where(table.c.name == name[:200].replace("\0", ""))).mappings().first()
    if row is None:
        names = list(connection.execute(sa.select(table.c.name)).scalars())
        raise UnknownDraft(f"There is no draft '{name[:60]}'.{did_you_mean(name[:60], names)}")
    return _read(row)


def _row(draft: Draft) -> dict[str, Any]:
    values = {c.name: getattr(draft, c.name) for c in table.c}
    # Text, not JSON: the order of keys belongs to a document.
    documents = json.dumps(list(draft.documents), ensure_ascii=False)
    return {**values, "documents": documents, "removed": list(draft.removed), "renames": list(draft.renames)}


def _read(row: sa.RowMapping) -> Draft:
    values = {c.name: row[c.name] for c in table.c}
    values["documents"] = tuple(json.loads(row["documents"]))
    values["removed"] = tuple((kind, name) for kind, name in row["removed"])
    values["renames"] = tuple((kind, name, tuple(path), to) for kind, name, path, to in row["renames"])
    return Draft(**values)
