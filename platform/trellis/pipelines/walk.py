"""What one write means for one record's way through a pipeline; made before judgement, kept until the write is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.pipelines.pipeline import Pipeline, Stage
from trellis.pipelines.stays import Stay
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_NOTE = "pipelines"


@dataclass(slots=True)
class Walk:
    """``pipeline`` is None where no pipeline takes the record; ``stay`` where it has passed none yet."""

    row: Row
    field: str
    pipeline: Pipeline | None
    stay: Stay | None

    @property
    def old(self) -> str | None:
        """The stage before the write, None for a new record."""
        return None if self.row.old is None else self.row.old.get(self.field)

    @property
    def new(self) -> str | None:
        """The stage after the write."""
        stage: str | None = self.row.value(self.field)
        return stage

    @property
    def moved(self) -> bool:
        """Whether the record enters a stage: it is new, or its stage changes."""
        return self.row.old is None or self.old != self.new

    @property
    def switched(self) -> bool:
        """Whether the record leaves one pipeline for another."""
        return self.stay is not None and self.pipeline is not None and self.stay.pipeline != self.pipeline.name

    @property
    def stage(self) -> Stage | None:
        """The stage after the write, None where the pipeline has no such stage."""
        return self.pipeline.stages.get(self.new or "") if self.pipeline else None


def keep(tx: Transaction, walk: Walk) -> None:
    """Keep what was decided for a row."""
    tx.notes.setdefault(_NOTE, {})[id(walk.row), walk.field] = walk


def forget(tx: Transaction, row: Row, field: str) -> None:
    """Forget what an earlier row of the transaction left."""
    tx.notes.get(_NOTE, {}).pop((id(row), field), None)


def walks(tx: Transaction, field: str, rows: list[Row]) -> list[Walk]:
    """Return what was decided for those rows that have something to do with the field's pipelines."""
    known = tx.notes.get(_NOTE, {})
    return [known[id(r), field] for r in rows if (id(r), field) in known]
