"""CSV: the encoding is UTF-8 (with or without mark) or GB 18030, the delimiter is sniffed from the first lines."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from trellis.exchange import limits
from trellis.exchange.cells import unguard
from trellis.exchange.errors import BadSource
from trellis.exchange.source import Cells, Source, headers_of

FORMAT = "csv"
SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",;\t|"
_BLOCK = 1024 * 1024


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Source:
    """Open a CSV file. Raises :class:`BadSource` for an encoding that does not fit."""
    encoding = encoding or sniff_encoding(path)
    _check_encoding(encoding)
    delimiter = delimiter or _sniff_delimiter(path, encoding)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise BadSource("The delimiter is one character, such as ',' or ';'.")

    def lines() -> Iterator[Cells]:
        try:
            with path.open(encoding=encoding, newline="") as stream:
                for cells in csv.reader(stream, delimiter=delimiter, strict=False):
                    yield [unguard(c) if c[:1] == "'" else c for c in cells]
        except UnicodeDecodeError as problem:
            raise BadSource(
                f"'{path.name}' is not {encoding} text (byte {problem.start}). Name the encoding."
            ) from None
        except csv.Error as problem:
            raise BadSource(f"'{path.name}' is not CSV: {problem}.") from None

    # A stray quote swallows the rest of the file into one cell; this is what stops it.
    csv.field_size_limit(limits.MAX_CELL)
    first = next(lines(), None)
    if first is None:
        raise BadSource(f"'{path.name}' is empty. The first row names the columns.")

    def data() -> Iterator[Cells]:
        rows = lines()
        next(rows, None)
        return rows

    return Source(path, FORMAT, headers_of(first, path.name), data, note={"encoding": encoding, "delimiter": delimiter})


def sniff_encoding(path: Path) -> str:
    """Return ``utf-8-sig``, ``utf-8`` or ``gb18030``: the first that reads the whole file."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    raise BadSource(f"'{path.name}' is neither UTF-8 nor GB 18030 text. Save it as UTF-8, or name the encoding.")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise BadSource(f"'{encoding[:40]}' is not an encoding; use utf-8, utf-8-sig or gb18030.") from None


def _sniff_delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter that splits the header, outside quotes, into the most cells."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding=encoding, newline="", errors="replace") as stream:
        header = stream.readline(limits.MAX_CELL)
    counts = {d: len(next(csv.reader([header], delimiter=d), [])) for d in DELIMITERS}
    return max(DELIMITERS, key=lambda d: counts[d])
