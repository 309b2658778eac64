"""Where an import stands: the error file, and what is needed to go on after an interruption.

The position is committed together with the rows (a counter of the tenant), so that no row is imported twice or left out.
The progress file beside the source says, for that position, how long the error file was and what had been counted.
"""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.exchange.cells import guard
from trellis.exchange.errors import CannotResume
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

ROW, REASON = "_row", "_reason"
"""Columns of an error file beside the original ones; an import passes them over."""


class Ledger:
    """Keeps position, counts and error file of one import. ``identity`` is what a resumed import must agree with."""

    def __init__(
        self, identity: dict[str, Any], headers: Sequence[str], *, error_file: Path | None, progress_file: Path | None
    ) -> None:
        self.identity, self.headers = identity, [h for h in headers if h not in (ROW, REASON)]
        self.error_file, self.progress_file = error_file, progress_file
        self.id = uuid.uuid4().hex
        self.position = 0
        self._size = 0
        self._marks: dict[str, Any] = {}

    @property
    def _counter(self) -> str:
        return f"import:{self.id}"

    def begin(self, tenant: Tenant) -> None:
        """Start anew: an empty error file, position 0."""
        if self.error_file is not None:
            self._size = len(self._text([[*self.headers, ROW, REASON]]))
            self.error_file.write_bytes(self._text([[*self.headers, ROW, REASON]]))
        if self.progress_file is not None:
            with tenant.database.writing() as connection:
                connection.execute(system.counter.insert(), {"name": self._counter, "value": 0})

    def resume(self, tenant: Tenant) -> dict[str, int]:
        """Go on where the last committed chunk ended; return what had been counted. Raises :class:`CannotResume`."""
        if self.progress_file is None or not self.progress_file.is_file():
            raise CannotResume("There is no progress file: nothing to resume. Start the import without --resume.")
        try:
            saved = json.loads(self.progress_file.read_text(encoding="utf-8"))
            same, self.id, self._marks = saved["identity"] == self.identity, str(saved["id"]), dict(saved["marks"])
        except (ValueError, KeyError, TypeError):
            raise CannotResume(f"'{self.progress_file.name}' is not a progress file of an import.") from None
        if not same:
            changed = [k for k, v in self.identity.items() if saved["identity"].get(k) != v]
            raise CannotResume(
                f"The interrupted import was another one: {', '.join(changed)} changed. Undo that, or start anew."
            )
        with tenant.database.reading() as connection:
            c = system.counter.c
            position = connection.execute(sa.select(c.value).where(c.name == self._counter)).scalar()
        if position is None:
            raise CannotResume("The interrupted import is finished, or belongs to another tenant.")
        self.position = int(position)
        mark = self._marks.get(str(position), {"size": 0, "counts": {}})
        self._size = int(mark["size"])
        if self.error_file is not None and not position:
            self.error_file.write_bytes(self._text([[*self.headers, ROW, REASON]]))
            self._size = self.error_file.stat().st_size
        return dict(mark["counts"])

    def stage(
        self, tx: Transaction, position: int, errors: Sequence[tuple[int, Sequence[Any], str]], counts: dict[str, int]
    ) -> int:
        """Write the errors of a chunk before its commit, over those of an attempt that failed; return the file's new size."""
        size = self._size
        if self.error_file is not None and errors:
            rows = [[*(_plain(c) for c in cells), str(row), guard(reason)] for row, cells, reason in errors]
            with self.error_file.open("r+b") as stream:
                stream.truncate(self._size)
                stream.seek(self._size)
                size += stream.write(self._text(rows))
        if self.progress_file is not None:
            last = self._marks.get(str(self.position))
            self._marks = {
                str(position): {"size": size, "counts": counts},
                **({str(self.position): last} if last else {}),
            }
            _replace(
                self.progress_file,
                json.dumps({"id": self.id, "identity": self.identity, "marks": self._marks}, indent=2),
            )
            c = system.counter.c
            tx.connection.execute(system.counter.update().where(c.name == self._counter).values(value=position))
        return size

    def committed(self, position: int, size: int) -> None:
        """Note that a chunk is in the database."""
        self.position, self._size = position, size

    def finish(self, tenant: Tenant, *, refused: bool) -> None:
        """Forget the position; an error file without errors goes."""
        if self.progress_file is not None:
            with tenant.database.writing() as connection:
                connection.execute(system.counter.delete().where(system.counter.c.name == self._counter))
            self.progress_file.unlink(missing_ok=True)
        if self.error_file is not None:
            if refused:
                os.truncate(self.error_file, self._size)
            else:
                self.error_file.unlink(missing_ok=True)

    def _text(self, rows: Sequence[Sequence[str]]) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        return buffer.getvalue().encode()


def _plain(cell: Any) -> str:
    if cell is None:
        return ""
    return guard(cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str))


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
