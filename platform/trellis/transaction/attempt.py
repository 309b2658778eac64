"""Writes of which some rows may turn out to be refused only when derived values have followed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from trellis.model import ObjectModel
from trellis.transaction.errors import RecordsInvalid, RippleRefused
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

Write = Callable[[ObjectModel, Sequence[Row]], None]


class Keeper(Protocol):
    """Holds something in memory for a transaction."""

    def mark(self) -> Any:
        """Return how far it is."""
        ...

    def back_to(self, mark: Any) -> None:
        """Forget what came after ``mark``; None: everything."""
        ...


def carry_out(
    tx: Transaction, model: ObjectModel, batch: Sequence[Row], good: Sequence[Row], write: Write, *, partial: bool
) -> None:
    """Write ``good``, rows of ``batch``, and let everything derived follow.

    What ripples refuse is refused at its rows. Where the other rows may go on without them (``partial``) they are written
    again without; else :class:`RecordsInvalid` is raised.
    """
    while good:
        values = [dict(r.new) for r in good]
        try:
            with attempt(tx, [model.name], savepoint=partial):
                write(model, good)
                tx._after(model, good)
            return
        except RippleRefused:
            if not partial or not any(r.errors for r in good):
                raise RecordsInvalid([r.errors or None for r in batch]) from None
        for row, new in zip(good, values, strict=True):
            row.new = new
        good = [r for r in good if not r.errors]


@contextmanager
def attempt(tx: Transaction, names: Iterable[str], *, savepoint: bool) -> Iterator[None]:
    """Take back what the block wrote when a ripple refuses it and ``savepoint`` says that the transaction goes on.

    ``names`` are the objects whose records may be written.
    """
    if not savepoint or not _may_be_refused(tx, list(names)):
        yield
        return
    undo = Undo(tx)
    try:
        yield
    except RippleRefused:
        undo.back()
        raise
    except BaseException:
        undo.point.rollback()
        raise
    undo.keep()


def _may_be_refused(tx: Transaction, names: Sequence[str]) -> bool:
    if not tx.tenant.ripples.ripples(tx.model).by_object.keys().isdisjoint(names):
        return True
    return any(may_refuse(tx, names) for may_refuse in tx.tenant.steps.may_refuse)


class Undo:
    """A place to which a transaction can be taken back: the database, the trail, and what its keepers hold."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.point = tx.connection.begin_nested()
        self._trail = tx.trail.mark()
        self._kept = {id(k): k.mark() for k in tx.keepers}

    def keep(self) -> None:
        """Let what was written stand."""
        self.point.commit()

    def back(self) -> None:
        """Take back what was written since."""
        self.point.rollback()
        self.tx.trail.back_to(self._trail)
        for keeper in self.tx.keepers:
            keeper.back_to(self._kept.get(id(keeper)))
