"""Setup: the gallery of packs, the plan of an installation or upgrade with its conflicts, and removal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from trellis.packs import PackPlan, apply, plan_install, plan_uninstall, rehearsing, remember_choices
from trellis.packs.gallery import gallery
from trellis.packs.screenshots import picture
from trellis.packs.shelf import Shelf
from trellis.packs.source import PackSource
from trellis.packs.trying import with_case_reports
from trellis.publishing.publisher import InvalidMetadata
from trellis_admin.i18n import language
from trellis_admin.page import go, render, wants_fragment
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of
from trellis_metadata.merge import Side

CHOICE = "choice:"
OPTION = "option:"
SHOWN = 400
"""Characters of a value that the table of conflicts shows."""


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "data", 40, _("Packs"), "/setup/packs", "package", _("Ready-made objects, rules and lists for an industry.")
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/packs", "packs", packs)
    blueprint.add_url_rule("/setup/packs/<name>", "pack", pack)
    blueprint.add_url_rule("/setup/packs/<name>/screenshots/<file>", "pack_screenshot", screenshot)
    blueprint.add_url_rule("/setup/packs/<name>/plan", "pack_plan", plan, methods=["POST"])
    blueprint.add_url_rule("/setup/packs/<name>/rehearse", "pack_rehearse", rehearse, methods=["POST"])
    blueprint.add_url_rule("/setup/packs/<name>/rehearsals/<int:job>", "pack_rehearsal", rehearsal)
    blueprint.add_url_rule("/setup/packs/<name>/apply", "pack_apply", confirm, methods=["POST"])


@needs_admin
def packs() -> Response:
    """All packs that are installed or could be."""
    return render("pages/setup_packs.html", packs=gallery(g.tenant, language().code))


@needs_admin
def pack(name: str) -> Response:
    """One pack: what it holds, asks for and costs to know before it is installed."""
    return _pack_page(name)


@needs_admin
def screenshot(name: str, file: str) -> Response:
    """A picture of a pack in use."""
    try:
        with Shelf.of(g.tenant).source(name) as source:
            data, media_type = picture(source, file)
    except TrellisError:
        raise NotFound from None
    found = Response(data, mimetype=media_type)
    found.headers["Cache-Control"] = "private, max-age=3600"
    return found


def _pack_page(name: str, errors: tuple[str, ...] = (), status: int = 200) -> Response:
    found = next((p for p in gallery(g.tenant, language().code) if p["name"] == name), None)
    if found is None:
        raise NotFound
    installed = (g.model.snapshot.get("pack", name) or {}).get("installed", {})
    return render(
        "pages/setup_pack.html",
        status,
        pack=found,
        errors=errors,
        answers={o["name"]: installed.get("options", {}).get(o["name"], o["default"]) for o in found["options"]},
        parts=installed.get("slices", [s["name"] for s in found["slices"] if s["default"]]),
    )


@needs_admin
def plan(name: str) -> Response:
    """Show what would happen; answers to conflicts that were given are kept."""
    form = request.form
    choices = _choices(form)
    if choices:
        remember_choices(g.tenant, name, choices, g.person.user)
    try:
        made = _plan(name, form)
    except TrellisError as problem:
        return _pack_page(name, tuple(_told(problem)), 422)
    return _plan_page(made, form)


def _plan(name: str, form: MultiDict[str, str]) -> PackPlan:
    if form.get("action") == "uninstall":
        return plan_uninstall(g.tenant, name)
    with Shelf.of(g.tenant).source(name) as source:
        made = plan_install(g.tenant, source, **_asked(source, form))
        return with_case_reports(g.tenant, made, source, language().code)


def _asked(source: PackSource, form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the answers of the form, as planning takes them."""
    declared = {o["name"]: o for o in source.document.get("options", ())}
    return {
        "options": {n: _answer(o, form) for n, o in declared.items() if "asked" in form},
        "slices": form.getlist("part") if "asked" in form else None,
        "choices": _choices(form),
    }


