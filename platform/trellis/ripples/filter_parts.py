"""What a filter is made of: the fields that it compares and the formulas that it holds, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def filter_fields(filter: object, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the field paths of a filter tree with their JSON pointers."""
    for part, place in _parts(filter, at):
        field = part.get("field")
        if isinstance(field, str):
            yield field, f"{place}/field"


def filter_formulas(filter: object, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the formulas of a filter, the filter itself if it is one, with their JSON pointers."""
    if isinstance(filter, str):
        yield filter, at
    for part, place in _parts(filter, at):
        text = part.get("formula")
        if isinstance(text, str):
            yield text, f"{place}/formula"


def _parts(filter: object, at: str) -> Iterator[tuple[Mapping[str, object], str]]:
    if not isinstance(filter, Mapping):
        return
    yield filter, at
    for key in ("and", "or"):
        inner = filter.get(key)
        for index, part in enumerate(inner if isinstance(inner, list) else ()):
            yield from _parts(part, f"{at}/{key}/{index}")
    yield from _parts(filter.get("not"), f"{at}/not")
