"""Records on their way to a worker: columns once, then one list of JSON values per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trellis.access.masking import mask
from trellis.access.principal import Principal
from trellis.access.rights import rights
from trellis.model import FieldModel, ObjectModel
from trellis_plugins.scripts.jail.values import DATE, MOMENT, MONEY, NUMBER, PLAIN, TIME

_BY_TYPE = {"currency": MONEY, "duration": PLAIN, "integer": PLAIN, "rating": PLAIN}
_BY_CATEGORY = {"number": NUMBER, "date": DATE, "datetime": MOMENT, "time": TIME}
_HIDDEN_SYSTEM = frozenset({"deleted_at", "deleted_in"})


def kind_of(category: str, field: FieldModel | None) -> str:
    """Return how the JSON value of a field is read in the worker."""
    if field is not None and field.doc["type"] in _BY_TYPE:
        return _BY_TYPE[field.doc["type"]]
    return _BY_CATEGORY.get(category, PLAIN)


class Columns:
    """The fields of an object that a principal may read, and how their values are written."""

    def __init__(self, model: ObjectModel, principal: Principal) -> None:
        allowed = rights(principal, model.doc)
        fields = [f for f in model.all_fields if f.name not in _HIDDEN_SYSTEM and f.columns]
        self.fields = [f for f in fields if allowed.may_read_field(f.name)]
        self.object = model.name
        self._env = model.env
        self._writers = [(f.name, _writer(f, masked=allowed.masks(f.name))) for f in self.fields]
        self.shape = {
            "object": model.name,
            "names": [f.name for f in self.fields],
            "kinds": [
                PLAIN if allowed.masks(f.name) or f.doc["type"] == "secret" else kind_of(f.category, f)
                for f in self.fields
            ],
            "writable": [f.name for f in self.fields if f.writable],
        }

    def values(self, record: Mapping[str, Any]) -> list[Any]:
        """Return the JSON values of a record in the order of the columns."""
        out = []
        for name, write in self._writers:
            value = record.get(name)
            out.append(None if value is None else value if write is None else write(value))
        return out

    def text_id(self, number: int | None) -> str | None:
        """Return the id in its outer form."""
        return None if number is None else self._env.format_id(self.object, number)


def _writer(field: FieldModel, *, masked: bool) -> Callable[[Any], Any] | None:
    if field.doc["type"] == "secret":
        return lambda value: None
    write = field.json_writer()
    if masked:
        return lambda value: mask(value if write is None else write(value))
    if write is None and field.category in _BY_CATEGORY and field.doc["type"] not in _BY_TYPE:
        return lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value)
    return write


def table(
    object_name: str, names: Sequence[str], kinds: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the answer to a query: its columns, and its rows as lists."""
    shape = {"object": object_name, "names": list(names), "kinds": list(kinds)}
    return {"shape": shape, "rows": [[r["id"], [r.get(n) for n in names]] for r in rows]}
