"""The extension points of the write path, in the order of DESIGN §5.

A step is a list of functions ``(tx, model, rows)``; parts of the platform append to it when a tenant is opened. A function
refuses a row by :meth:`Row.refuse`, or changes ``row.new`` where the step allows it (up to ``own_row``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trellis.model import ObjectModel
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

Step = Callable[["Transaction", ObjectModel, Sequence[Row]], None]
CommitStep = Callable[["Transaction"], None]
CascadeStep = Callable[["Transaction", Mapping[str, Mapping[int, Row]], Mapping[tuple[str, int], Row]], bool]
"""Given all rows that a deletion takes along, by object and number, and the row that was named for each of them; refuses
named rows and says whether it did."""


@dataclass
class Steps:
    """What runs at each point. Empty lists are called all the same."""

    identity: list[Step] = field(default_factory=list)
    """Matching: block, warn, link, merge or wake, before anything else."""
    own_row: list[Step] = field(default_factory=list)
    """Defaults by formula, pipeline choice, before-rules, before-scripts, owner, tags."""
    judgement: list[Step] = field(default_factory=list)
    """Pipeline gates, locks, validation rules. May refuse, may not change."""
    ripples: list[Step] = field(default_factory=list)
    """Reverse dependencies: roll-ups, shares, pools, clocks."""
    after: list[Step] = field(default_factory=list)
    """After-rules and after-scripts, in rounds."""
    before_delete: list[Step] = field(default_factory=list)
    """Judges records that somebody wants to delete; not those that go along by cascade. May refuse, may not change."""
    before_cascade: list[CascadeStep] = field(default_factory=list)
    """Judges what goes along by cascade. May refuse the records that somebody named, may not change."""
    after_delete: list[Step] = field(default_factory=list)
    """What follows when records were deleted."""
    may_refuse: list[Callable[[Transaction, Sequence[str]], bool]] = field(default_factory=list)
    """Each says whether its after-step may refuse rows of these objects, which are then taken back by themselves."""
    commit: list[CommitStep] = field(default_factory=list)
    """Rules that judge the whole transaction."""


def run(steps: Sequence[Step], tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Call each step with the rows that are not refused yet."""
    for step in steps:
        live = [r for r in rows if not r.errors]
        if live:
            step(tx, model, live)
