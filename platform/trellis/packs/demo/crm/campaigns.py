"""Campaigns, and the leads and contacts that they address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from trellis.packs.demo.crm.team import Team
from trellis.packs.demo.crm.times import later, moment
from trellis.packs.demo.record import DemoRecord, Ref, Story

if TYPE_CHECKING:
    from trellis.packs.demo.crm.accounts import Customer
    from trellis.packs.demo.crm.leads import Lead

MEMBERS_PER_CAMPAIGN = 18
_ANSWERS = {"sent": 3.0, "opened": 3.0, "registered": 2.0, "attended": 2.0, "declined": 1.0}


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign in time; it brings leads by one channel."""

    ref: Ref
    channel: str
    languages: tuple[str, ...]
    starts: date
    ends: date


def add_campaigns(story: Story, team: Team) -> list[Campaign]:
    """Add all campaigns. Days in the data file count from the story's end."""
    found = []
    for entry in story.data("campaigns"):
        starts = story.today + timedelta(days=entry["starts"])
        ends = starts + timedelta(days=entry["days"] - 1)
        at = moment(story.random, min(starts - timedelta(days=30), story.today - timedelta(days=3)))
        budget = Decimal(entry["budget"])
        cost = budget * story.random.randint(82, 108) / 100 if ends < story.today else None
        record = story.add("campaign", {
            "name": entry["name"], "type": entry["type"], "status": _status(story.today, starts, ends),
            "starts_on": starts.isoformat(), "ends_on": ends.isoformat(), "budget": _money(budget),
            "actual_cost": None if cost is None else _money(cost), "expected_revenue": _money(budget * 6),
            "expected_response": str(story.random.choice([2, 3, 5, 8])), "target_industries": entry["industries"],
            "landing_page": f"https://www.trellis.example/campaigns/{entry['key'].replace('_', '-')}",
            "owner": team.marketing, "created_by": team.marketing, "created_at": at, "modified_at": at,
        }, key=entry["key"])  # fmt: skip
        found.append(Campaign(record.ref, entry["channel"], tuple(entry["languages"]), starts, ends))
    return found


def campaign_of(story: Story, campaigns: Iterable[Campaign], channel: str, day: date, language: str) -> Campaign | None:
    """Return a campaign that ran shortly before ``day`` and brings people by ``channel``, if there is one."""
    reach = timedelta(days=60)
    fitting = [
        c for c in campaigns if c.channel == channel and language in c.languages and c.starts < day <= c.ends + reach
    ]
    return story.random.choice(fitting) if fitting else None


def add_members(story: Story, campaigns: list[Campaign], leads: list[Lead], customers: list[Customer]) -> None:
    """Add the leads that each campaign brought, and contacts of customers that were invited."""
    for campaign in campaigns:
        came = [lead.record for lead in leads if lead.campaign is campaign]
        invited = _invited(story, campaign, customers)
        room = max(0, MEMBERS_PER_CAMPAIGN - len(came))
        for member in came + story.random.sample(invited, min(room, len(invited))):
            _add_member(story, campaign, member, came=member.object == "lead")


def _invited(story: Story, campaign: Campaign, customers: list[Customer]) -> list[DemoRecord]:
    """Return contacts that were known when the invitations went out."""
    known = campaign.starts - timedelta(days=7)
    fitting = [c for c in customers if c.company.language in campaign.languages and c.since < min(known, story.today)]
    return [contact for c in fitting for contact in c.contacts[:1]]


def _add_member(story: Story, campaign: Campaign, member: DemoRecord, *, came: bool) -> None:
    started = campaign.starts <= story.today
    status = ("attended" if story.random.random() < 0.6 else "registered") if came else story.weighted(_ANSWERS)
    if not started:
        status = "sent"
    sent = moment(story.random, min(campaign.starts - timedelta(days=10), story.today - timedelta(days=1)))
    joined = max(sent, member.values["created_at"])
    answered = status not in ("sent", "opened")
    story.add("campaign_member", {
        "campaign": campaign.ref, "member": member.ref, "status": status,
        "responded_at": later(joined, minutes=story.random.randint(0, 40)) if answered else None,
        "created_at": joined, "modified_at": joined,
    })  # fmt: skip


def _status(today: date, starts: date, ends: date) -> str:
    if today < starts:
        return "planned"
    return "running" if today <= ends else "completed"


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount.quantize(Decimal("0.01"))), "currency": "CNY"}
