"""Companies that buy or may buy, with the people in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from trellis.packs.demo.crm.campaigns import Campaign, campaign_of
from trellis.packs.demo.crm.people import Person, address, digits, mobile, person, place
from trellis.packs.demo.crm.team import Team
from trellis.packs.demo.crm.times import YEARS_BACK_DAYS, moment, past_day
from trellis.packs.demo.record import DemoRecord, Ref, Story

ACCOUNTS = 120
_ROLES = {
    "power_holder": 3.0,
    "supporter": 4.0,
    "senior_power_holder": 2.0,
    "influencer": 3.0,
    "end_user": 3.0,
    "opponent": 0.6,
}
_SIZES = {"ordinary": (20, 700), "core": (300, 3000), "strategic": (2500, 24000)}
_PEOPLE = {"ordinary": (1, 2), "core": (2, 3), "strategic": (3, 5)}


@dataclass(slots=True)
class Company:
    """What a made-up company is called, where it is and what it does; shared by accounts and leads."""

    name: str
    alias: str
    domain: str
    industry: str
    language: str
    where: dict[str, Any]


@dataclass
class Customer:
    """An account on its way through the story."""

    company: Company
    record: DemoRecord
    tier: str
    since: date
    owner: Ref
    owner_name: str
    channel: str
    campaign: Campaign | None
    contacts: list[DemoRecord] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)


def company(story: Story, language: str) -> Company:
    """Return a company whose domain nobody has yet."""
    data = story.data("companies")
    while True:
        brand, slug = story.random.choice(data[language]["brands"])
        industry = story.weighted(data["industries"])
        where = place(story, language)
        domain = f"{slug}-{industry.split('_')[0]}.example"
        if domain not in story.taken:
            break
    story.taken.add(domain)
    texts = data[language]
    words = {
        "brand": brand,
        "noun": texts["nouns"][industry],
        "city": where["short"],
        "suffix": where.get("suffix", ""),
    }
    return Company(texts["company"].format(**words), texts["alias"].format(**words), domain, industry, language, where)


def add_accounts(story: Story, team: Team, campaigns: list[Campaign]) -> list[Customer]:
    """Add accounts and contacts, oldest first, half of them Chinese."""
    days = sorted(past_day(story.random, story.today, YEARS_BACK_DAYS - 20, 6) for _ in range(ACCOUNTS))
    customers: list[Customer] = []
    for index, day in enumerate(days):
        customer = _account(story, team, campaigns, company(story, "zh" if index % 2 else "en"), day, customers)
        customers.append(customer)
        _add_contacts(story, customer)
    return customers


def _account(
    story: Story, team: Team, campaigns: list[Campaign], what: Company, day: date, earlier: list[Customer]
) -> Customer:
    channels, random = story.data("channels"), story.random
    tier = story.weighted(story.data("companies")["tiers"])
    channel = story.weighted({name: c["weight"] * c["quality"] for name, c in channels.items()})
    owner = team.director if tier == "strategic" and random.random() < 0.25 else team.reps[what.where["region"]]
    employees = random.randint(*_SIZES[tier])
    at = moment(random, day, what.language)
    record = story.add("account", {
        "name": what.name, "alias": what.alias, "registration_number": _registration(story, what.where),
        "parent": _parent(story, what, earlier), "industry": what.industry, "tier": tier,
        "company_size": size_of(employees), "employees": employees,
        "annual_revenue": _revenue(story, employees, what.language), "region": what.where["region"],
        "phone": digits(story, what.where["phone"]).replace(" ", ""), "website": f"https://www.{what.domain}",
        "address": address(story, what.where), "credit_rating": random.choices([None, 2, 3, 4, 5], [3, 1, 3, 4, 3])[0],
        "tags": _tags(story, what.language), "description": _description(story, what),
        "status": "prospect", "owner": owner, "created_by": owner, "created_at": at, "modified_at": at, "modified_by": owner,
    })  # fmt: skip
    campaign = campaign_of(story, campaigns, channel, day, what.language)
    return Customer(what, record, tier, day, owner, team.names[owner], channel, campaign)


def _add_contacts(story: Story, customer: Customer) -> None:
    random, what = story.random, customer.company
    texts = story.data("people")[what.language]
    boss: Ref | None = None
    for index in range(random.randint(*_PEOPLE[customer.tier])):
        who = person(story, what.language)
        role = "power_holder" if index == 0 else story.weighted(_ROLES)
        at = moment(
            random, min(customer.since + timedelta(days=20 * index), story.today - timedelta(days=1)), what.language
        )
        contact = story.add("contact", {
            "name": who.name, "account": customer.record.ref, "title": random.choice(texts["titles"][role]),
            "department": random.choice(texts["departments"]), "reports_to": boss, "buyer_role": role,
            "relationship_strength": random.choices([None, 1, 2, 3, 4, 5], [2, 2, 3, 4, 3, 1])[0],
            "email": f"{who.mailbox}@{what.domain}", "mobile": mobile(story, what.where),
            "wechat": f"{who.mailbox.replace('.', '_')}{random.randrange(100)}" if what.language == "zh" else None,
            "language": what.language, "do_not_contact": random.random() < 0.03, "owner": customer.owner,
            "birthday": date(random.randint(1965, 1998), random.randint(1, 12), random.randint(1, 28)).isoformat()
            if random.random() < 0.3 else None,
            "created_by": customer.owner, "created_at": at, "modified_at": at, "modified_by": customer.owner,
        })  # fmt: skip
        customer.contacts.append(contact)
        customer.people.append(who)
        boss = boss or contact.ref


def size_of(employees: int) -> str:
    """Return the option of picklist ``company_size``."""
    steps = ((50, "size_1_50"), (200, "size_51_200"), (1000, "size_201_1000"), (5000, "size_1001_5000"))
    return next((name for limit, name in steps if employees <= limit), "size_over_5000")


def _parent(story: Story, what: Company, earlier: list[Customer]) -> Ref | None:
    """Return a strategic account of the same brand: a group with its companies."""
    brand = what.domain.split("-")[0]
    groups = [c for c in earlier if c.company.domain.split("-")[0] == brand and c.tier == "strategic"]
    return groups[0].record.ref if groups and story.random.random() < 0.8 else None


def _revenue(story: Story, employees: int, language: str) -> dict[str, str]:
    each = story.random.randint(4, 14) * (100_000 if language == "zh" else 25_000)
    return {"amount": f"{employees * each}.00", "currency": "CNY" if language == "zh" else "USD"}


def _tags(story: Story, language: str) -> list[str] | None:
    return story.random.sample(story.data("texts")[language]["tags"], story.random.choice([0, 0, 1, 1, 2])) or None


def _description(story: Story, what: Company) -> str:
    text = story.random.choice(story.data("texts")[what.language]["account"])
    noun = story.data("companies")[what.language]["nouns"][what.industry]
    return str(text.format(industry=noun, city=what.where["short"]))


_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _registration(story: Story, where: dict[str, Any]) -> str:
    """Return a company number; in China a unified social credit code with its check character (GB 32100-2015)."""
    if where["country"] != "CN":
        return digits(story, where["registration"])
    body = f"{where['registration']}MA" + "".join(story.random.choice(_CODE) for _ in range(7))
    total = sum(_CODE.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _CODE[-total % 31]
