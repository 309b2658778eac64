"""The automations of one transaction: what fired, for which records, on which way, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trellis.automation.flow import FAILED, Position, Run
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_KEY = "automation"
MAX_DEPTH = 8
BUDGET = 5_000
"""Steps of batches that the automations of one transaction may do."""


class TooMuch(TrellisError):
    """Automations start each other too deep, or do too much in one transaction. The message names the path."""

    code = "automation_limit"


@dataclass(eq=False)
class Session:
    """Kept in ``tx.notes``. ``path`` names the automations that are being run, the outermost first."""

    tx: Transaction
    path: list[str] = field(default_factory=list)
    fired: set[tuple[str, str, int]] = field(default_factory=set)
    chain: list[list[Any]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    looks: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Run] = field(default_factory=list)
    """Runs that failed and whose write was refused with them."""
    writes: int = 0
    spent: int = 0
    at: Position = ()
    stored: bool = False
    trial: bool = False

    @classmethod
    def of(cls, tx: Transaction) -> Session:
        """Return the session of a transaction, begun when it is first asked for."""
        found: Session | None = tx.notes.get(_KEY)
        if found is None:
            found = tx.notes[_KEY] = cls(tx)
            tx.keepers.append(found)
            tx.ending.append(found.close)
        return found

    @classmethod
    def known(cls, tx: Transaction) -> Session | None:
        """Return the session if there is one."""
        return tx.notes.get(_KEY)

    def mark(self) -> Any:
        """Return how far it is, for :meth:`back_to`."""
        return len(self.runs), len(self.looks), set(self.fired)

    def back_to(self, mark: Any) -> None:
        """Forget what was done since ``mark`` (None: from the beginning): it was taken back."""
        runs, looks, fired = mark or (0, 0, set())
        self.refused += [r for r in self.runs[runs:] if r.state == FAILED]
        del self.runs[runs:]
        del self.looks[looks:]
        self.fired = set(fired)
        self.writes += 1

    def spend(self, steps: int) -> None:
        """Count against the budget. Raises :class:`TooMuch`."""
        self.spent += steps
        if self.spent > BUDGET:
            raise TooMuch(f"Automations did more than {BUDGET} steps in one transaction: {self.told_path()}.")

    def told_path(self, *more: str) -> str:
        """Return the way from automation to automation."""
        return " → ".join([*(str(name) for name, *_ in self.chain), *self.path, *more])

    def close(self, committed: bool) -> None:
        """Keep the runs that failed and took their write with them."""
        from trellis.automation.traces import write_refused

        failed = self.refused + ([] if self.stored else [r for r in self.runs if r.state == FAILED])
        if failed and not self.trial:
            write_refused(self.tx.tenant, failed)
