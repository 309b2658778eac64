"""Related lists: the records that point at one record by a relationship."""

from __future__ import annotations

from flask import Blueprint, Response

from trellis.access.objects import child_lists
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.record_answers import number_of, page_json
from trellis.api.records import list_query
from trellis.model import Model, Reference
from trellis.query import Page, get_record, run_query
from trellis.query.query import read_query
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError


class UnknownRelationship(TrellisError):
    """The object has no child list of that name."""

    code = "unknown_relationship"


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of related lists."""

    @blueprint.get("/records/<name>/<record>/related/<relationship>")
    def related(name: str, record: str, relationship: str) -> Response:
        raw = list_query()
        return answer(page_json(api.read(lambda r: _related(r, name, record, relationship, raw))))


def relationships(model: Model, name: str) -> dict[str, Reference]:
    """Return the child lists of an object by their names."""
    return {r.relationship: r for r in model.referrers.get(name, ()) if r.relationship}


def visible_relationships(r: Reading, name: str) -> dict[str, Reference]:
    """Return the child lists whose records and reference the caller may know of."""
    return child_lists(r.principal, r.model, name)


def _related(r: Reading, name: str, record: str, relationship: str, raw: dict[str, object]) -> Page:
    r.model.object(name)
    known = visible_relationships(r, name)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number_of(name, record))
    if relationship not in known:
        raise UnknownRelationship(
            f"'{name}' has no child list '{relationship[:60]}'.{did_you_mean(relationship[:60], known)} "
            f"Known: {', '.join(known) or 'none'}."
        )
    reference = known[relationship]
    # Read first, alone, so that problems are told at the places of the caller's own filter.
    read_query(reference.source, raw)
    parts = [{"field": reference.field, "op": "=", "value": record}]
    mine = {**raw, "filter": {"and": [*parts, raw["filter"]]} if raw.get("filter") else parts[0]}
    return run_query(r.tenant, r.connection, r.model, r.principal, read_query(reference.source, mine))
