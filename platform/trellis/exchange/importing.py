"""Imports a file of rows into one object, through the one write path, a chunk per transaction.

Each chunk costs a number of statements that does not depend on its rows. Rows that are refused are reported with their
reason; the others are written. A row whose key (``key``) fits a record changes it, any other row makes a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from trellis.access import AccessDenied, Cause, Principal, rights
from trellis.exchange.batch import Batch, Line
from trellis.exchange.errors import BadMapping
from trellis.exchange.ledger import REASON, ROW, Ledger
from trellis.exchange.lookups import Lookups
from trellis.exchange.source import Cells, Source
from trellis.exchange.targets import EXTERNAL, BadTarget, Target, guess, read_target
from trellis.fields.common.columns import RecordRef
from trellis.transaction.transaction import Transaction
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.tenant import Tenant

CHUNK = 2000
WHOLE_PREVIEW_ROWS = 20_000
SHOWN_ERRORS = 100
Progress = Callable[[int, int], None]
Mapped = Mapping[str, str]


@dataclass
class Report:
    """What an import did. ``errors`` holds the first refused rows: number and reason."""

    object: str
    dry_run: bool = False
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("created", "updated", "unchanged", "refused"), 0)
    )
    errors: list[tuple[int, str]] = field(default_factory=list)
    error_file: Path | None = None
    seconds: float = 0.0
    resumed_at: int = 0

    @property
    def rows(self) -> int:
        """Number of rows that were judged, those before a resumption included."""
        return sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "object": self.object,
            "dry_run": self.dry_run,
            "rows": self.rows,
            **self.counts,
            "errors": [{"row": n, "reason": r} for n, r in self.errors],
            "error_file": str(self.error_file) if self.error_file else None,
            "seconds": round(self.seconds, 3),
            "resumed_at": self.resumed_at,
        }


class Importer:
    """One import of one file. ``guess`` proposes a mapping, ``check`` judges the one that is set, ``run`` does it.

    ``mapping`` names the target of headers (see ``targets``); headers that it leaves out are guessed. ``key`` names the
    target or targets by which rows find their records. ``migration`` keeps created and changed stamps (administrators).
    ``references`` collects and resolves the reference names (``@Name``) of data trees over several imports.
    """

    def __init__(
        self,
        tenant: Tenant,
        principal: Principal,
        object: str,
        source: Source,
        mapping: Mapped | None = None,
        *,
        key: Sequence[str] = (),
        migration: bool = False,
        chunk: int = CHUNK,
        error_file: Path | None = None,
        progress_file: Path | None = None,
        references: dict[str, RecordRef] | None = None,
    ) -> None:
        self.tenant, self.principal, self.source = tenant, principal, source
        self.key, self.migration, self.chunk = tuple(key), migration, max(1, min(chunk, 20_000))
        self.error_file, self.progress_file, self.references = error_file, progress_file, references
        self.model = tenant.model()
        self.object = self.model.object(object)
        if not rights(principal, self.object.doc).may("import"):
            raise AccessDenied(f"You may not import records of '{self.object.name}'.")
        self.report: Report | None = None
        """What the run under way has done so far."""
        self.given = dict(mapping or {})
        self.mapping = {**self.guess(), **{h: t for h, t in self.given.items() if h in source.headers}}
        if not self.key and "id" in self.mapping.values():
            self.key = ("id",)

    def guess(self) -> dict[str, str]:
        """Return the likely target of each header; empty text where none is likely."""
        found = guess(self.object, self.source.headers, migration=self.migration)
        if self.source.references is not None:
            own = next((k for k in self.key if k.startswith(EXTERNAL)), "")
            found[self.source.references] = own
        if self.key and self.key != ("id",):
            found = {h: "" if t == "id" else t for h, t in found.items()}
        return {h: "" if h in (ROW, REASON) else t for h, t in found.items()}

    def check(self) -> list[str]:
        """Return everything that is wrong with mapping and key."""
        problems = [
            f"The file has no column '{h}'.{did_you_mean(h, self.source.headers)}"
            for h in self.given
            if h not in self.source.headers
        ]
        targets: dict[str, str] = {}
        for header, text in self.mapping.items():
            if not text:
                continue
            try:
                read_target(self.model, self.object, text, migration=self.migration)
            except BadTarget as bad:
                problems.append(f"Column '{header}': {bad}")
            if text in targets:
                problems.append(f"Columns '{targets[text]}' and '{header}' both go to '{text}'. Leave one of them out.")
            targets[text] = header
        problems += [f"The key '{k}' is filled from no column. Map one to it." for k in self.key if k not in targets]
        if "id" in targets and self.key != ("id",):
            problems.append("A column goes to 'id', but the key is another one. Leave one of them out.")
        if len(self.key) > 1 and any(k == "id" or k.startswith(EXTERNAL) for k in self.key):
            problems.append("An id or an external id is a key by itself; it cannot be combined with fields.")
        if not targets:
            problems.append(f"No column fits a field of '{self.object.name}'. Name the targets with a mapping.")
        return problems

    def run(self, progress: Progress | None = None, *, dry_run: bool = False, resume: bool = False) -> Report:
        """Import the rows; return what happened. Raises :class:`BadMapping`, ``BadSource``, ``CannotResume``.

        A dry run writes nothing. Up to 20,000 rows it is judged as one whole; beyond, chunk by chunk, so that others
        can write meanwhile: then rows that depend on earlier chunks of the same file are judged without them.
        """
        problems = self.check()
        if problems:
            raise BadMapping(problems)
        started = perf_counter()
        report = self.report = Report(self.object.name, dry_run, error_file=self.error_file)
        ledger = self._ledger(dry_run)
        if resume:
            report.counts.update(ledger.resume(self.tenant))
            report.resumed_at = ledger.position
        else:
            ledger.begin(self.tenant)
        with ExitStack() as stack:
            self._import(report, ledger, self._writer(stack, dry_run), progress)
        ledger.finish(self.tenant, refused=bool(report.counts["refused"]))
        if not report.counts["refused"]:
            report.error_file = None
        report.seconds = perf_counter() - started
        return report

    def _ledger(self, dry_run: bool) -> Ledger:
        identity = {
            "sha256": self.source.sha256,
            "object": self.object.name,
            "mapping": self.mapping,
            "key": list(self.key),
        }
        return Ledger(
            identity,
            self.source.headers,
            error_file=self.error_file,
            progress_file=None if dry_run else self.progress_file,
        )

    def _cause(self) -> Cause:
        return Cause("import", {"file": self.source.path.name, "sha256": self.source.sha256[:16]})

    def _writer(self, stack: ExitStack, dry_run: bool) -> Callable[[Callable[[Transaction], Any]], Any]:
        if dry_run and self.source.count <= WHOLE_PREVIEW_ROWS:
            preview: AbstractContextManager[Transaction] = self.tenant.transaction(
                self.principal, self._cause(), preview=True, migration=self.migration
            )
            tx = stack.enter_context(preview)
            return lambda body: body(tx)
        return lambda body: self.tenant.run(
            self.principal, self._cause(), body, preview=dry_run, migration=self.migration
        )

    def _import(
        self,
        report: Report,
        ledger: Ledger,
        write: Callable[[Callable[[Transaction], Any]], Any],
        progress: Progress | None,
    ) -> None:
        targets = {
            h: read_target(self.model, self.object, t, migration=self.migration) for h, t in self.mapping.items() if t
        }
        lookups = Lookups({h: t for h, t in targets.items() if t.kind == "lookup"}, self.references)
        seen: dict[Any, int] = {}
        total, position = self.source.count, 0
        for chunk in _chunks(self.source.rows(), self.chunk):
            batch = Batch(self.object.name, self.source, targets, self.key, lookups, seen)
            position += len(chunk)
            if position <= ledger.position:
                batch.remember(chunk, self.object)
                continue
            lines, size = write(
                partial(self._write_chunk, ledger=ledger, batch=batch, chunk=chunk, position=position, report=report)
            )
            ledger.committed(position, size)
            self._note(report, lines)
            seen.update(batch.fresh)
            if progress is not None:
                progress(position, total)

    def _write_chunk(
        self,
        tx: Transaction,
        *,
        ledger: Ledger,
        batch: Batch,
        chunk: Sequence[tuple[int, Cells]],
        position: int,
        report: Report,
    ) -> tuple[list[Line], int]:
        lines = batch.write(tx, chunk)
        counts = dict(report.counts)
        for line in lines:
            counts[line.action] += 1
        keep = [i for i, h in enumerate(self.source.headers) if h not in (ROW, REASON)]
        errors = [
            (line.number, [line.cells[i] for i in keep], line.reason) for line in lines if line.action == "refused"
        ]
        return lines, ledger.stage(tx, position, errors, counts)

    def _note(self, report: Report, lines: Sequence[Line]) -> None:
        at = self.source.headers.index(self.source.references) if self.source.references else -1
        for line in lines:
            report.counts[line.action] += 1
            if line.action == "refused" and len(report.errors) < SHOWN_ERRORS:
                report.errors.append((line.number, line.reason))
            if self.references is not None and at >= 0 and line.record is not None and line.cells[at]:
                self.references[str(line.cells[at])] = RecordRef(self.object.name, line.record)


def _chunks(rows: Iterator[tuple[int, Cells]], size: int) -> Iterator[list[tuple[int, Cells]]]:
    chunk: list[tuple[int, Cells]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


__all__ = ["Importer", "Mapped", "Report", "Target"]
