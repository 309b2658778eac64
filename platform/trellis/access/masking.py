"""What of a record a principal is shown: hidden fields are absent, masked ones tell little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.access.principal import Principal
from trellis.access.rights import rights
from trellis.model import ObjectModel

DOTS = "•••"


class Masked(str):
    """A text that stands for a value which may not be seen."""

    __slots__ = ()


def mask(value: Any) -> Masked | None:
    """Return what may be seen of a value: of a longer text its first three and last two characters, else nothing of it."""
    if value is None:
        return None
    if isinstance(value, str) and len(value) >= 8:
        return Masked(f"{value[:3]}{DOTS}{value[-2:]}")
    return Masked(DOTS)


def hidden_fields(principal: Principal, root: ObjectModel) -> frozenset[str]:
    """Return the fields of an object that the principal may not see."""
    allowed = rights(principal, root.doc)
    if not allowed.hides_fields:
        return frozenset()
    return frozenset(f.name for f in root.all_fields if not allowed.may_read_field(f.name))


def visible(principal: Principal, root: ObjectModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's values as the principal may see them."""
    allowed = rights(principal, root.doc)
    if not allowed.hides_fields:
        return dict(values)
    names = {f.name for f in root.all_fields}
    shown = {k: v for k, v in values.items() if k not in names or allowed.may_read_field(k)}
    return {k: mask(v) if k in names and allowed.masks(k) else v for k, v in shown.items()}


def visible_history(principal: Principal, root: ObjectModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes of the fields that the principal sees unmasked."""
    allowed = rights(principal, root.doc)
    return {k: v for k, v in values.items() if allowed.may_read_field(k) and not allowed.masks(k)}
