"""A compiled approval, and the version under which a request goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import Model
from trellis.pipelines.pipeline import duration
from trellis.rules.formulas import Formula, compiled
from trellis.rules.scope import ObjectScope
from trellis.storage import system
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.kinds.approval import MAY
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Document


class UnknownApproval(TrellisError):
    """There is no approval of that name for the object."""

    code = "unknown_approval"


class ApprovalGone(TrellisError):
    """The version of an approval under which a request goes on does not fit the object any more."""

    code = "approval_gone"


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a step must be decided. ``remind`` are times before the deadline; ``to`` None: to each one's manager."""

    within: timedelta
    working_time: bool
    remind: tuple[timedelta, ...]
    then: str
    to: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``group`` numbers the steps that go on at the same time."""

    name: str
    position: int
    group: int
    when: Formula | None
    approvers: tuple[Mapping[str, Any], ...]
    queue: str | None
    decide: str
    fallback: tuple[Mapping[str, Any], ...]
    nobody: str
    reject_to: str | None
    may: frozenset[str]
    comment: str
    deadline: Deadline | None
    document: Document

    def label(self, language: str) -> str:
        """Return what people call the step."""
        return text_of(self.document.get("label"), language, self.name.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Separation:
    """Who may never decide."""

    submitter: bool
    owner: bool
    steps: bool
    override: bool


@dataclass(frozen=True, slots=True)
class Approval:
    """One version of an approval."""

    name: str
    digest: str
    object: str
    when: Formula | None
    submitters: tuple[Mapping[str, Any], ...] | None
    separation: Separation
    lock: Mapping[str, Any] | None
    watched: frozenset[str]
    on_change: str | None
    sees_record: bool
    fields: tuple[str, ...]
    steps: Mapping[str, Step]
    document: Document

    def label(self, language: str) -> str:
        """Return what people call the approval."""
        return text_of(self.document.get("label"), language, self.name.replace("_", " ").capitalize())

    def group(self, number: int) -> list[Step]:
        """Return the steps that go on at the same time; none beyond the last group."""
        return [s for s in self.steps.values() if s.group == number]


def approval_of(model: Model, name: str) -> Approval:
    """Return the current version, compiled once per version of the metadata. Raises :class:`UnknownApproval`."""
    key = ("approval", name)
    if key not in model.cache:
        document = model.snapshot.get("approval", name)
        if document is None:
            known = list(model.snapshot.of_kind("approval"))
            raise UnknownApproval(f"There is no approval '{name[:60]}'.{did_you_mean(name[:60], known)}")
        model.cache[key] = compile_approval(model, document, model.snapshot.digests["approval", name])
    found: Approval = model.cache[key]
    return found


def approvals_on(model: Model, object_name: str) -> list[Approval]:
    """Return the approvals of an object by name."""
    documents = model.snapshot.of_kind("approval")
    return [approval_of(model, name) for name, d in documents.items() if d["object"] == object_name]


def has_approvals(model: Model, object_name: str) -> bool:
    """Whether some approval is about an object."""
    key = ("has_approvals", object_name)
    if key not in model.cache:
        model.cache[key] = any(d["object"] == object_name for d in model.snapshot.of_kind("approval").values())
    return bool(model.cache[key])


def version_of(connection: Connection, model: Model, name: str, digest: str, *, bare: bool = False) -> Approval:
    """Return the version under which a request goes on. Raises :class:`ApprovalGone` where it no longer fits the object.

    ``bare``: of a version that no longer fits, return what needs no formula: enough to look at a request and to end it.
    """
    try:
        return _version_of(connection, model, name, digest)
    except ApprovalGone:
        if not bare:
            raise
    key = ("bare_approval", name, digest)
    if key not in model.cache:
        document = _stored(connection, digest)
        if document is None:
            raise ApprovalGone(f"The document of the approval '{name}' is not there any more.")
        steps = [{k: v for k, v in s.items() if k != "when"} for s in document["steps"]]
        model.cache[key] = compile_approval(model, {**document, "steps": steps, "when": "TRUE"}, digest)
    found: Approval = model.cache[key]
    return found


def _stored(connection: Connection, digest: str) -> Document | None:
    body = connection.execute(sa.select(system.document.c.body).where(system.document.c.digest == digest)).scalar()
    found: Document | None = None if body is None else json.loads(body)
    return found


def _version_of(connection: Connection, model: Model, name: str, digest: str) -> Approval:
    if model.snapshot.digests.get(("approval", name)) == digest:
        return approval_of(model, name)
    key = ("approval", name, digest)
    if key not in model.cache:
        document = _stored(connection, digest)
        try:
            if document is None:
                raise ApprovalGone("Its document is not there any more.")
            model.cache[key] = compile_approval(model, document, digest)
        except TrellisError as problem:
            raise ApprovalGone(
                f"The request goes on under an older version of the approval '{name}', which does not fit the object any "
                f"more: {problem.message} Recall the request and submit the record again."
            ) from None
    found: Approval = model.cache[key]
    return found


def compile_approval(model: Model, document: Document, digest: str) -> Approval:
    """Return an approval ready to use. Raises ``FormulaError`` where a formula does not fit the object."""
    scope = ObjectScope(model.snapshot, document["object"])
    separation, change = document.get("separation", {}), document.get("on_change", {})
    return Approval(
        document["name"],
        digest,
        document["object"],
        compiled(scope, document["when"]) if "when" in document else None,
        _people(document.get("submitters")),
        Separation(
            separation.get("submitter", True),
            separation.get("owner", True),
            separation.get("steps", False),
            separation.get("override") == "administrators",
        ),
        document.get("lock"),
        frozenset(change.get("fields", ())),
        change.get("then"),
        document.get("approvers_see", "record") == "record",
        tuple(document.get("fields", ())),
        _steps(document["steps"], scope),
        document,
    )


def _people(rules: Sequence[Mapping[str, Any]] | None) -> tuple[Mapping[str, Any], ...] | None:
    return None if rules is None else tuple(rules)


def _steps(documents: Sequence[Document], scope: ObjectScope) -> dict[str, Step]:
    found: dict[str, Step] = {}
    group = -1
    for position, document in enumerate(documents):
        group += not (document.get("together") and position)
        found[document["name"]] = Step(
            document["name"],
            position,
            group,
            compiled(scope, document["when"]) if "when" in document else None,
            tuple(document.get("approvers", ())),
            document.get("queue"),
            document.get("decide", "first"),
            tuple(document.get("fallback", ())),
            document.get("nobody", "refuse"),
            document.get("reject_to"),
            frozenset(document.get("may", MAY)),
            document.get("comment", "optional"),
            _deadline(document.get("deadline")),
            document,
        )
    return found


def _deadline(document: Document | None) -> Deadline | None:
    if document is None:
        return None
    return Deadline(
        duration(document["within"]),
        document.get("working_time", False),
        tuple(duration(r) for r in document.get("remind", ())),
        document.get("then", "remind"),
        _people(document.get("to")),
    )
