"""Writes that belong together: what follows from them is worked out once, when all of them are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trellis.model import ObjectModel
    from trellis.transaction.row import Row
    from trellis.transaction.transaction import Transaction


@contextmanager
def together(tx: Transaction) -> Iterator[None]:
    """Let the ripples of several writes of one transaction run once, at the end.

    A parent that is deleted with its children is not judged by rules that miss the children.
    """
    if tx.held_ripples is not None:
        yield
        return
    held: list[tuple[ObjectModel, Sequence[Row]]] = []
    tx.held_ripples = held
    try:
        yield
    finally:
        tx.held_ripples = None
    if held:
        tx.tenant.ripples.run(tx, held)
