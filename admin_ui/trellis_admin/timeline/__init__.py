"""The timeline of a record: everything that happened to it or around it, newest first, from sources found in this folder.

A source is a module with ``NAME`` and ``streams(subject)``, which yields streams of entries. Each stream is read newest first and
goes on by a mark of its own, so that a page of the timeline is one statement or two per stream, however long it is.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from markupsafe import Markup

from trellis.model import ObjectModel

PAGE = 30


@dataclass(frozen=True)
class Subject:
    """The record whose timeline it is."""

    root: ObjectModel
    id: str
    number: int
    may_edit: bool


@dataclass(frozen=True)
class Entry:
    """One line. ``mark`` tells its stream where to go on; ``changes`` are those of a change of the record, ``change`` its number."""

    at: datetime
    mark: str
    title: str
    icon: str
    color: str
    person: str
    when: str
    url: str = ""
    body: Markup | str = ""
    changes: Sequence[Any] = ()
    change: int = 0


@dataclass(frozen=True)
class Stream:
    """A named series of entries. ``read(mark, limit)`` returns at most ``limit`` beyond the mark (none: from the newest)."""

    name: str
    read: Callable[[str | None, int], Sequence[Entry]]


class Source(Protocol):
    """What a module of this folder offers."""

    NAME: str

    def streams(self, subject: Subject) -> Iterable[Stream]: ...


@cache
def sources() -> Sequence[Source]:
    """Return the sources, by name."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "streams"):
            found.append(module)
    return sorted(found, key=lambda module: module.NAME)


@dataclass(frozen=True)
class Timeline:
    """A page of entries, and the marks to ask the next page with; none when there is no more."""

    entries: Sequence[Entry]
    marks: Mapping[str, str]


def timeline_of(subject: Subject, marks: Mapping[str, str] | None = None) -> Timeline:
    """Return a page. ``marks`` are those of the page before; a stream that they leave out is at its end."""
    found: list[tuple[Entry, str]] = []
    full: set[str] = set()
    for stream in _streams(subject):
        if marks is not None and stream.name not in marks:
            continue
        read = stream.read((marks or {}).get(stream.name) or None, PAGE + 1)
        full |= {stream.name} if len(read) > PAGE else set()
        found += [(entry, stream.name) for entry in read]
    found.sort(key=lambda pair: pair[0].at, reverse=True)
    page, rest = found[:PAGE], found[PAGE:]
    going_on = {name for _, name in rest} | full
    last = dict(marks or {})
    last.update({name: entry.mark for entry, name in page})
    return Timeline([entry for entry, _ in page], {name: last.get(name, "") for name in going_on})


def _streams(subject: Subject) -> Iterator[Stream]:
    for source in sources():
        yield from source.streams(subject)
