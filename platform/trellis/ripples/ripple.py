"""What a ripple is: something stored that follows from records and is kept right by every write.

Roll-ups are ripples; shares, pools and clocks register theirs in the same way, as a function in :attr:`Engine.sources`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from trellis.model import Model
    from trellis.storage.engines import Database
    from trellis.tenant import Tenant


class Writer(Protocol):
    """What ripples need of a transaction."""

    @property
    def connection(self) -> Connection: ...
    @property
    def model(self) -> Model: ...
    @property
    def database(self) -> Database: ...


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One record that changed. ``fields`` are those that did; None: all of them, since the record came or went.

    ``old`` and ``new`` hold at least the references of the record (``old`` is None for a new one); ``causes`` are the rows
    of the write that it follows from.
    """

    id: int
    old: Mapping[str, Any] | None
    new: Mapping[str, Any]
    fields: frozenset[str] | None
    causes: frozenset[int] = field(default_factory=frozenset)

    @property
    def dead(self) -> bool:
        """Whether the record lay in the recycle bin before and lies there still: nothing counts it."""
        before = self.new if self.old is None else self.old
        return before.get("deleted_at") is not None and self.new.get("deleted_at") is not None

    def touches(self, fields: frozenset[str]) -> bool:
        return self.fields is None or not self.fields.isdisjoint(fields)


class Reach(Protocol):
    """The way from changed records to the records that must be looked at again. Equal ways are walked once."""

    def __call__(self, tx: Writer, changes: Sequence[Change]) -> Iterable[tuple[Change, int]]:
        """Yield each change with the number of a record that it touches, in at most one statement per chunk."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """A change of ``fields`` of ``object`` touches the part ``name`` of a ripple for the records that ``reach`` gives."""

    object: str
    fields: frozenset[str]
    name: str
    reach: Reach


class Ripple(Protocol):
    """Derived values of the records of one object that are computed together."""

    @property
    def target(self) -> str:
        """The object whose records are kept right."""
        ...

    @property
    def level(self) -> int:
        """Ripples run from the lowest level up, so that what others are computed from is right before them."""
        ...

    @property
    def watches(self) -> Sequence[Watch]:
        """The changes that touch it."""
        ...

    def initial(self) -> Mapping[str, Any]:
        """Return the derived fields that a new record of ``target`` starts with."""
        ...

    def apply(self, tx: Writer, touched: Mapping[str, set[int]]) -> Sequence[Change]:
        """Bring the touched records up to date, by the names of the watches, and return those that changed by it."""
        ...


Source = Callable[["Tenant", "Model"], Iterable[Ripple]]
"""Gives the ripples of a version of the metadata. Called once per version."""
