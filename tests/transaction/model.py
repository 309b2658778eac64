"""The objects that the tests of the write path share."""

from __future__ import annotations

from typing import Any

from support.kernel import field, obj

NAME = field("name", required=True)
PUBLIC = {"sharing": {"default": "edit"}}
DOCUMENTS: list[dict[str, Any]] = [
    obj(
        "account",
        field("name", required=True, unique=True),
        field("parent", "lookup", target="account"),
        field("city"),
        field("code"),
        unique=[{"name": "city_code", "fields": ["city", "code"]}],
    ),
    obj(
        "deal",
        NAME,
        field("account", "lookup", target="account", on_delete="restrict"),
        field("backup", "lookup", target="account", on_delete="set_null"),
        field("amount", "currency"),
        field("stage", default="open"),
        field("about", "lookup", target=["account", "contact"]),
        field("country", "picklist", options=[{"name": "de"}, {"name": "fr"}]),
        field(
            "town",
            "picklist",
            depends_on="country",
            options=[{"name": "bonn"}, {"name": "lyon"}],
            values_by={"de": ["bonn"], "fr": ["lyon"]},
        ),
    ),
    obj("contact", NAME, field("account", "lookup", target="account", on_delete="cascade", relationship="contacts")),
    obj("note", NAME, field("contact", "master_detail", target="contact")),
    obj("pin", NAME, field("note", "lookup", target="note", on_delete="cascade")),
    obj("lock", NAME, field("note", "lookup", target="note", on_delete="restrict"), **PUBLIC),
    obj("ticket", field("number", "auto_number", format="T-{0000}"), field("subject")),
    obj("node", NAME, field("up", "lookup", target="node", on_delete="cascade")),
    obj("open_note", NAME, sharing={"default": "read"}),
    obj("board", NAME, **PUBLIC),
]
