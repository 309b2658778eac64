"""Lists that people save for themselves, or for everybody: columns, a filter, an order, and how the records are shown.

A saved view is a wish, not a right: whoever opens it sees what he may see of it. It is checked when it is saved, as a query of
the one who saves it. Only its owner changes it; an administrator may remove what is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Principal
from trellis.model import Model
from trellis.query import Query, run_query
from trellis.query.query import InvalidQuery, Sort, problem
from trellis.storage.tables.people import saved_view
from trellis.transaction.errors import NotFound
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.kinds.list_view import SETTINGS

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MAX_VIEWS, MAX_LABEL, MAX_COLUMNS = 100, 80, 50
SETTLED = "created_at"
"""A field that every object has: what stands in for the columns where only the settings are judged."""
_V = saved_view.c
_KEYS = ("label", "shared", "columns", "filter", "sort", "type", *SETTINGS)


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved view. ``columns`` and ``sort`` are field paths, ``-`` before a path of ``sort`` turns the order round.

    ``settings`` are ``type`` and the fields that it uses, as in list views of metadata (board, ``group_by`` …).
    """

    id: int
    object: str
    owner: int
    label: str
    shared: bool
    columns: tuple[str, ...]
    filter: Mapping[str, Any] | None
    sort: tuple[str, ...]
    settings: Mapping[str, str]


def views_for(connection: Connection, principal: Principal, object_name: str) -> list[SavedView]:
    """Return the views of an object that are the principal's own or shared, by label."""
    mine_or_shared = sa.or_(_V.owner == principal.user, _V.shared.is_(True))
    query = sa.select(saved_view).where(_V.object == object_name, mine_or_shared).order_by(_V.label, _V.id)
    return [_read(dict(row)) for row in connection.execute(query).mappings()]


def save_view(
    tenant: Tenant, principal: Principal, object_name: str, raw: Mapping[str, Any], view: int | None = None
) -> SavedView:
    """Store a new view, or replace the principal's view of the number ``view``.

    Raises :class:`InvalidQuery` with all problems, :class:`AccessDenied`, :class:`NotFound`.
    """
    if principal.user is None:
        raise AccessDenied("Views belong to people: whoever acts for no user has none.")
    wanted = _parse(object_name, principal.user, raw)
    _try(tenant, principal, wanted)
    values = {
        "object": object_name,
        "owner": principal.user,
        "label": wanted.label,
        "shared": wanted.shared,
        "columns": list(wanted.columns),
        "filter": wanted.filter,
        "sort": list(wanted.sort),
        "settings": dict(wanted.settings),
        "changed_at": tenant.clock.now(),
    }
    with tenant.database.writing() as connection:
        if view is not None:
            mine = (_V.id == view, _V.object == object_name, _V.owner == principal.user)
            if not connection.execute(saved_view.update().where(*mine).values(**values)).rowcount:
                raise NotFound("You have no such view.")
            return replace(wanted, id=view)
        count = sa.select(sa.func.count()).where(_V.owner == principal.user, _V.object == object_name)
        if connection.execute(count).scalar_one() >= MAX_VIEWS:
            raise InvalidQuery([problem("", "too_many", f"You have {MAX_VIEWS} views already. Remove one first.")])
        made = connection.execute(saved_view.insert(), values).inserted_primary_key
    assert made is not None
    return replace(wanted, id=int(made[0]))


def remove_view(tenant: Tenant, principal: Principal, object_name: str, view: int) -> None:
    """Remove one of the principal's views; an administrator removes shared ones too. Raises :class:`NotFound`."""
    allowed = _V.owner == principal.user
    if principal.admin:
        allowed = sa.or_(allowed, _V.shared.is_(True))
    with tenant.database.writing() as connection:
        gone = connection.execute(saved_view.delete().where(_V.id == view, _V.object == object_name, allowed))
        if not gone.rowcount:
            raise NotFound("You have no such view.")


def as_json(model: Model, view: SavedView) -> dict[str, Any]:
    """Return a view as clients are told of it."""
    return {
        "id": str(view.id),
        "label": view.label,
        "owner": model.env.format_id("user", view.owner),
        "shared": view.shared,
        "columns": list(view.columns),
        "filter": view.filter,
        "sort": list(view.sort),
        **view.settings,
    }


def _read(row: Mapping[str, Any]) -> SavedView:
    return SavedView(
        row["id"],
        row["object"],
        row["owner"],
        row["label"],
        row["shared"],
        tuple(row["columns"]),
        row["filter"],
        tuple(row["sort"]),
        row["settings"] or {},
    )


def _parse(object_name: str, owner: int, raw: Mapping[str, Any]) -> SavedView:
    problems = [
        problem(str(key), "unknown_key", f"'{str(key)[:60]}' is not part of a view.{did_you_mean(str(key), _KEYS)}")
        for key in raw
        if key not in _KEYS
    ]
    label = raw.get("label")
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= MAX_LABEL:
        problems.append(problem("label", "wrong_type", f"'label' is a text of 1 to {MAX_LABEL} characters."))
    columns, sort = raw.get("columns"), raw.get("sort", [])
    if not _is_paths(columns) or not columns or len(columns) > MAX_COLUMNS:
        problems.append(problem("columns", "wrong_type", f"'columns' is a list of 1 to {MAX_COLUMNS} field paths."))
    if not _is_paths(sort) or len(sort) > 3:
        problems.append(problem("sort", "wrong_type", "'sort' is a list of at most 3 field paths."))
    shared, tree = raw.get("shared", False), raw.get("filter")
    if not isinstance(shared, bool):
        problems.append(problem("shared", "wrong_type", "'shared' is true or false."))
    if tree is not None and not isinstance(tree, Mapping):
        problems.append(problem("filter", "wrong_type", "'filter' is a filter tree."))
    settings = {key: raw[key] for key in ("type", *SETTINGS) if raw.get(key) is not None}
    problems += [
        problem(key, "wrong_type", f"'{key}' is a text.") for key, v in settings.items() if not isinstance(v, str)
    ]
    if problems:
        raise InvalidQuery(problems)
    made = tuple(dict.fromkeys(columns or ()))
    return SavedView(0, object_name, owner, str(label).strip(), shared, made, tree, tuple(sort), settings)


def _is_paths(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(p, str) for p in value)


def _try(tenant: Tenant, principal: Principal, view: SavedView) -> None:
    """Ask for one record of the view, so that what does not fit is refused before it is stored.

    How it is shown is judged as that of a list view of metadata.
    """
    sorts = tuple(Sort(s.removeprefix("-"), s.startswith("-")) for s in view.sort)
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        fields = (*view.columns, *(v for k, v in view.settings.items() if k in SETTINGS))
        run_query(tenant, connection, model, principal, Query(view.object, fields, view.filter, sorts, limit=1))
        if view.settings:
            document = {"kind": "list_view", "name": "saved", "object": view.object, **view.settings}
            problems = _wrong_settings(tenant, model, document)
            if problems:
                raise InvalidQuery(problems)


def _wrong_settings(tenant: Tenant, model: Model, document: dict[str, Any]) -> list[dict[str, str]]:
    _, found = tenant.language.check([{**document, "columns": [SETTLED]}], model.snapshot)
    keys = {f"/{key}": key for key in ("type", *SETTINGS)}
    return [problem(keys[d.pointer], d.code, d.message) for d in found if d.pointer in keys]
