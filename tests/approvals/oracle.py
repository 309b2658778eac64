"""An oracle of approvals, written from the documentation: it counts votes from the list of what people did, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Ballot:
    """What was said in one step: one entry per person who voted in it."""

    asked: int
    decide: str
    votes: dict[str, str] = field(default_factory=dict)

    def verdict(self) -> str | None:
        """Return how the step ends."""
        yes = sum(v == "approve" for v in self.votes.values())
        no = sum(v == "reject" for v in self.votes.values())
        match self.decide:
            case "first":
                return "approved" if yes else "rejected" if no else None
            case "all":
                return "rejected" if no else "approved" if yes == self.asked else None
            case _:
                if 2 * yes > self.asked:
                    return "approved"
                return "rejected" if 2 * no >= self.asked else None


@dataclass
class Referee:
    """Follows one request step by step; every step is in a group of its own or goes on with the one before it."""

    steps: Sequence[dict[str, Any]]
    barred: set[str]
    group: int = 0
    ballots: dict[str, Ballot] = field(default_factory=dict)
    state: str = "pending"

    def open(self, names: dict[str, int]) -> None:
        """Note how many seats the steps that were just opened have."""
        by_name = {s["name"]: s for s in self.steps}
        for name, seats in names.items():
            self.ballots.setdefault(name, Ballot(seats, by_name[name].get("decide", "first")))

    def vote(self, step: str, who: str, verdict: str) -> None:
        """Count an accepted vote. Fails if it may never have been accepted."""
        ballot = self.ballots[step]
        assert self.state == "pending", f"{who} voted about a request that is {self.state}"
        assert who not in self.barred, f"{who} voted on his own"
        assert who not in ballot.votes, f"{who} voted twice in {step}"
        assert ballot.verdict() is None, f"{who} voted in {step}, which was decided"
        ballot.votes[who] = verdict
        if ballot.verdict() == "rejected":
            self.state = "rejected"

    def is_approved(self) -> bool:
        """Whether every step that the document has was approved by the votes that it demands."""
        return all(s["name"] in self.ballots and self.ballots[s["name"]].verdict() == "approved" for s in self.steps)
