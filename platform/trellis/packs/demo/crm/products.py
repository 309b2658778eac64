"""What the company sells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from trellis.packs.demo.crm.team import Team
from trellis.packs.demo.crm.times import YEARS_BACK_DAYS, moment
from trellis.packs.demo.record import Ref, Story


@dataclass(frozen=True, slots=True)
class Product:
    """A product on sale. ``names`` by language."""

    ref: Ref
    names: dict[str, str]
    family: str
    price: Decimal


def add_products(story: Story, team: Team) -> list[Product]:
    """Add the catalogue and return what is on sale. Prices are in CNY."""
    on_sale = []
    for index, entry in enumerate(story.data("products")):
        launched = story.today - timedelta(days=YEARS_BACK_DAYS + 400 - 20 * index)
        at = moment(story.random, story.today - timedelta(days=YEARS_BACK_DAYS + 20))
        values = {
            "name": entry["name"],
            "code": entry["code"],
            "family": entry["family"],
            "unit": entry["unit"],
            "list_price": {"amount": entry["price"], "currency": "CNY"},
            "tax_rate": "13" if entry["family"] in ("hardware", "software") else "6",
            "active": entry.get("active", True),
            "launched_on": launched.isoformat(),
        }
        stamps = {"owner": team.marketing, "created_by": team.marketing, "created_at": at, "modified_at": at}
        record = story.add("product", {**values, **stamps})
        if values["active"]:
            english, _, chinese = entry["name"].rpartition(" ")
            names = {"en": english, "zh": chinese}
            on_sale.append(Product(record.ref, names, entry["family"], Decimal(entry["price"])))
    return on_sale
