"""The import wizard: upload a file, match its columns, check all rows without writing, import, see what was refused."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, request, send_file
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, NotFound

from trellis.access import rights
from trellis.exchange import background
from trellis.exchange.errors import BadMapping, BadSource, UnknownFormat
from trellis.exchange.importing import Importer, Report
from trellis.exchange.source import Source, open_source
from trellis.model import ObjectModel
from trellis_admin.forms import may_enter
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.reading import object_model
from trellis_admin.session import needs_person
from trellis_admin.writing import write

SAMPLES = 3
AT_ONCE = 200
"""Rows that are judged and written while the person waits; more are left to the worker."""
SUFFIXES = (".csv", ".xlsx", ".json")
_TOKEN = re.compile(r"[0-9a-f]{32}\.(csv|xlsx|json)\Z")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/import", "import_upload", show)
    blueprint.add_url_rule("/o/<name>/import", "import_receive", receive, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/import/<token>", "import_match", match)
    blueprint.add_url_rule("/o/<name>/import/<token>", "import_act", act, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/import/<token>/refused.csv", "import_refused", refused)


def _root(name: str) -> ObjectModel:
    root = object_model(name)
    allowed = rights(g.person, root.doc)
    if not (allowed.create and allowed.may("import")):
        raise Forbidden
    return root


@needs_person
def show(name: str) -> Response:
    """Step 1: choose a file."""
    return step_page(_root(name), 1, "parts/import_upload.html")


@needs_person
def receive(name: str) -> Response:
    """Keep the file of this person for the next steps."""
    root, file = _root(name), request.files.get("file")
    suffix = Path(file.filename or "").suffix.lower() if file else ""
    if file is None or not file.filename:
        return step_page(root, 1, "parts/import_upload.html", 422, error=_("Choose a file."))
    if suffix not in SUFFIXES:
        return step_page(root, 1, "parts/import_upload.html", 422, error=_("Choose a CSV, XLSX or JSON file."))
    token = f"{secrets.token_hex(16)}{suffix}"
    path = _path(token)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)
    try:
        open_source(path)
    except (BadSource, UnknownFormat) as error:
        path.unlink(missing_ok=True)
        return step_page(root, 1, "parts/import_upload.html", 422, error=error.message)
    return go(f"/o/{name}/import/{token}")


def _path(token: str) -> Path:
    """Return where an uploaded file waits: in a folder of the person, so that nobody opens another's."""
    if not _TOKEN.match(token):
        raise NotFound
    return background.folder_of(g.tenant, g.person.user) / token


def _source(token: str) -> Source:
    path = _path(token)
    if not path.is_file():
        raise NotFound
    return open_source(path)


@needs_person
def match(name: str, token: str) -> Response:
    """Step 2: which column goes to which field; likely pairs are chosen already."""
    root, source = _root(name), _source(token)
    importer = Importer(g.tenant, g.person, name, source)
    return _match_page(root, token, source, importer.mapping, "")


def _match_page(
    root: ObjectModel,
    token: str,
    source: Source,
    mapping: dict[str, str],
    key: str,
    problems: Any = (),
    status: int = 200,
) -> Response:
    rows = [cells for _number, cells in islice(source.rows(), SAMPLES)]
    table = [
        (i, h, mapping.get(h, ""), [str(r[i]) for r in rows if r[i] not in (None, "")])
        for i, h in enumerate(source.headers)
    ]
    return step_page(root, 2, "parts/import_match.html", status, token=token, table=table, targets=list(_targets(root)),
                 key=key, count=source.count, problems=problems)  # fmt: skip


def _targets(root: ObjectModel) -> Iterator[tuple[str, str]]:
    code = language().code
    for field in root.all_fields:
        if not may_enter(root, field):
            continue
        yield field.name, field.label(code)
        if field.category != "reference" and field.doc["type"] != "currency":
            for part in field.codec.parts:
                yield f"{field.name}.{part}", f"{field.label(code)} · {part.replace('_', ' ')}"


@needs_person
def act(name: str, token: str) -> Response:
    """Steps 3 and 4: check without writing, then import; a file of many rows is left to the worker."""
    root, source = _root(name), _source(token)
    mapping = {h: request.form.get(f"column-{i}", "") for i, h in enumerate(source.headers)}
    key = request.form.get("key", "")
    importer = Importer(
        g.tenant,
        g.person,
        name,
        source,
        mapping,
        key=(key,) if key else (),
        error_file=background.refused_path(_path(token)),
    )
    dry = request.form.get("step") != "run"
    problems = importer.check()
    if problems:
        return _match_page(root, token, source, mapping, key, problems, 422)
    if source.count > AT_ONCE:
        page = f"/o/{name}/import/{token}/job"
        job = write(lambda tx: background.enqueue(tx, name, token, mapping, key, dry_run=dry, page=page))
        return go(f"/o/{name}/import/{token}/job/{job}")
    try:
        report = importer.run(dry_run=dry)
    except (BadMapping, BadSource) as error:
        problems = error.problems if isinstance(error, BadMapping) else [error.message]
        return _match_page(root, token, source, mapping, key, problems, 422)
    return result_page(root, token, report, mapping, key, source.headers)


def result_page(
    root: ObjectModel, token: str, report: Report, mapping: Mapping[str, str], key: str, headers: Sequence[str]
) -> Response:
    """Show what an import did, or would do."""
    template = "parts/import_check.html" if report.dry_run else "parts/import_done.html"
    return step_page(
        root,
        3 if report.dry_run else 4,
        template,
        token=token,
        report=report,
        mapping=mapping,
        key=key,
        headers=list(enumerate(headers)),
        has_file=background.refused_path(_path(token)).is_file(),
        action=f"/o/{root.name}/import/{token}",
    )


@needs_person
def refused(name: str, token: str) -> Response:
    """The refused rows with their reasons, to be mended and imported again."""
    _root(name)
    path = background.refused_path(_path(token))
    if not path.is_file():
        raise NotFound
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name=f"{name}-refused.csv")


def step_page(root: ObjectModel, step: int, template: str, status: int = 200, **context: Any) -> Response:
    """Show one step of the wizard."""
    code = language().code
    steps = [_("Upload"), _("Match columns"), _("Check"), _("Import")]
    return render("pages/import.html", status, object=root, plural=root.plural(code), steps=steps, at=step,
                  step_template=template, **context)  # fmt: skip
