"""The workload of the benchmark: one definition of ``deal`` for both sides, and generated rows (seeded)."""

import random
from datetime import date, timedelta

STAGES = ["new", "qualify", "propose", "negotiate", "won", "lost"]
SOURCES = ["web", "event", "partner", "referral"]
PRIORITIES = ["low", "normal", "high"]


def options(names):
    return [{"name": n, "label": n.title()} for n in names]


ACCOUNT = {
    "kind": "object",
    "name": "account",
    "label": "Account",
    "sharing": {"default": "private"},
    "fields": [{"name": "name", "type": "text", "required": True}],
}
DEAL = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "name_field": "text_0",
    "sharing": {"default": "private"},
    "fields": [
        *({"name": f"text_{i}", "type": "text", "max_length": 200} for i in range(6)),
        {"name": "notes", "type": "long_text"},
        {"name": "amount", "type": "currency"},
        {"name": "cost", "type": "currency"},
        {"name": "quantity", "type": "integer"},
        {"name": "probability", "type": "percent"},
        {"name": "close_date", "type": "date"},
        {"name": "start_date", "type": "date"},
        {"name": "hot", "type": "boolean"},
        {"name": "stage", "type": "picklist", "options": options(STAGES)},
        {"name": "source", "type": "picklist", "options": options(SOURCES)},
        {"name": "priority", "type": "picklist", "options": options(PRIORITIES)},
        {"name": "account", "type": "lookup", "target": "account", "relationship": "deals"},
        {"name": "partner", "type": "lookup", "target": "account"},
    ],
    "indexes": [{"name": "stage_close", "fields": ["stage", "close_date"]}],
}


def rows(count, seed, accounts):
    """Yield records as JSON; ``accounts`` are the account ids of the side that gets them."""
    rng = random.Random(seed)
    start = date(2025, 1, 1)
    for number in range(count):
        yield {
            **{f"text_{i}": f"Text {i} of {number} {rng.choice(('Acme', '瑞恒科技', 'Orion'))}" for i in range(6)},
            "notes": "Long text " * 12,
            "amount": f"{rng.randrange(10_000_000) / 100:.2f}",
            "cost": f"{rng.randrange(1_000_000) / 100:.2f}",
            "quantity": rng.randrange(1000),
            "probability": str(rng.randrange(100)),
            "close_date": (start + timedelta(days=rng.randrange(900))).isoformat(),
            "start_date": start.isoformat(),
            "hot": rng.random() < 0.2,
            "stage": rng.choice(STAGES),
            "source": rng.choice(SOURCES),
            "priority": rng.choice(PRIORITIES),
            "account": rng.choice(accounts),
            "partner": rng.choice(accounts),
        }
