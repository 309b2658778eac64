"""An import that the worker runs: how far it is, stopping it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.exchange import background
from trellis_admin.page import go, render, wants_fragment
from trellis_admin.reading import object_model
from trellis_admin.session import needs_person
from trellis_admin.views.imports import result_page, step_page

WORKING = ("ready", "running")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/import/<token>/job/<int:job>", "import_job", show)
    blueprint.add_url_rule("/o/<name>/import/<token>/job/<int:job>/cancel", "import_cancel", cancel, methods=["POST"])


def _row(name: str, token: str, job: int) -> Mapping[str, Any]:
    row = background.find(g.tenant, g.person, job)
    if row is None or (row["payload"]["object"], row["payload"]["file"]) != (name, token):
        raise NotFound
    return row


@needs_person
def show(name: str, token: str, job: int) -> Response:
    """Progress, asked for every second by the page; then the result."""
    root, row = object_model(name), _row(name, token, job)
    url = f"/o/{name}/import/{token}/job/{job}"
    if row["state"] in WORKING:
        shown = {"url": url, "done": row["done"], "total": row["total"], "dry_run": row["payload"]["dry_run"]}
        if wants_fragment():
            return render("parts/import_progress.html", **shown)
        return step_page(root, 3 if row["payload"]["dry_run"] else 4, "parts/import_progress.html", **shown)
    if wants_fragment():
        return go(url)
    if row["state"] != "done":
        reason = _("You stopped the import.") if row["state"] == background.CANCELLED else row["error"]
        report = background.report_of(row)
        return step_page(root, 4, "parts/import_broken.html", reason=reason, report=report, has_file=False)
    mapping, key = row["payload"]["mapping"], row["payload"]["key"]
    return result_page(root, token, background.report_of(row), mapping, key, list(mapping))


@needs_person
def cancel(name: str, token: str, job: int) -> Response:
    """Stop the import; what was written by then stays."""
    _row(name, token, job)
    background.cancel(g.tenant, g.person, job)
    return go(f"/o/{name}/import/{token}/job/{job}")
