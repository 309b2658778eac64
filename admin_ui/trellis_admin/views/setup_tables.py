"""Setup: decision tables as a grid and as CSV. A change is reviewed and published like any change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, make_response, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from trellis.decision_tables.csv_form import NAME, BadTableFile, cells_of, columns_of, read_csv, rows_of, write_csv
from trellis.publishing.publisher import InvalidMetadata
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.session import needs_admin
from trellis_admin.setup_documents import api_name, label
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import review, step
from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.kinds.decision_table import options_of
from trellis_metadata.labels import text_of

BACK = "/setup/decision-tables"
TYPES = ("text", "number", "boolean", "date", "datetime")
NEW_KEYS, NEW_VALUES = 4, 3


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "data",
        20,
        _("Decision tables"),
        "/setup/decision-tables",
        "table",
        _("Tables that look a value up by several keys."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(BACK, "decision_tables", tables)
    blueprint.add_url_rule(f"{BACK}/new", "decision_table_form", new_table)
    blueprint.add_url_rule(f"{BACK}/new", "draft_decision_table", draft_table, methods=["POST"])
    blueprint.add_url_rule(f"{BACK}/<name>", "decision_table", edit)
    blueprint.add_url_rule(f"{BACK}/<name>", "change_decision_table", change, methods=["POST"])
    blueprint.add_url_rule(f"{BACK}/<name>.csv", "export_decision_table", export)


def _document(name: str) -> Mapping[str, Any]:
    found = g.model.snapshot.get("decision_table", name)
    if found is None:
        raise NotFound
    return found


@needs_admin
def tables() -> Response:
    """All decision tables."""
    code = language().code
    found = [
        {"name": n, "label": text_of(d.get("label"), code, n), "rows": len(d["rows"])}
        for n, d in g.model.snapshot.of_kind("decision_table").items()
    ]
    return render("pages/setup_tables.html", tables=found)


@needs_admin
def new_table() -> Response:
    """The form of a new table: its columns."""
    return _new_form({}, [])


def _new_form(form: Mapping[str, Any], errors: Sequence[str], status: int = 200) -> Response:
    return step(
        "parts/setup_table_form.html",
        _("New decision table"),
        status,
        form=form,
        errors=errors,
        types=TYPES,
        keys=range(NEW_KEYS),
        values=range(NEW_VALUES),
    )


@needs_admin
def draft_table() -> Response:
    """Make the document of the new table and show what publishing it would do."""
    form = {k: v.strip() for k, v in request.form.items()}
    keys = [
        {
            "name": form[f"key_{i}"],
            "type": form[f"key_type_{i}"],
            **({"match": "range"} if form.get(f"range_{i}") else {}),
        }
        for i in range(NEW_KEYS)
        if form.get(f"key_{i}")
    ]
    values = [
        {"name": form[f"value_{i}"], "type": form[f"value_type_{i}"]}
        for i in range(NEW_VALUES)
        if form.get(f"value_{i}")
    ]
    if not form.get("label") or not keys or not values:
        return _new_form(form, [_("Give the table a label, a key and a value.")], 422)
    document = {
        "kind": "decision_table",
        "name": form.get("name") or api_name(form["label"]),
        "label": label(form["label"], form.get("label_zh", "")),
        "keys": keys,
        "values": values,
        "hit": form.get("hit", "first"),
        "rows": [],
    }
    if g.model.snapshot.get("decision_table", document["name"]):
        return _new_form(form, [_("A table called “%(name)s” exists already.", name=document["name"])], 422)
    return review([document], f"{BACK}/{document['name']}", lambda problems: _new_form(form, problems, 422))


@needs_admin
def edit(name: str) -> Response:
    """The grid."""
    return _grid(_document(name))


@needs_admin
def export(name: str) -> Response:
    """The table as CSV."""
    response = make_response(write_csv(_document(name)))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


@needs_admin
def change(name: str) -> Response:
    """Add, move or remove a row, take the rows of a file, or show what publishing the table would do."""
    stored, action = _document(name), request.form.get("do", "review")
    if action == "remove_table":
        return review([], BACK, lambda problems: _grid(stored, problems, 422), removed=[("decision_table", name)])
    if action == "upload":
        sent = request.files.get("file")
        try:
            document = read_csv(stored, sent.stream.read() if sent is not None else b"")
        except BadTableFile as problem:
            return _grid(stored, problem.details.get("problems") or [problem.message], 422)
        return _reviewed(document)
    lines = _lines(stored, request.form)
    if action != "review":
        _rearrange(lines, action)
        return _grid(_with_lines(stored, lines))
    return _reviewed(_with_lines(stored, lines))


def _with_lines(stored: Mapping[str, Any], lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    document = {**stored, "rows": rows_of(stored, lines)}
    if "label" in request.form:
        document["label"] = label(request.form["label"].strip(), request.form.get("label_zh", "").strip())
        document["hit"] = request.form.get("hit", "first")
    return document


def _lines(document: Mapping[str, Any], form: MultiDict[str, str]) -> list[dict[str, str]]:
    columns = {c: form.getlist(f"c.{c}") for c in columns_of(document)}
    count = len(columns[NAME])
    return [{c: cells[i].strip() for c, cells in columns.items() if i < len(cells)} for i in range(count)]


def _rearrange(lines: list[dict[str, str]], action: str) -> None:
    what, _colon, at = action.partition(":")
    index = int(at) if at.isdigit() else -1
    if what == "add":
        lines.append({})
    elif 0 <= index < len(lines):
        row = lines.pop(index)
        if what in ("up", "down"):
            lines.insert(max(0, index - 1) if what == "up" else index + 1, row)


def _findings(document: Mapping[str, Any]) -> list[Diagnostic]:
    place = f"decision_table/{document['name']}"
    _snapshot, found = g.tenant.language.check([document], g.model.snapshot)
    return [d for d in found if d.document == place]


def _reviewed(document: Mapping[str, Any]) -> Response:
    found = _findings(document)
    if any(d.severity is Severity.ERROR for d in found):
        return _grid(document, status=422)
    notices = [f"{d.message} {d.remedy}".strip() for d in found]
    back = f"{BACK}/{document['name']}"
    try:
        return review([document], back, lambda problems: _grid(document, problems, 422), notices=notices)
    except InvalidMetadata as error:
        return _grid(document, [d.message for d in error.diagnostics], 422)


def _grid(document: Mapping[str, Any], errors: Sequence[str] = (), status: int = 200) -> Response:
    code, found = language().code, _findings(document)
    texts = document["label"] if isinstance(document["label"], Mapping) else {"en": document["label"]}
    rows = [_shown_row(document, index, row, found) for index, row in enumerate(document["rows"])]
    general = [d for d in found if not d.pointer.startswith("/rows/")]
    return render(
        "pages/setup_table.html",
        status,
        table=document,
        label=text_of(document.get("label"), code, document["name"]),
        written=texts,
        heads=[(c, _head(document, c)) for c in columns_of(document)[1:]],
        rows=rows,
        errors=errors,
        problems=[(d.severity.value, f"{d.message} {d.remedy}".strip()) for d in general],
    )


def _head(document: Mapping[str, Any], column: str) -> str:
    name, _dot, end = column.partition(".")
    entry = next(e for e in (*document["keys"], *document["values"]) if e["name"] == name)
    text = text_of(entry.get("label"), language().code, name)
    return {"from": _("%(key)s from", key=text), "to": _("%(key)s below", key=text)}.get(end, text)


def _shown_row(
    document: Mapping[str, Any], index: int, row: Mapping[str, Any], found: Sequence[Diagnostic]
) -> dict[str, Any]:
    mine = [d for d in found if d.pointer == f"/rows/{index}" or d.pointer.startswith(f"/rows/{index}/")]
    by_column = {d.pointer.split("/")[4]: d.message for d in mine if d.pointer.count("/") >= 4}
    cells = []
    options = options_of(document, g.model.snapshot)
    choices = {k["name"]: options.get(k["picklist"], []) for k in document["keys"] if "picklist" in k}
    types = {e["name"]: e["type"] for e in (*document["keys"], *document["values"])}
    for column, value in zip(columns_of(document)[1:], cells_of(document, row)[1:], strict=True):
        name = column.partition(".")[0]
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        known = ["true", "false"] if types[name] == "boolean" else choices.get(name, [])
        cells.append(
            {
                "column": column,
                "value": text,
                "choices": known if not known or not text or text in known else [*known, text],
                "error": by_column.get(name, ""),
            }
        )
    general = [d.message for d in mine if d.pointer.count("/") < 4]
    return {"name": row["name"], "cells": cells, "messages": general}
