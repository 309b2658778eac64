"""Deals: how often, how big and how long they are depends on the customer's tier, who wins on the channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from trellis.packs.demo.crm.accounts import Customer
from trellis.packs.demo.crm.products import Product
from trellis.packs.demo.crm.times import moment, working_day
from trellis.packs.demo.record import DemoRecord, Story

STAGES = ("define", "confirm", "solution", "negotiate")
_REACHED = (0.0, 0.2, 0.45, 0.75)
"""The share of the whole way after which each stage begins."""
_PROBABILITY = {"define": "10", "confirm": "30", "solution": "50", "negotiate": "75", "won": "100", "lost": "0"}
_COUNT = {"ordinary": (0, 1, 1, 2, 2), "core": (2, 2, 3, 4), "strategic": (3, 4, 5, 6)}
_CYCLE_DAYS = {"ordinary": (25, 90), "core": (45, 140), "strategic": (90, 220)}
_TYPICAL_CNY = {"ordinary": 90_000, "core": 320_000, "strategic": 1_100_000}
CNY_PER_USD = 7
LATE_DAYS = 50
DORMANT_AFTER = timedelta(days=400)


@dataclass
class Deal:
    """A deal with the days on which it entered its stages, the last one being where it stands."""

    record: DemoRecord
    customer: Customer
    product: Product
    moves: list[tuple[str, date]]

    @property
    def stage(self) -> str:
        """Where the deal stands."""
        return self.moves[-1][0]


def add_deals(story: Story, customers: list[Customer], products: list[Product]) -> list[Deal]:
    """Add deals of all customers, and what they say about the customer: status and needs."""
    deals = []
    for customer in customers:
        start = customer.since + timedelta(days=story.random.randint(2, 35))
        own: list[Deal] = []
        for index in range(story.random.choice(_COUNT[customer.tier])):
            if start > story.today - timedelta(days=2):
                break
            own.append(_deal(story, customer, story.random.choice(products), start, index))
            start += timedelta(days=story.random.randint(40, 160))
        _draw_conclusions(story, customer, own)
        deals += own
    return deals


def _deal(story: Story, customer: Customer, product: Product, start: date, index: int) -> Deal:
    days = story.random.randint(*_CYCLE_DAYS[customer.tier])
    moves, close = _moves(story, customer, start, days)
    stage = moves[-1][0]
    won_before = index > 0 and customer.record.values["status"] == "active"
    kind = story.random.choice(["expansion", "renewal"]) if won_before else "new_business"
    if stage == "won":
        customer.record.values["status"] = "active"
    return Deal(_record(story, customer, product, kind, moves, close), customer, product, moves)


def _moves(story: Story, customer: Customer, start: date, days: int) -> tuple[list[tuple[str, date]], date]:
    """Return the stages with the days they were entered, and the close date."""
    today = story.today
    end = start + timedelta(days=days)
    entered = [(s, start + timedelta(days=int(days * share))) for s, share in zip(STAGES, _REACHED, strict=True)]
    late = end <= today < end + timedelta(days=LATE_DAYS) and story.random.random() < 0.55
    if end > today or late:
        return [m for m in entered if m[1] <= today], working_day(end)
    if story.random.random() < 0.15 + 0.5 * story.data("channels")[customer.channel]["quality"]:
        return [*entered, ("won", end)], end
    given_up = story.random.randint(1, len(STAGES))
    last = entered[given_up - 1][1] + timedelta(days=story.random.randint(3, 12))
    last = min(last, today - timedelta(days=1))
    return [*entered[:given_up], ("lost", last)], last


def _record(
    story: Story, customer: Customer, product: Product, kind: str, moves: list[tuple[str, date]], close: date
) -> DemoRecord:
    random, what = story.random, customer.company
    texts = story.data("texts")[what.language]
    stage = moves[-1][0]
    name = random.choice(texts["deal"]) if kind == "new_business" else texts[kind]
    first = kind == "new_business"
    words = {"company": what.alias, "product": product.names[what.language]}
    channel = story.data("channels")[customer.channel]
    created = moment(random, moves[0][1], what.language)
    return story.add("deal", {
        "name": name.format(**words), "account": customer.record.ref, "contact": customer.contacts[0].ref, "stage": stage,
        "record_type": "key_account" if customer.tier == "strategic" else "standard",
        "amount": _amount(story, customer), "probability": _PROBABILITY[stage], "close_date": close.isoformat(),
        "deal_type": kind, "product": product.ref, "discount": str(random.choice([5, 8, 10, 12, 15]))
        if stage in ("negotiate", "won") and random.random() < 0.5 else None,
        "lead_source": channel["source"] if first else None, "lead_channel": customer.channel if first else None,
        "campaign": customer.campaign.ref if first and customer.campaign else None,
        "competitors": random.sample(texts["competitors"], random.choice([1, 1, 2])) if random.random() < 0.4 else None,
        "next_step": random.choice(texts["next_steps"]) if stage in STAGES else None,
        "loss_reason": random.choice(["price", "price", "competitor", "competitor", "missing_feature", "no_budget",
                                      "no_decision", "timing"]) if stage == "lost" else None,
        "owner": customer.owner, "created_by": customer.owner, "modified_by": customer.owner,
        "created_at": created, "modified_at": max(created, moment(random, moves[-1][1], what.language)),
    })  # fmt: skip


def _amount(story: Story, customer: Customer) -> dict[str, str]:
    """Return an amount around the tier's typical one: most below, some well above, a few eight times as big."""
    chinese = customer.company.language == "zh"
    factor = story.random.lognormvariate(0, 0.5) * (8 if story.random.random() < 0.02 else 1)
    amount = Decimal(round(_TYPICAL_CNY[customer.tier] * factor / (1 if chinese else CNY_PER_USD), -2))
    return {"amount": f"{amount}.00", "currency": "CNY" if chinese else "USD"}


def _draw_conclusions(story: Story, customer: Customer, deals: list[Deal]) -> None:
    won = [d.moves[-1][1] for d in deals if d.stage == "won"]
    values = customer.record.values
    values["needs"] = list(dict.fromkeys(d.product.family for d in deals)) or None
    if not values["needs"]:
        del values["needs"]
    if won:
        values["status"] = "active" if max(won) > story.today - DORMANT_AFTER else "dormant"
    elif deals and all(d.stage == "lost" for d in deals) and deals[-1].moves[-1][1] < story.today - DORMANT_AFTER:
        values["status"] = "lost"
