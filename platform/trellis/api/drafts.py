"""Drafts over HTTP: keep a change set, change it, plan it, rebase it, publish it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from marshmallow import Schema, fields

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.metadata import keys_of, loaded, renames_of
from trellis.publishing.drafts import Draft, Drafts, conflict_json
from trellis_metadata.merge import Verdict


class _ContentSchema(Schema):
    label = fields.String(metadata={"description": "What people call the draft."})
    note = fields.String(metadata={"description": "Why; kept in the log when it is published."})
    documents = fields.List(fields.Raw(), metadata={"description": "Documents to add or replace."})
    removed = fields.List(
        fields.List(fields.String()), metadata={"description": "[kind, name] of documents to remove."}
    )
    renames = fields.List(fields.Dict(), metadata={"description": "{kind, name, path, to} of what was renamed."})


class NewDraftSchema(_ContentSchema):
    """A new draft."""

    name = fields.String(load_default=None, allow_none=True, metadata={"description": "API name; given if left out."})
    documents = fields.List(fields.Raw(), load_default=list, metadata={"description": "Documents to add or replace."})


class DraftChangeSchema(_ContentSchema):
    """A change of a draft; what is left out stays."""

    version = fields.Integer(
        required=True, strict=True, metadata={"description": "The version that was read; another one is refused."}
    )


class PublishSchema(Schema):
    """Publishing a draft."""

    confirm = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Hash of the plan, to confirm a destructive one."}
    )
    note = fields.String(load_default=None, allow_none=True, metadata={"description": "Instead of the draft's note."})


class RebaseSchema(Schema):
    """Answers to conflicts."""

    choices = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "By the key of a conflict: 'draft' or 'published'."},
    )


SCHEMAS = {
    "NewDraft": NewDraftSchema,
    "DraftChange": DraftChangeSchema,
    "DraftPublish": PublishSchema,
    "DraftRebase": RebaseSchema,
}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of drafts. All need the scope ``setup`` and an administrator."""

    def drafts() -> tuple[Drafts, int | None]:
        return api.read(lambda r: (Drafts(r.tenant), r.principal.user), scope="setup")

    def shown(kept: Drafts, draft: Draft) -> dict[str, Any]:
        return {**draft.to_json(), "outdated": kept.is_outdated(draft)}

    @blueprint.get("/metadata/drafts")
    def list_drafts() -> Response:
        reading.allow_parameters(())
        kept, _ = drafts()
        return answer({"drafts": [_summary(shown(kept, d)) for d in kept.list()]})

    @blueprint.post("/metadata/drafts")
    def create_draft() -> Response:
        kept, author = drafts()
        given = _content(loaded(NewDraftSchema()))
        made = kept.create(given.pop("documents"), author=author, **given)
        return answer(shown(kept, made), 201, {"Location": f"/api/v1/metadata/drafts/{made.name}"})

    @blueprint.get("/metadata/drafts/<name>")
    def read_draft(name: str) -> Response:
        reading.allow_parameters(())
        kept, _ = drafts()
        return answer(shown(kept, kept.get(name)))

    @blueprint.patch("/metadata/drafts/<name>")
    def change_draft(name: str) -> Response:
        kept, _ = drafts()
        given = _content(loaded(DraftChangeSchema()))
        return answer(shown(kept, kept.update(name, given.pop("version"), **given)))

    @blueprint.delete("/metadata/drafts/<name>")
    def delete_draft(name: str) -> Response:
        kept, _ = drafts()
        kept.delete(name)
        return Response(status=204)

    @blueprint.post("/metadata/drafts/<name>/plan")
    def plan_draft(name: str) -> Response:
        kept, _ = drafts()
        return answer(kept.plan(name).to_json())

    @blueprint.post("/metadata/drafts/<name>/publish")
    def publish_draft(name: str) -> Response:
        kept, author = drafts()
        given = loaded(PublishSchema())
        number, plan = kept.publish(name, confirm=given["confirm"], note=given["note"], author=author)
        return answer({"version": number, "hash": kept.tenant.model().snapshot.hash, "plan": plan.to_json()})

    @blueprint.post("/metadata/drafts/<name>/rebase")
    def rebase_draft(name: str) -> Response:
        kept, _ = drafts()
        rebased, merged = kept.rebase(name, loaded(RebaseSchema())["choices"])
        outcomes = [conflict_json(o) if o.verdict is Verdict.CONFLICT else o.to_json() for o in merged.outcomes]
        return answer({"draft": shown(kept, rebased), "outcomes": outcomes})


def _content(given: dict[str, Any]) -> dict[str, Any]:
    if "removed" in given:
        given["removed"] = tuple(keys_of(given))
    if "renames" in given:
        given["renames"] = tuple(renames_of(given))
    return given


def _summary(draft: dict[str, Any]) -> dict[str, Any]:
    """Return a draft for a list: how many documents, not the documents."""
    counted = {k: len(draft[k]) for k in ("documents", "removed")}
    return {**{k: v for k, v in draft.items() if k != "renames"}, **counted}
