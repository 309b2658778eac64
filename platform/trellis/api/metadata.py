"""Metadata over HTTP: read, validate, plan, apply, undo, log. The same calls as the command line and the UI."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError, fields

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.errors import BadRequest
from trellis.publishing.publisher import InvalidMetadata, TenantPlan
from trellis.tenant import Tenant
from trellis_metadata.diagnostics import did_you_mean


class ChangeSchema(Schema):
    """A change of metadata: documents to add or replace, documents to remove, answers about renames."""

    documents = fields.List(fields.Raw(), load_default=list, metadata={"description": "Documents to add or replace."})
    removed = fields.List(
        fields.List(fields.String()),
        load_default=list,
        metadata={"description": "[kind, name] of documents to remove."},
    )
    renames = fields.List(
        fields.Dict(), load_default=list, metadata={"description": "{kind, name, path, to} of what was renamed."}
    )
    confirm = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Hash of the plan, to confirm a destructive one."}
    )
    note = fields.String(load_default="", metadata={"description": "Why; kept in the log."})


class UndoSchema(Schema):
    """The way back."""

    confirm = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Hash of the plan, if it is destructive."}
    )


SCHEMAS = {"MetadataChange": ChangeSchema, "MetadataUndo": UndoSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of metadata. All need the scope ``setup`` and an administrator."""

    def admin() -> tuple[Tenant, int | None]:
        return api.read(lambda r: (r.tenant, r.principal.user), scope="setup")

    @blueprint.get("/metadata")
    def read_metadata() -> Response:
        reading.allow_parameters(("kind",))
        tenant, _ = admin()
        model = tenant.model()
        kind = request.args.get("kind")
        if kind is not None and kind not in tenant.language.kinds():
            raise BadRequest(f"There is no kind '{kind[:40]}'. Kinds: {', '.join(tenant.language.kinds())}.")
        documents = [d for d in model.snapshot if kind is None or d["kind"] == kind]
        return answer({"version": model.version, "hash": model.snapshot.hash, "documents": documents})

    @blueprint.post("/metadata/validate")
    def validate_metadata() -> Response:
        tenant, _ = admin()
        change = loaded(ChangeSchema())
        try:
            tenant.publisher.check(change["documents"], removed=keys_of(change))
        except InvalidMetadata as problem:
            return answer({"valid": False, "diagnostics": [d.to_json() for d in problem.diagnostics]})
        return answer({"valid": True, "diagnostics": []})

    @blueprint.post("/metadata/plan")
    def plan_metadata() -> Response:
        tenant, _ = admin()
        return answer(_plan(tenant, loaded(ChangeSchema())).to_json())

    @blueprint.post("/metadata/apply")
    def apply_metadata() -> Response:
        tenant, author = admin()
        change = loaded(ChangeSchema())
        plan = _plan(tenant, change)
        number = tenant.publisher.apply(plan, confirm=change["confirm"], author=author, note=change["note"])
        return answer({"version": number, "hash": tenant.model().snapshot.hash, "plan": plan.to_json()})

    @blueprint.post("/metadata/undo")
    def undo_metadata() -> Response:
        tenant, author = admin()
        change = loaded(UndoSchema())
        number = tenant.publisher.undo(confirm=change["confirm"], author=author)
        return answer({"version": number, "hash": tenant.model().snapshot.hash})

    @blueprint.get("/metadata/log")
    def metadata_log() -> Response:
        reading.allow_parameters(())
        tenant, _ = admin()
        return answer({"versions": tenant.publisher.log()})

    @blueprint.get("/schemas/<kind>.json")
    def schema(kind: str) -> Response:
        tenant = api.read(lambda r: r.tenant)
        if kind not in tenant.language.kinds():
            raise BadRequest(f"There is no kind '{kind[:40]}'.")
        return answer(tenant.language.schema(kind))


def loaded(schema: Schema) -> dict[str, Any]:
    """Return the body as ``schema`` reads it. Raises :class:`BadRequest` with every problem."""
    try:
        return dict(schema.load(reading.object_body()))
    except ValidationError as problem:
        raise BadRequest(f"The request has problems: {problem.messages}", problems=problem.messages) from None


def keys_of(change: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the identities under ``removed``."""
    if any(len(k) != 2 for k in change["removed"]):
        raise BadRequest("'removed' is a list of [kind, name].")
    return [(k[0], k[1]) for k in change["removed"]]


def _plan(tenant: Tenant, change: dict[str, Any]) -> TenantPlan:
    known = tenant.model().snapshot
    for kind, name in keys_of(change):
        if known.get(kind, name) is None:
            raise BadRequest(
                f"There is no {kind[:40]} '{name[:60]}' to remove.{did_you_mean(name[:60], [d['name'] for d in known if d['kind'] == kind])}"
            )
    return tenant.publisher.plan_documents(change["documents"], removed=keys_of(change), renames=renames_of(change))


def renames_of(change: dict[str, Any]) -> list[tuple[str, str, tuple[str, ...], str]]:
    """Return the answers under ``renames``: kind, name, path and new name."""
    try:
        return [
            (str(r["kind"]), str(r["name"]), tuple(map(str, r.get("path", ()))), str(r["to"]))
            for r in change["renames"]
        ]
    except (KeyError, TypeError):
        raise BadRequest('A rename is {"kind", "name", "path", "to"}.') from None
