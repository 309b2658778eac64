"""A small CRM in memory that stands behind the harness: a deal that is being saved, and a few records to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOW = "2026-11-22T08:00:00+00:00"
DEAL: dict[str, tuple[str, Any, Any]] = {
    "name": ("p", "Renewal 2027", "Renewal"),
    "amount": ("n", "1200.50", "1000.00"),
    "discount": ("n", "0.1", "0"),
    "quantity": ("p", 3, 2),
    "price": ("n", "400.00", "400.00"),
    "total": ("n", None, None),
    "tax": ("n", None, None),
    "probability": ("p", 40, 20),
    "stage": ("p", "proposal", "qualified"),
    "status": ("p", "open", "open"),
    "priority": ("p", None, None),
    "score": ("p", 0, 0),
    "account": ("p", "account_1", "account_1"),
    "owner": ("p", "user_1", "user_1"),
    "contact": ("p", "contact_1", None),
    "email": ("p", "Anna.Li@Example.com", None),
    "phone": ("p", "+86 21 5555 0100", None),
    "website": ("p", "https://example.com/path", None),
    "city": ("p", "Shanghai", None),
    "country": ("p", "CN", None),
    "description": ("p", "First line\nSecond line", None),
    "notes": ("p", None, None),
    "tags": ("p", ["vip", "renewal"], []),
    "close_date": ("d", "2026-12-31", "2026-12-15"),
    "start_date": ("d", "2026-01-01", "2026-01-01"),
    "end_date": ("d", "2026-12-31", "2026-12-31"),
    "due_date": ("d", "2026-11-30", None),
    "created_at": ("t", "2026-11-01T09:30:00+00:00", "2026-11-01T09:30:00+00:00"),
    "modified_at": ("t", "2026-11-20T10:00:00+00:00", "2026-11-19T10:00:00+00:00"),
    "active": ("p", True, True),
    "lines": (
        "p",
        [
            {"product": "P-1", "quantity": 2, "price": {"$": "n", "v": "100.00"}, "discount": {"$": "n", "v": "0"}},
            {"product": "P-2", "quantity": 1, "price": {"$": "n", "v": "250.50"}, "discount": {"$": "n", "v": "0.1"}},
            {"product": "P-3", "quantity": 5, "price": {"$": "n", "v": "10.00"}, "discount": {"$": "n", "v": "0"}},
        ],
        [],
    ),
}
_RECORDS: dict[str, dict[str, dict[str, Any]]] = {
    "account": {
        "account_1": {"name": "Acme", "industry": "saas", "city": "Shanghai", "employees": 120, "owner": "user_1"},
        "account_2": {
            "name": "Globex",
            "industry": "manufacturing",
            "city": "Berlin",
            "employees": 900,
            "owner": "user_2",
        },
        "account_3": {"name": "Initech", "industry": "education", "city": "Oslo", "employees": 15, "owner": "user_1"},
    },
    "contact": {"contact_1": {"name": "Anna Li", "email": "anna.li@example.com", "account": "account_1"}},
    "deal": {
        "deal_1": {
            "name": "Renewal 2027",
            "amount": {"$": "n", "v": "1200.50"},
            "stage": "proposal",
            "account": "account_1",
        },
        "deal_2": {"name": "Upgrade", "amount": {"$": "n", "v": "300.00"}, "stage": "won", "account": "account_1"},
    },
    "task": {},
}


class StubCrm:
    """Answers the calls of one run. Nothing outlives it."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        self.records = {name: {k: dict(v) for k, v in rows.items()} for name, rows in _RECORDS.items()}
        self.left = {k: limits[k] for k in ("queries", "rows", "writes", "rows_written")}
        self.limits = limits
        self.next = 100

    def __call__(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        """Answer a call."""
        known = {"query": self.query, "get": self.get, "count": self.count, "create": self.create}
        known |= {
            "update": self.update,
            "delete": self.delete,
            "enqueue": self.enqueue,
            "limits": lambda: dict(self.left),
        }
        if name not in known:
            return _error("not_allowed", f"'{name}' is not available here.")
        try:
            if name in ("query", "get", "count"):
                self._take("queries", 1)
            elif name in ("create", "update", "delete"):
                self._take("writes", 1)
            return {"value": known[name](*arguments)}
        except _Refused as refused:
            return _error(refused.code, refused.message)
        except _Stopped as stopped:
            return {"stop": [stopped.name, self.limits[stopped.name]]}
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            return _error("bad_call", f"The call is not understood ({type(error).__name__}).")

    def _take(self, name: str, count: int) -> None:
        self.left[name] -= count
        if self.left[name] < 0:
            raise _Stopped(name)

    def _object(self, name: Any) -> dict[str, dict[str, Any]]:
        if not isinstance(name, str) or name not in self.records:
            raise _Refused("unknown_object", f"There is no object '{str(name)[:40]}'.")
        return self.records[name]

    def query(self, name: Any, filters: Any, fields: Any, order_by: Any, limit: Any) -> dict[str, Any]:
        """Return rows that fit."""
        rows = [(i, r) for i, r in self._object(name).items() if _fits({**r, "id": i}, filters)]
        if order_by:
            key = order_by[0] if isinstance(order_by, list) else order_by
            rows.sort(key=lambda r: str(r[1].get(key.lstrip("-"))), reverse=key.startswith("-"))
        rows = rows[: int(limit)]
        self._take("rows", len(rows))
        names = list(fields) if fields else list(dict.fromkeys(k for _, r in rows for k in r))
        shape = {"object": name, "names": names, "kinds": ["p"] * len(names)}
        return {"shape": shape, "rows": [[i, [r.get(n) for n in names]] for i, r in rows]}

    def get(self, name: Any, record: Any, fields: Any) -> dict[str, Any]:
        """Return one row, or none."""
        return self.query(name, {"field": "id", "op": "=", "value": record}, fields, None, 1)

    def count(self, name: Any, filters: Any) -> int:
        """Count."""
        return sum(1 for i, r in self._object(name).items() if _fits({**r, "id": i}, filters))

    def create(self, name: Any, values: Any) -> Any:
        """Create one record, or several from a list."""
        rows = values if isinstance(values, list) else [values]
        self._take("rows_written", len(rows))
        made = []
        for row in rows:
            self.next += 1
            made.append(f"{name}_{self.next}")
            self._object(name)[made[-1]] = dict(row)
        return made if isinstance(values, list) else made[0]

    def update(self, name: Any, record: Any, values: Any) -> int:
        """Change one record, or several given as a list of values with ``id``."""
        rows = record if isinstance(record, list) else [{**values, "id": record}]
        self._take("rows_written", len(rows))
        for row in rows:
            if row["id"] not in self._object(name):
                raise _Refused("not_found", f"There is no such record of '{name}'.")
            self._object(name)[row["id"]].update({k: v for k, v in row.items() if k != "id"})
        return len(rows)

    def delete(self, name: Any, record: Any) -> int:
        """Delete one record or several."""
        ids = record if isinstance(record, list) else [record]
        self._take("rows_written", len(ids))
        return sum(1 for i in ids if self._object(name).pop(i, None) is not None)

    def enqueue(self, action: Any, arguments: Any) -> bool:
        """Accept an action to be run later; the stub runs none."""
        return isinstance(action, str)


def request(names: list[str] | frozenset[str]) -> dict[str, Any]:
    """Return the message that lets a script judge the stub's deal; ``names`` are those that the script reads."""
    shape = {
        "object": "deal",
        "names": list(DEAL),
        "kinds": [kind for kind, _, _ in DEAL.values()],
        "writable": None,
        "open": True,
    }
    row = ["deal_1", [new for _, new, _ in DEAL.values()], [old for _, _, old in DEAL.values()]]
    return {
        "op": "run",
        "mode": "batch" if "records" in names else "each",
        "clock": {"now": NOW, "offset": 8 * 3600},
        "shape": shape,
        "rows": [row],
        "user": {"id": "user_1", "name": "Anna Admin", "role": "sales", "locale": "en", "time_zone": "Asia/Shanghai"},
        "tenant": {"name": "acme", "locale": "en", "time_zone": "Asia/Shanghai", "currency": "CNY"},
    }


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message


class _Stopped(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


_COMPARE = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a is not None and a > b,
    "<": lambda a, b: a is not None and a < b,
    ">=": lambda a, b: a is not None and a >= b,
    "<=": lambda a, b: a is not None and a <= b,
    "in": lambda a, b: a in b,
    "contains": lambda a, b: str(b).lower() in str(a or "").lower(),
}


def _fits(row: dict[str, Any], filters: Any) -> bool:
    if not filters:
        return True
    if isinstance(filters, list):
        if len(filters) == 3 and isinstance(filters[0], str):
            return bool(_COMPARE[filters[1]](row.get(filters[0]), filters[2]))
        return all(_fits(row, f) for f in filters)
    if "and" in filters:
        return all(_fits(row, f) for f in filters["and"])
    if "or" in filters:
        return any(_fits(row, f) for f in filters["or"])
    if "not" in filters:
        return not _fits(row, filters["not"])
    if "field" in filters:
        return bool(_COMPARE[filters.get("op", "=")](row.get(filters["field"]), filters.get("value")))
    return all(row.get(k) == v for k, v in filters.items())
