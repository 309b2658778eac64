"""``crm`` on the side of the host: every call is judged by the rights of the run and counted. Nothing here trusts its
arguments: a worker that was taken over sends what it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trellis.access.principal import Principal
from trellis.query import run_query
from trellis.query.paths import Paths
from trellis.query.query import Query, read_query
from trellis.query.run import count_records
from trellis.transaction.errors import RecordsInvalid
from trellis_metadata.errors import TrellisError
from trellis_plugins.scripts.host.values import plain
from trellis_plugins.scripts.jail.limits import Limits
from trellis_plugins.scripts.record_wire import kind_of, table
from trellis_plugins.scripts.usage import Usage, Used

if TYPE_CHECKING:
    from trellis.transaction import Transaction
    from trellis_plugins.scripts.catalogue import Script

MAX_ROWS = 1_000
_VERBS = {"query": "read", "get": "read", "count": "read", "create": "create", "update": "update", "delete": "delete"}
_NO_TEXT = (
    "Filters are structured: {'field': 'name', 'op': '=', 'value': 'x'}, 'and', 'or', 'not', or [field, op, value]."
)


class BadCall(TrellisError):
    """A call of a script is not one."""

    code = "bad_call"


class Bridge:
    """Answers the calls of one run in its transaction. ``granted`` are the approved rights of the script."""

    def __init__(
        self,
        tx: Transaction,
        principal: Principal,
        script: Script,
        usage: Usage,
        limits: Limits,
        granted: Mapping[str, frozenset[str]],
    ) -> None:
        self.principal = principal
        self.tx, self.script, self.usage, self.limits, self.granted = tx, script, usage, limits, granted
        self.stopped: Used | None = None
        self._calls: dict[str, Callable[..., Any]] = {
            "query": self.query,
            "get": self.get,
            "count": self.count,
            "create": self.create,
            "update": self.update,
            "delete": self.delete,
            "enqueue": self.enqueue,
            "limits": self.usage.left,
        }

    def __call__(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        """Answer a call: ``value``, ``error`` for the script to catch, or ``stop`` when a limit is reached."""
        try:
            if self.stopped is not None:
                raise self.stopped
            if name not in self._calls:
                raise BadCall(f"'{name[:40]}' is not available to this script.")
            return {"value": self._calls[name](*[plain(a) for a in arguments])}
        except Used as used:
            self.stopped = used
            return {"stop": [used.name, used.allowed]}
        except RecordsInvalid as problem:
            return {"error": _first_error(problem)}
        except TrellisError as problem:
            return {"error": {"code": problem.code, "message": problem.message}}
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError) as problem:
            return {"error": {"code": "bad_call", "message": f"The call is not understood ({type(problem).__name__})."}}

    # -- reading ---------------------------------------------------------------------------------------------------

    def query(self, object_name: Any, filters: Any, fields: Any, order_by: Any, limit: Any) -> dict[str, Any]:
        """Return rows of an object with the rights of the run."""
        self.usage.take("queries", 1, self.limits)
        raw: dict[str, Any] = {"limit": limit if type(limit) is int and 0 < limit <= MAX_ROWS else _refuse_limit()}
        if filters is not None:
            raw["filter"] = filter_tree(filters)
        if fields is not None:
            raw["fields"] = fields
        if order_by is not None:
            raw["sort"] = [order_by] if isinstance(order_by, str) else order_by
        query = read_query(_text(object_name), raw)
        principal = self._principal(query.object, "read")
        self.tx.trail.flush()
        page = run_query(self.tx.tenant, self.tx.connection, self.tx.model, principal, query)
        self.usage.take("rows", len(page.rows), self.limits)
        return self._table(principal, query, page.rows)

    def _table(self, principal: Principal, query: Query, rows: list[dict[str, Any]]) -> dict[str, Any]:
        names = [n for n in rows[0] if n != "id"] if rows else list(query.fields)
        model = self.tx.model.object(query.object)
        paths = Paths(self.tx.model, model, principal)
        kinds = []
        for name in names:
            field = model.field(name)
            if field is not None or name == "version":
                kinds.append("p" if field is None or field.is_formula else kind_of(field.category, field))
            else:
                found = paths.resolve(name)
                kinds.append(kind_of(found.category, found.field if found.part is None else None))
        return table(query.object, names, _fitting(kinds, names, rows), rows)

    def get(self, object_name: Any, record: Any, fields: Any) -> dict[str, Any]:
        """Return one record as a table of one row, or of none."""
        return self.query(object_name, {"field": "id", "op": "=", "value": _text(record)}, fields, None, 1)

    def count(self, object_name: Any, filters: Any) -> int:
        """Count records that the run may read."""
        self.usage.take("queries", 1, self.limits)
        query = Query(_text(object_name), filter=None if filters is None else filter_tree(filters))
        principal = self._principal(query.object, "read")
        return count_records(self.tx.tenant, self.tx.connection, self.tx.model, principal, query)

    # -- writing ---------------------------------------------------------------------------------------------------

    def create(self, object_name: Any, values: Any) -> Any:
        """Create a record, or several; return their ids."""
        name, rows = _text(object_name), values if isinstance(values, list) else [values]
        self._take_writes(len(rows))
        with self._writing(name, "create"):
            made = self.tx.create(name, rows)
        ids = [self.tx.model.env.format_id(name, o.id or 0) for o in made]
        return ids if isinstance(values, list) else ids[0]

    def update(self, object_name: Any, record: Any, values: Any) -> int:
        """Change a record, or several given as a list of values with ``id``; return how many."""
        name = _text(object_name)
        rows = record if isinstance(record, list) else [{**values, "id": _text(record)}]
        self._take_writes(len(rows))
        with self._writing(name, "update"):
            return len(self.tx.update(name, rows))

    def delete(self, object_name: Any, record: Any) -> int:
        """Delete a record, or several; return how many."""
        name = _text(object_name)
        texts = record if isinstance(record, list) else [record]
        self._take_writes(len(texts))
        ids = [self.tx.model.env.parse_id(_text(t), [name])[1] for t in texts]
        with self._writing(name, "delete"):
            return len(self.tx.delete(name, ids))

    def _take_writes(self, rows: int) -> None:
        self.usage.take("writes", 1, self.limits)
        self.usage.take("rows_written", rows, self.limits)

    @contextmanager
    def _writing(self, object_name: str, verb: str) -> Iterator[None]:
        """Write with the rights of the run; what is refused is taken back, so that a script may go on."""
        tx = self.tx
        before, mark, point = tx.principal, tx.trail.mark(), tx.connection.begin_nested()
        tx.principal = self._principal(object_name, verb)
        try:
            yield
        except BaseException:
            point.rollback()
            tx.trail.back_to(mark)
            raise
        else:
            point.commit()
        finally:
            tx.principal = before

    def enqueue(self, action: Any, arguments: Any) -> bool:
        """Let an action of the same pack run after the commit, with the rights of the same user."""
        from trellis_plugins.scripts.actions import enqueue

        self.usage.take("writes", 1, self.limits)
        enqueue(self.tx, self.script.pack, _text(action), arguments)
        return True

    def _principal(self, object_name: str, verb: str) -> Principal:
        """Return whose rights count: the user's, or all where an administrator granted the script this verb."""
        if verb in self.granted.get(object_name, ()):
            return replace(self.principal, kind="script", admin=True, scopes=None)
        return self.principal


