"""Writes of which some rows may turn out to be refused only when derived values have followed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trellis.model import ObjectModel
from trellis.transaction.errors import RecordsInvalid, RippleRefused
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

Write = Callable[[ObjectModel, Sequence[Row]], None]


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
    if not savepoint or tx.tenant.ripples.ripples(tx.model).by_object.keys().isdisjoint(names):
        yield
        return
    mark, point = tx.trail.mark(), tx.connection.begin_nested()
    try:
        yield
    except RippleRefused:
        point.rollback()
        tx.trail.back_to(mark)
        raise
    except BaseException:
        point.rollback()
        raise
    point.commit()
