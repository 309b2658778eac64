"""Files of rows: what an import reads. One reader per format in ``readers/`` or in a plug-in, found by discovery."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from trellis import plugins
from trellis.exchange import limits
from trellis.exchange.errors import BadSource, DuplicateFormat, UnknownFormat

Cells = list[Any]


@dataclass
class Source:
    """A table in a file: headers, and its rows as often as they are asked for.

    ``is_text`` says whether cells are texts as people write them (CSV, XLSX) or JSON values. ``first_row`` is the number
    that people see beside the first row of data. ``note`` describes what was found (delimiter, encoding, sheet).
    """

    path: Path
    format: str
    headers: tuple[str, ...]
    open_rows: Callable[[], Iterator[Cells]]
    is_text: bool = True
    first_row: int = 2
    note: Mapping[str, str] = field(default_factory=dict)
    references: str | None = None
    """The header of the column that holds reference names of a data tree."""

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """Yield the number and cells of each row, as many cells as headers. Rows without any value are left out."""
        width = len(self.headers)
        for number, cells in enumerate(self.open_rows(), self.first_row):
            if len(cells) != width:
                if len(cells) > width and any(c not in (None, "") for c in cells[width:]):
                    raise BadSource(
                        f"Row {number} of '{self.path.name}' has {len(cells)} cells, the header {width}. "
                        "Check the delimiter and quotes."
                    )
                cells = cells[:width] + [None] * (width - len(cells))
            if any(c is not None and c != "" for c in cells):
                limits.check_row(number, cells, self.path.name)
                yield number, cells

    @cached_property
    def sha256(self) -> str:
        """Digest of the file."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @cached_property
    def count(self) -> int:
        """Number of rows."""
        return sum(1 for _ in self.rows())


class Reader(Protocol):
    """A module in ``readers/``."""

    FORMAT: str
    SUFFIXES: tuple[str, ...]

    def read(self, path: Path, **options: Any) -> Source:
        """Open a file: look at its head, not at all of it."""
        ...


@cache
def readers() -> Mapping[str, Reader]:
    """Return the readers by format, those of plug-ins included. Raises :class:`DuplicateFormat`."""
    package = importlib.import_module("trellis.exchange.readers")
    found: dict[str, Reader] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        module: Any = importlib.import_module(f"{package.__name__}.{info.name}")
        found[module.FORMAT] = module
    plugins.add_given(
        "trellis_importers",
        found,
        dict.fromkeys(found, "Trellis"),
        lambda r: r.FORMAT,
        lambda told: DuplicateFormat(f"The format {told}"),
    )
    return found


def open_source(path: Path, *, format: str | None = None, **options: Any) -> Source:
    """Open a file of rows. ``format`` defaults to what the file's suffix says.

    Options: ``delimiter`` and ``encoding`` (csv), ``sheet`` (xlsx). Raises :class:`UnknownFormat`, ``BadSource``.
    """
    limits.check_size(path)
    name = format or next((n for n, r in readers().items() if path.suffix.lower() in r.SUFFIXES), None)
    if name is None or name not in readers():
        raise UnknownFormat(
            f"'{format or path.suffix}' is not a format that can be imported; use {', '.join(readers())}."
        )
    return readers()[name].read(path, **{k: v for k, v in options.items() if v is not None})


def headers_of(raw: list[Any], name: str) -> tuple[str, ...]:
    """Return clean, unique headers. Raises :class:`BadSource` when there are none or one stands twice."""
    limits.check_columns(len(raw), name)
    headers = ["" if h is None else str(h).strip() for h in raw]
    while headers and not headers[-1]:
        headers.pop()
    if not headers:
        raise BadSource(f"'{name}' has no header row. The first row names the columns.")
    seen: set[str] = set()
    for position, header in enumerate(headers):
        if header and header in seen:
            raise BadSource(f"'{name}' has two columns '{header}'. Rename one of them.")
        seen.add(header)
        headers[position] = header or f"(column {position + 1})"
    return tuple(headers)
