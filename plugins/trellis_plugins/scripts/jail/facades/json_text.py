"""``json``: ``loads`` and ``dumps``, measured before they work."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis_plugins.scripts.jail.sizes import kind_name

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards


def names(guards: Guards) -> dict[str, Any]:
    """Return what the module offers."""

    def loads(text: Any) -> Any:
        if type(text) is not str:
            raise TypeError("json.loads takes a text")
        guards.sizes.text(len(text))
        guards.budget.charge(len(text) >> 3)
        return json.loads(text)

    def dumps(
        value: Any,
        *,
        indent: int | None = None,
        sort_keys: bool = False,
        ensure_ascii: bool = True,
        separators: Any = None,
    ) -> str:
        if indent is not None and (type(indent) is not int or not 0 <= indent <= 8):
            raise ValueError("json.dumps takes an indent from 0 to 8")
        if separators is not None and (type(separators) is not tuple or [type(s) for s in separators] != [str, str]):
            raise TypeError("separators are two texts")
        guards.sizes.measure(value)
        made = json.dumps(
            value,
            indent=indent,
            sort_keys=bool(sort_keys),
            ensure_ascii=bool(ensure_ascii),
            separators=separators and tuple(s[:10] for s in separators),
            default=_plain,
        )
        guards.sizes.text(len(made))
        return made

    return {"loads": loads, "dumps": dumps, "JSONDecodeError": json.JSONDecodeError}


def _plain(value: Any) -> str:
    if type(value) in (Decimal, date, datetime):
        return value.isoformat() if type(value) is not Decimal else str(value)
    raise TypeError(f"a value of type '{kind_name(value)}' cannot be written as JSON")
