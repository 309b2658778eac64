"""Leads: those that became customers, and the others, whose grade and fate follow their channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from trellis.packs.demo.crm.accounts import Company, Customer, company, size_of
from trellis.packs.demo.crm.campaigns import Campaign, campaign_of
from trellis.packs.demo.crm.deals import Deal
from trellis.packs.demo.crm.people import Person, address, mobile, person
from trellis.packs.demo.crm.team import Team
from trellis.packs.demo.crm.times import YEARS_BACK_DAYS, later, moment, past_day, until
from trellis.packs.demo.record import DemoRecord, Ref, Story

OPEN_LEADS = 270
CONVERTED_SHARE = 0.55
_GRADES = ((75, "quality"), (55, "target"), (35, "to_grow"), (0, "low"))
_FAMILIES = ("software", "hardware", "cloud_service", "implementation", "support")


@dataclass
class Lead:
    """A lead with what its activities need to know."""

    record: DemoRecord
    company: Company
    who: Person
    since: date
    owner: Ref
    owner_name: str
    campaign: Campaign | None


def add_converted_leads(story: Story, team: Team, customers: list[Customer], deals: list[Deal]) -> list[Lead]:
    """Add the leads from which a part of the customers came."""
    first_deals: dict[Ref, Deal] = {}
    for deal in deals:
        first_deals.setdefault(deal.customer.record.ref, deal)
    found = []
    for customer in customers:
        first = first_deals.get(customer.record.ref)
        if first is None or story.random.random() >= CONVERTED_SHARE:
            continue
        since = customer.since - timedelta(days=story.random.randint(4, 30))
        result = {
            "stage": "converted",
            "converted_account": customer.record.ref,
            "converted_contact": customer.contacts[0].ref,
            "converted_deal": first.record.ref,
            "email": customer.contacts[0].values["email"],
            "mobile": customer.contacts[0].values["mobile"],
            "modified_at": customer.record.values["created_at"],
        }
        score = story.random.randint(68, 98)
        found.append(_lead(story, team, customer.company, customer.people[0], since, customer.channel,
                           customer.campaign, score, result))  # fmt: skip
    return found


def add_leads(story: Story, team: Team, campaigns: list[Campaign]) -> list[Lead]:
    """Add the leads that are open or came to nothing."""
    channels, found = story.data("channels"), []
    for index in range(OPEN_LEADS):
        language = "zh" if index % 2 else "en"
        channel = story.weighted({name: c["weight"] for name, c in channels.items()})
        since = past_day(story.random, story.today, YEARS_BACK_DAYS - 60, 1)
        quality = channels[channel]["quality"]
        score = min(99, max(3, round(25 + 50 * quality + story.random.gauss(0, 17))))
        campaign = campaign_of(story, campaigns, channel, since, language)
        result = _fate(story, since, score, quality)
        what, who = company(story, language), person(story, language)
        found.append(_lead(story, team, what, who, since, channel, campaign, score, result))
    return found


def _fate(story: Story, since: date, score: int, quality: float) -> dict[str, Any]:
    """Return stage and reason: old leads are mostly rejected, fresh ones still new, good ones further."""
    age = (story.today - since).days
    if story.random.random() < min(0.65, age / 150) * (1 - quality * 0.5):
        reasons = {"no_need": 4.0, "wrong_contact": 3.0, "duplicate": 1.0, "competitor": 0.5, "too_small": 2.0}
        return {"stage": "unqualified", "disqualified_reason": story.weighted(reasons)}
    if age > 5 and score >= 70:
        return {"stage": "sql"}
    return {"stage": "mql" if age > 2 and score >= 45 else "uql"}


def _lead(
    story: Story, team: Team, what: Company, who: Person, since: date, channel: str, campaign: Campaign | None,
    score: int, result: dict[str, Any],
) -> Lead:  # fmt: skip
    random = story.random
    texts, people = story.data("texts")[what.language], story.data("people")[what.language]
    at = moment(random, since, what.language)
    owner = team.reps[what.where["region"]] if result["stage"] in ("sql", "converted") else team.developer
    asks_price = random.random() < 0.35
    record = story.add("lead", {
        "name": who.name, "company": what.name, "title": random.choice(people["titles"][random.choice(list(people["titles"]))]),
        "grade": next(g for low, g in _GRADES if score >= low), "score": score,
        "lead_source": story.data("channels")[channel]["source"], "lead_channel": channel,
        "campaign": campaign.ref if campaign else None,
        "email": f"{who.mailbox}@{what.domain}", "mobile": mobile(story, what.where),
        "website": f"https://www.{what.domain}", "industry": what.industry, "company_size": size_of(random.randint(15, 1500)),
        "region": what.where["region"], "address": address(story, what.where) if random.random() < 0.4 else None,
        "interests": random.sample(_FAMILIES, random.choice([1, 1, 2])), "consent": random.random() < 0.85,
        "budget": {"amount": f"{random.randint(3, 60) * 10000}.00" if what.language == "zh" else
                   f"{random.randint(3, 60) * 1500}.00", "currency": "CNY" if what.language == "zh" else "USD"}
        if asks_price else None,
        "description": random.choice(texts["lead_notes"]), "owner": owner, "created_by": team.marketing, "created_at": at,
        "modified_at": until(story.today, later(at, days=random.randint(0, 20)))
        if result["stage"] != "uql" else at, "modified_by": owner,
        **result,
    })  # fmt: skip
    return Lead(record, what, who, since, owner, team.names[owner], campaign)
