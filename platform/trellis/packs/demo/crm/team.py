"""The people of the selling company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from trellis.packs.demo.crm.times import YEARS_BACK_DAYS, moment
from trellis.packs.demo.record import Ref, Story


@dataclass(frozen=True, slots=True)
class Team:
    """Who does what. ``reps`` maps sales regions to users; ``names`` the users to their names."""

    director: Ref
    marketing: Ref
    developer: Ref
    reps: Mapping[str, Ref]
    names: Mapping[Ref, str]


def add_team(story: Story) -> Team:
    """Add the demo users with their managers."""
    roles: dict[str, Ref] = {}
    reps: dict[str, Ref] = {}
    names: dict[Ref, str] = {}
    start = story.today - timedelta(days=YEARS_BACK_DAYS + 30)
    for entry in story.data("users"):
        ref = Ref("user", entry["login"])
        values = {k: entry[k] for k in ("name", "login", "title", "language", "time_zone")}
        values |= {"email": mail_of(ref), "active": True}
        manager = Ref("user", entry["manager"]) if entry["manager"] else None
        at = moment(story.random, start, entry["language"])
        story.add("user", {**values, "manager": manager, "created_at": at, "modified_at": at}, key=entry["login"])
        roles.setdefault(entry["role"], ref)
        reps |= dict.fromkeys(entry["regions"], ref)
        names[ref] = entry["name"]
    return Team(roles["director"], roles["marketing"], roles["sdr"], reps, names)


def mail_of(user: Ref) -> str:
    """Return the mail address of a demo user."""
    return f"{user.key}@trellis.example"