@needs_admin
def rehearse(name: str) -> Response:
    """Try the installation or upgrade on a copy, in the background."""
    try:
        with Shelf.of(g.tenant).source(name) as source:
            asked = _asked(source, request.form)
        job = rehearsing.ask(g.tenant, name, language=language().code, **asked)
    except TrellisError as problem:
        return _pack_page(name, tuple(_told(problem)), 422)
    return go(f"/setup/packs/{name}/rehearsals/{job}")


@needs_admin
def rehearsal(name: str, job: int) -> Response:
    """How far a rehearsal is, asked for by the page until it is done; then the report."""
    try:
        found = rehearsing.state_of(g.tenant, name, job)
    except rehearsing.UnknownRehearsal:
        raise NotFound from None
    label = next((p["label"] for p in gallery(g.tenant, language().code) if p["name"] == name), name)
    page = "parts/rehearsal.html" if wants_fragment() else "pages/setup_rehearsal.html"
    return render(page, name=name, label=label, job=found, url=f"/setup/packs/{name}/rehearsals/{job}")


def _answer(option: Mapping[str, Any], form: MultiDict[str, str]) -> Any:
    field, kind = OPTION + option["name"], option["type"]
    if kind == "boolean":
        return form.get(field) == "true"
    if kind == "choices":
        return form.getlist(field)
    text = form.get(field, "").strip()
    return int(text) if kind == "integer" and text.lstrip("-").isdigit() else text


def _choices(form: MultiDict[str, str]) -> dict[str, Side]:
    given = {k.removeprefix(CHOICE): v for k, v in form.items() if k.startswith(CHOICE)}
    return {k: Side(v) for k, v in given.items() if v in ("ours", "theirs")}


def _plan_page(made: PackPlan, form: MultiDict[str, str], errors: tuple[str, ...] = (), status: int = 200) -> Response:
    said = made.to_json(language().code)
    kept = [(k, v) for k, v in form.items(multi=True) if k.startswith(OPTION) or k in ("part", "asked", "action")]
    conflicts = [{**c, "ours_shown": _shown(c, "ours"), "theirs_shown": _shown(c, "theirs")} for c in said["conflicts"]]
    return render(
        "pages/setup_pack_plan.html",
        status,
        plan={**said, "conflicts": conflicts},
        kept=kept,
        errors=errors,
        broken=[c for c in said["cases"] if not c["passed"]],
        still_open=len(made.open_conflicts),
    )


def _shown(conflict: Mapping[str, Any], side: str) -> str:
    """Return a value as people read it: a label in their language, a text as it is, anything else as JSON."""
    if side not in conflict:
        return _("(nothing: deleted)")
    value = conflict[side]
    if isinstance(value, dict) and set(value) <= {"en", "zh"}:
        return text_of(value, language().code)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@needs_admin
def confirm(name: str) -> Response:
    """Do what was shown. The plan is made again and must be the one that was shown."""
    form = request.form
    try:
        made = _plan(name, form)
        if form.get("hash") != made.hash:
            return _plan_page(made, form, (_("Something changed meanwhile. This is the new plan."),), 409)
        apply(
            g.tenant,
            made,
            g.person.user,
            confirm=made.hash,
            broken_cases=form.get("accept_broken_cases") == "true",
            data="drop" if form.get("data") == "drop" else "keep",
        )
    except TrellisError as problem:
        return _pack_page(name, tuple(_told(problem)), 422)
    if made.action == "uninstall":
        return go("/setup/packs", _("The pack is removed."))
    return go(f"/setup/packs/{name}", _("The pack is installed."))


def _told(problem: TrellisError) -> list[str]:
    if isinstance(problem, InvalidMetadata):
        return [f"{d.document}: {d.message}" for d in problem.diagnostics]
    return [problem.message]
