"""Addresses: how an operation names a part of a document, by keys and names and never by position.

``("fields", "amount", "options", "hot")`` is the option ``hot`` of the field ``amount``; ``("label",)`` is a key of the
document; ``()`` is the document itself. What stands at an address is found by the form of the values alone: an object
is entered by key, a list by the name of its element. Values are never changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trellis_metadata.errors import TrellisError

Path = tuple[str, ...]


class NoSuchPart(TrellisError):
    """An operation names a part that the document does not have."""

    code = "no_such_part"


class Absent:
    """The type of :data:`ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Stands where a key has no value, which is not the same as the value null."""


def find(value: Any, path: Path) -> Any:
    """Return what stands at ``path``, or :data:`ABSENT`."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part, ABSENT)
        elif isinstance(value, list):
            value = next((e for e in value if isinstance(e, Mapping) and e.get("name") == part), ABSENT)
        else:
            return ABSENT
    return value


def changed(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return ``value`` with the part at ``path`` replaced by what ``change`` makes of it.

    ``change`` gets :data:`ABSENT` for a missing key and returns it to remove one; a missing element raises
    :class:`NoSuchPart`, as does a way that ends early.
    """
    if not path:
        return change(value)
    part, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return _with_key(value, part, changed(value.get(part, ABSENT), rest, change))
    if isinstance(value, list):
        index = position(value, part)
        return [*value[:index], changed(value[index], rest, change), *value[index + 1 :]]
    raise NoSuchPart(f"There is no '{part}' to change.", part=part)


def _with_key(value: Mapping[str, Any], key: str, part: Any) -> dict[str, Any]:
    if part is not ABSENT:
        return {**value, key: part}
    return {k: v for k, v in value.items() if k != key}


def position(elements: list[Any], name: str) -> int:
    """Return the index of the element called ``name``. Raises :class:`NoSuchPart` if there is none."""
    for index, element in enumerate(elements):
        if isinstance(element, Mapping) and element.get("name") == name:
            return index
    raise NoSuchPart(f"There is no element '{name}' in the list.", name=name)
