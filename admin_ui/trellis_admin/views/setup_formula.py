"""The formula editor's questions: names to complete, a live check, records to try a formula on."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from trellis_admin import formula_editor
from trellis_admin.page import render
from trellis_admin.reading import find, label_of, object_model
from trellis_admin.session import needs_admin


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/formula/<name>/names.json", "formula_names", names)
    blueprint.add_url_rule("/setup/formula/<name>/records.json", "formula_records", records)
    blueprint.add_url_rule("/setup/formula/<name>/check", "formula_check", check, methods=["POST"])


@needs_admin
def names(name: str) -> Response:
    """What the word before the cursor may become."""
    object_model(name)
    return jsonify(formula_editor.completions(name, request.args.get("word", "")[:200]))


@needs_admin
def records(name: str) -> Response:
    """Records to try a formula on."""
    root = object_model(name)
    found = find(root, request.args.get("q", "").strip(), 10)
    return jsonify([{"value": r["id"], "text": label_of(r, root)} for r in found])


@needs_admin
def check(name: str) -> Response:
    """Judge the formula in the control that asks."""
    root = object_model(name)
    control = request.args.get("control", "")
    field = root.field(request.args.get("field", ""))
    found = formula_editor.judge(
        request.form.get(control, ""),
        name,
        field=field.doc if field is not None else None,
        use=request.args.get("use", "condition"),
        record=request.form.get("sample", ""),
    )
    return render("parts/formula_result.html", found=found, show=formula_editor.shown)