def _fitting(kinds: list[str], names: list[str], rows: list[dict[str, Any]]) -> list[str]:
    """Return the kinds, plain where a value has another form than its kind (a masked number is a text of dots)."""
    out = []
    for kind, name in zip(kinds, names, strict=True):
        values = [r[name] for r in rows if r[name] is not None]
        fits = kind == "p" or (
            all(isinstance(v, dict) for v in values)
            if kind == "m"
            else all(isinstance(v, str) and "•" not in v for v in values)
        )
        out.append(kind if fits else "p")
    return out


def filter_tree(raw: Any) -> dict[str, Any]:
    """Return a filter tree from what scripts may write. Formulas and texts are refused."""
    if isinstance(raw, list):
        if len(raw) == 3 and isinstance(raw[0], str):
            return {"field": raw[0], "op": raw[1], "value": raw[2]}
        return {"and": [filter_tree(r) for r in raw]}
    if not isinstance(raw, dict):
        raise BadCall(_NO_TEXT)
    if set(raw) in ({"and"}, {"or"}):
        key = next(iter(raw))
        return {key: [filter_tree(r) for r in raw[key]]}
    if set(raw) == {"not"}:
        return {"not": filter_tree(raw["not"])}
    if "field" in raw and set(raw) <= {"field", "op", "value"}:
        return raw
    if "formula" in raw:
        raise BadCall(_NO_TEXT)
    return {"and": [{"field": str(k), "op": "=", "value": v} for k, v in raw.items()]}


def _refuse_limit() -> int:
    raise BadCall(f"'limit' is a whole number from 1 to {MAX_ROWS}.")


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > 200:
        raise BadCall("A name or an id in text form was expected.")
    return raw


def _first_error(problem: RecordsInvalid) -> dict[str, Any]:
    for row in problem.errors:
        for field, found in (row or {}).items():
            entry = found[0] if isinstance(found, list) else {"message": str(found)[:500]}
            return {"code": "records_invalid", "message": str(entry.get("message", "")), "field": field}
    return {"code": "records_invalid", "message": problem.message}
