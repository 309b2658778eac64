"""What formulas read besides their record: dated exchange rates, and records of other objects by a unique key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from trellis.fields.base import InvalidValue
from trellis.model import ObjectModel
from trellis.publishing.filling import fold
from trellis.rules.reader import Reader
from trellis.rules.values import field_readable, plain_value, readable
from trellis.transaction.statements import statements_of

CHUNK = 500
_Key = tuple[str, str]


class Outside:
    """Answers formulas of one batch. Implements :class:`trellis.formula.values.Outside`."""

    def __init__(self, reader: Reader, *, guarded: bool) -> None:
        self._reader, self._guarded = reader, guarded
        self._known: dict[_Key, dict[Any, Mapping[str, Any] | None]] = {}
        self._wanted: dict[_Key, set[Any]] = {}

    # -- exchange rates --------------------------------------------------------------------------------------------

    @cached_property
    def _rates(self) -> Mapping[str, tuple[list[date], list[Decimal]]]:
        found: dict[str, tuple[list[date], list[Decimal]]] = {}
        for currency, day, rate in reversed(self._reader.tenant.rates.all(self._reader.connection)):
            days, rates = found.setdefault(currency, ([], []))
            days.append(day)
            rates.append(rate)
        return found

    def rate(self, currency: str, day: date) -> Decimal | None:
        """Return what one unit of ``currency`` is worth in the organisation's currency on ``day``, None if unknown."""
        if currency == self._reader.model.env.default_currency:
            return Decimal(1)
        days, rates = self._rates.get(currency, ([], []))
        at = bisect_right(days, day)
        return rates[at - 1] if at else None

    # -- records by key --------------------------------------------------------------------------------------------

    def find(self, object_name: str, key_field: str, value: Any, field: str) -> Any:
        """Return a field of the record whose unique ``key_field`` has ``value``; None if there is none.

        What is not known yet is noted and read by :meth:`fetch`.
        """
        key = (object_name, key_field)
        known = self._known.setdefault(key, {})
        if value not in known:
            self._wanted.setdefault(key, set()).add(value)
            return None
        record = known[value]
        owner = self._reader.model.object(object_name)
        if record is None or (self._guarded and not field_readable(self._reader, owner, field)):
            return None
        return plain_value(owner, field, record)

    def fetch(self) -> bool:
        """Read what was asked for in vain, one query per object and key. Return whether there was anything."""
        wanted, self._wanted = self._wanted, {}
        for (object_name, key_field), values in wanted.items():
            self._known[object_name, key_field].update(self._read(object_name, key_field, values))
        return bool(wanted)

    def _read(self, object_name: str, key_field: str, values: set[Any]) -> dict[Any, Mapping[str, Any] | None]:
        owner = self._reader.model.object(object_name)
        stored = {v: s for v in values if (s := _stored(owner, key_field, v)) is not None}
        column, ids = owner.key_column(key_field), {}
        wanted = sorted(set(stored.values()), key=repr)
        for start in range(0, len(wanted), CHUNK):
            query = sa.select(owner.table.c.id, column).where(
                column.in_(wanted[start : start + CHUNK]), owner.table.c.deleted_at.is_(None)
            )
            ids.update({row[1]: row[0] for row in self._reader.connection.execute(query)})
        if self._guarded and not field_readable(self._reader, owner, key_field):
            return dict.fromkeys(values)
        found = statements_of(owner).fetch(self._reader.connection, sorted(ids.values())) if ids else {}
        if self._guarded:
            found = readable(self._reader, owner, found)
        return {v: found.get(ids.get(stored.get(v), 0)) for v in values}


def _stored(owner: ObjectModel, name: str, value: Any) -> Any:
    """Return the key as its column holds it, None when it cannot be a value of the field."""
    field = owner.field(name)
    assert field is not None
    try:
        read = field.codec.parse(value)
    except InvalidValue:
        return None
    if read is None:
        return None
    return fold(read) if name in owner.folded else field.encode(read)[0]
