"""Packs over HTTP: the gallery, plans, installing, upgrading, removing, uploading. The same calls as the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError, fields, validate

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.errors import BadRequest, TooLarge, UnsupportedMediaType
from trellis.packs import PackPlan, apply, plan_install, plan_uninstall, rehearsing, remember_choices
from trellis.packs.gallery import gallery
from trellis.packs.screenshots import picture
from trellis.packs.shelf import Shelf
from trellis.packs.trying import with_case_reports
from trellis.tenant import Tenant
from trellis_metadata.merge import Side

MAX_ARCHIVE = 50 * 1024 * 1024
ZIP = ("application/zip", "application/octet-stream")


class PackChangeSchema(Schema):
    """What is to be done with a pack."""

    action = fields.String(
        load_default="install",
        validate=validate.OneOf(["install", "uninstall"]),
        metadata={"description": "install (or upgrade), or uninstall."},
    )
    version = fields.String(load_default=None, allow_none=True, metadata={"description": "Default: the newest."})
    options = fields.Dict(load_default=dict, metadata={"description": "Answers to the pack's questions."})
    slices = fields.List(
        fields.String(), load_default=None, allow_none=True, metadata={"description": "The parts to install."}
    )
    choices = fields.Dict(
        keys=fields.String(),
        values=fields.String(validate=validate.OneOf(["ours", "theirs"])),
        load_default=dict,
        metadata={"description": "ours or theirs, by the key of a conflict."},
    )
    cases = fields.Boolean(load_default=True, metadata={"description": "Run the pack's cases."})
    confirm = fields.String(load_default=None, allow_none=True, metadata={"description": "Hash of the plan."})
    accept_broken_cases = fields.Boolean(load_default=False, metadata={"description": "Go on although cases fail."})
    data = fields.String(
        load_default="keep",
        validate=validate.OneOf(["keep", "drop"]),
        metadata={"description": "What becomes of the records when the pack goes."},
    )


SCHEMAS = {"PackChange": PackChangeSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of packs. All need the scope ``setup`` and an administrator."""

    def admin() -> tuple[Tenant, int | None, str]:
        return api.read(lambda r: (r.tenant, r.principal.user, r.principal.language), scope="setup")

    @blueprint.get("/packs")
    def list_packs() -> Response:
        reading.allow_parameters(())
        tenant, _, language = admin()
        return answer({"packs": gallery(tenant, language)})

    @blueprint.post("/packs")
    def upload_pack() -> Response:
        tenant, _, _ = admin()
        with _uploaded() as file:
            found = Shelf.of(tenant).put(file)
        return answer({"name": found.name, "version": found.version, "signed_by": found.signer}, 201)

    @blueprint.get("/packs/<name>/screenshots/<file>")
    def pack_screenshot(name: str, file: str) -> Response:
        reading.allow_parameters(())
        tenant, _, _ = admin()
        with Shelf.of(tenant).source(name) as source:
            data, media_type = picture(source, file)
        found = Response(data, mimetype=media_type)
        found.headers["Cache-Control"] = "private, max-age=3600"
        return found

    @blueprint.post("/packs/<name>/plan")
    def plan_pack(name: str) -> Response:
        tenant, _, language = admin()
        plan = _plan(tenant, name, _change(), language)
        return answer(plan.to_json(language))

    @blueprint.post("/packs/<name>/apply")
    def apply_pack(name: str) -> Response:
        tenant, author, language = admin()
        change = _change()
        plan = _plan(tenant, name, change, language)
        number = apply(
            tenant,
            plan,
            author,
            confirm=change["confirm"],
            broken_cases=change["accept_broken_cases"],
            data=change["data"],
        )
        return answer({"version": number, "hash": tenant.model().snapshot.hash, "plan": plan.to_json(language)})

    @blueprint.post("/packs/<name>/rehearse")
    def rehearse_pack(name: str) -> Response:
        tenant, _, language = admin()
        change = _change()
        if change["action"] != "install":
            raise BadRequest("Only an installation or upgrade can be rehearsed; 'plan' shows what removing does.")
        choices = {k: Side(v) for k, v in change["choices"].items()}
        number = rehearsing.ask(
            tenant,
            name,
            options=change["options"],
            slices=change["slices"],
            choices=choices,
            version=change["version"],
            language=language,
        )
        return answer(rehearsing.state_of(tenant, name, number), 202)

    @blueprint.get("/packs/<name>/rehearsals/<job>")
    def read_rehearsal(name: str, job: str) -> Response:
        reading.allow_parameters(())
        tenant, _, _ = admin()
        return answer(rehearsing.state_of(tenant, name, int(job) if job.isdigit() and len(job) < 19 else -1))

    @blueprint.post("/packs/<name>/choices")
    def choose(name: str) -> Response:
        tenant, author, _ = admin()
        choices = {k: Side(v) for k, v in _change()["choices"].items()}
        remember_choices(tenant, name, choices, author)
        return answer({"remembered": len(choices)})


def _plan(tenant: Tenant, name: str, change: dict[str, Any], language: str) -> PackPlan:
    if change["action"] == "uninstall":
        return plan_uninstall(tenant, name)
    with Shelf.of(tenant).source(name, change["version"]) as source:
        choices = {k: Side(v) for k, v in change["choices"].items()}
        plan = plan_install(tenant, source, options=change["options"], slices=change["slices"], choices=choices)
        return with_case_reports(tenant, plan, source, language) if change["cases"] else plan


def _change() -> dict[str, Any]:
    try:
        return dict(PackChangeSchema().load(reading.object_body()))
    except ValidationError as problem:
        raise BadRequest(f"The request has problems: {problem.messages}", problems=problem.messages) from None


@contextmanager
def _uploaded() -> Iterator[Path]:
    if request.mimetype not in ZIP:
        raise UnsupportedMediaType(f"Expected application/zip, found '{request.mimetype[:80]}'.")
    if (request.content_length or 0) > MAX_ARCHIVE:
        raise TooLarge(f"The archive is larger than {MAX_ARCHIVE // 2**20} MB.")
    data = request.stream.read(MAX_ARCHIVE + 1)
    if len(data) > MAX_ARCHIVE:
        raise TooLarge(f"The archive is larger than {MAX_ARCHIVE // 2**20} MB.")
    with tempfile.TemporaryDirectory(prefix="trellis-upload-") as folder:
        file = Path(folder) / "pack.trellis"
        file.write_bytes(data)
        yield file
