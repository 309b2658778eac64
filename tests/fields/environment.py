"""A tenant as fields see it: currencies, one shared picklist, ids with a check digit, a seal."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from trellis.fields import InvalidValue

SHARED = {
    "kind": "picklist",
    "name": "industry",
    "options": [{"name": "steel"}, {"name": "retail", "label": {"en": "Retail", "zh": "零售"}}],
}


class Tenant:
    """Implements ``Environment``."""

    default_currency = "CNY"
    default_country = "CN"
    currencies: Mapping[str, int] = {"CNY": 2, "USD": 2, "JPY": 0}

    def picklist(self, name: str) -> Mapping[str, Any] | None:
        return SHARED if name == "industry" else None

    def document(self, kind: str, name: str) -> Mapping[str, Any] | None:
        return SHARED if (kind, name) == ("picklist", "industry") else None

    def seal(self, text: str) -> str:
        return "sealed:" + base64.b64encode(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        return base64.b64decode(sealed.removeprefix("sealed:")).decode()

    def parse_id(self, text: str, objects: Sequence[str]) -> tuple[str, int]:
        name, _, rest = text.rpartition("_")
        if (
            name not in objects
            or not rest[:-1].isdigit()
            or not rest.isascii()
            or int(rest[:-1]) % 7 != int(rest[-1:] or 9)
        ):
            raise InvalidValue(
                "bad_reference", f"Found '{text[:80]}', expected the id of a record of {', '.join(objects)}."
            )
        return name, int(rest[:-1])

    def format_id(self, object_name: str, number: int) -> str:
        return f"{object_name}_{number}{number % 7}"
