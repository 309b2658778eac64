"""Every roll-up of ``model.py`` worked out from plain rows, without any code of the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = Mapping[str, Any]


def of_deal(record: Row, deals: Mapping[str, Row], expenses: Sequence[Row]) -> dict[str, Any]:
    """Return the roll-ups of a deal; ``expenses`` are the live ones in the order of their creation."""
    own = [e for e in expenses if e["deal"] == record["id"]]
    approved = [e for e in own if e["status"] == "approved"]
    amounts = [_amount(e) for e in own if e["amount"] is not None]
    weights = [Decimal(e["weight"]) for e in own if e["weight"] is not None]
    named = [e for e in own if e["name"] is not None]
    by_day = sorted(own, key=lambda e: (e["spent_on"] is None, e["spent_on"] or ""))
    first = [e["name"] for e in by_day if e["name"] is not None]
    stated = [e for e in own if e["status"] is not None]
    dated = [e for e in stated if e["spent_on"] is not None]
    last = max(enumerate(dated), key=lambda p: (p[1]["spent_on"], p[0]))[1] if dated else stated[-1] if stated else None
    newest = [e for e in named if e["spent_on"] is not None]
    newest = [e for _, e in sorted(enumerate(newest), key=lambda p: (_descending(p[1]["spent_on"]), p[0]))]
    names = list(dict.fromkeys(e["name"] for e in [*newest, *(e for e in named if e["spent_on"] is None)]))
    mean = None
    if weights:
        exact = sum(weights, Decimal()) / len(weights)
        mean = str(exact.quantize(Decimal("0.001"), ROUND_HALF_UP))
    return {
        "expenses": len(own),
        "cost": _money(sum((_amount(e) for e in approved if e["amount"] is not None), Decimal())),
        "dearest": _money(max(amounts)) if amounts else None,
        "lightest": str(min(weights)) if weights else None,
        "pieces": sum(e["pieces"] or 0 for e in approved),
        "mean": mean,
        "first_name": first[0] if first else None,
        "last_status": last["status"] if last else None,
        "names": "; ".join(names) or None,
        "kinds": len({e["name"] for e in named}),
        "mentions": sum(e["about"] == record["id"] for e in expenses),
        "same_region": len(own) if record["region"] == "north" else 0,
        "latest": max((e["spent_on"] for e in own if e["spent_on"] is not None), default=None),
        "dear": sum(_is_dear(e, deals) for e in own),
        "weighed": _plain(sum((_weighed(e, deals) for e in own), Decimal())),
    }


def of_account(record: Row, deals: Mapping[str, Row], expenses: Sequence[Row]) -> dict[str, Any]:
    """Return the roll-ups of an account, from those of its deals."""
    own = [of_deal(d, deals, expenses) for d in deals.values() if d["account"] == record["id"]]
    return {
        "total_cost": _money(sum((Decimal(d["cost"]["amount"]) for d in own), Decimal())),
        "deals": len(own),
        "expenses": sum(d["expenses"] for d in own),
        "busy": sum(d["expenses"] > 1 for d in own),
        "mentions": sum(e["about"] == record["id"] for e in expenses),
        "dearest": max((d["dearest"] for d in own if d["dearest"]), key=lambda m: Decimal(m["amount"]), default=None),
    }


def _descending(day: str) -> int:
    return -int(day.replace("-", ""))


def _amount(expense: Row) -> Decimal:
    return Decimal(expense["amount"]["amount"])


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": _plain(amount), "currency": "USD"}


def _plain(number: Decimal) -> str:
    return str(number.quantize(Decimal("0.01")))


def _factor(expense: Row, deals: Mapping[str, Row]) -> Decimal:
    deal = deals.get(expense["deal"] or "")
    return Decimal(deal["factor"]) if deal and deal["factor"] is not None else Decimal()


def _weighed(expense: Row, deals: Mapping[str, Row]) -> Decimal:
    weight = Decimal(expense["weight"]) if expense["weight"] is not None else Decimal()
    return (weight * _factor(expense, deals)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _is_dear(expense: Row, deals: Mapping[str, Row]) -> bool:
    return expense["weight"] is not None and Decimal(expense["weight"]) > _factor(expense, deals)
