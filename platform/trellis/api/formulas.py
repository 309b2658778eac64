"""Formulas of a record explained, and filters turned from the builder's tree into text and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from trellis.access import AccessDenied, rights
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.record_answers import number_of
from trellis.query import InvalidQuery
from trellis.query.explaining import explain_field, step_json
from trellis.query.filter_text import NoTextForm, text_of, tree_of
from trellis.query.filters import checked_shape, formula_problem
from trellis.query.query import problem
from trellis_metadata.formula.errors import FormulaError


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/records/<name>/<record>/explain/<field>")
    def explain_record(name: str, record: str, field: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: _explained(r, name, record, field)))

    @blueprint.post("/objects/<name>/filter")
    def convert_filter(name: str) -> Response:
        reading.allow_parameters(())
        body = reading.object_body()
        if set(body) != {"filter"}:
            raise BadRequest('Send {"filter": …}: a filter tree, or the text of a formula.')
        return answer(api.read(lambda r: converted(r, name, body["filter"])))


def _explained(r: Reading, name: str, record: str, field: str) -> dict[str, Any]:
    r.model.object(name)
    return step_json(explain_field(r.tenant, r.connection, r.model, r.principal, name, number_of(name, record), field))


def converted(r: Reading, name: str, given: object) -> dict[str, Any]:
    """Return both forms of a filter. ``text`` is null, with the reason, where the tree has none."""
    root = r.model.object(name)
    if rights(r.principal, root.doc).read == "none":
        raise AccessDenied(f"You may not read '{name}'.")
    try:
        tree = tree_of(given, name, r.model) if isinstance(given, str) else checked_shape(given)
    except FormulaError as error:
        raise InvalidQuery([formula_problem("filter", str(given), p) for p in error.problems]) from None
    return {"filter": tree, **_text(tree, name, r)}


def _text(tree: Mapping[str, Any], name: str, r: Reading) -> dict[str, Any]:
    try:
        return {"text": text_of(tree, name, r.model)}
    except NoTextForm as none:
        return {"text": None, "reason": none.message}
    except FormulaError as error:
        raise InvalidQuery([problem("filter", p.code, p.message) for p in error.problems]) from None
