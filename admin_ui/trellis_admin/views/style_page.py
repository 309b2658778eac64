"""The living style page ``/_ui``: every component in every state, rendered by the same code as the product's pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _

from trellis.fields import field_types
from trellis_admin.colors import COLORS
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.renderers import columns
from trellis_admin.rendering import context
from trellis_admin.session import needs_person, ui
from trellis_admin.widgets import Choice, Input
from trellis_metadata.labels import text_of

_STAGES = [
    {"name": "qualify", "label": {"en": "Qualify", "zh": "资格确认"}, "color": "blue"},
    {"name": "propose", "label": {"en": "Propose", "zh": "方案报价"}, "color": "purple"},
    {"name": "won", "label": {"en": "Closed won", "zh": "赢单"}, "color": "green"},
]
SAMPLES: dict[str, Any] = {
    "text": "Harbor & Finch <b>Ltd</b>",
    "long_text": "Buyer wants to go live\nbefore the fiscal year ends.",
    "rich_text": "<p>Sent the <strong>revised</strong> quote.</p>",
    "email": "mei.lin@example.com",
    "phone": "+86 21 5555 1031",
    "url": "https://www.example.com/plan",
    "integer": "1200",
    "number": "12.500",
    "percent": "37.5",
    "boolean": True,
    "currency": {"amount": "120200.00", "currency": "CNY"},
    "date": "2026-11-26",
    "datetime": "2026-11-22T08:30:00Z",
    "time": "14:30",
    "duration": "PT1H30M",
    "picklist": "propose",
    "stage": "qualify",
    "multi_picklist": ["qualify", "won"],
    "lookup": "account_7h2k9",
    "master_detail": "account_7h2k9",
    "user": "user_3f8qa",
    "tags": ["vip", "2026"],
    "address": {
        "street": "88 Century Ave",
        "city": "Shanghai",
        "state": "Shanghai",
        "postal_code": "200120",
        "country": "CN",
    },
    "person_name": {"first": "建国", "last": "王"},
    "geolocation": {"latitude": "31.2304", "longitude": "121.4737"},
    "auto_number": "D-01071",
    "file": "quote.pdf",
    "image": "logo.png",
    "rating": 4,
    "json": {"seats": 120, "plan": "team"},
    "secret": "set",
}
_WITH_OPTIONS = ("picklist", "multi_picklist", "stage")
NAMES = {"account_7h2k9": "Delta Interiors", "user_3f8qa": "陈思远"}


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/_ui", "style_page", show)
    blueprint.add_url_rule("/_ui/lookup.json", "style_page_lookup", lookup)


@needs_person
def show() -> Response:
    """The page."""
    return render(
        "pages/style_page.html",
        colors=COLORS,
        inputs=[_input(n, v) for n, v in SAMPLES.items()],
        states=_states(),
        columns=_columns(),
        row=_row(),
        icons=sorted(ui().assets.icons),
    )


@needs_person
def lookup() -> list[dict[str, str]]:
    """What the sample lookup finds."""
    return [{"value": value, "text": text} for value, text in NAMES.items()]


def _choices() -> list[Choice]:
    return [Choice(o["name"], o["label"]["en"], o["color"]) for o in _STAGES]


def _input(kind: str, value: Any, **changes: Any) -> Input:
    choices: list[Choice] = _choices() if kind in _WITH_OPTIONS else []
    if kind == "currency":
        choices = [Choice(c, c) for c in ("CNY", "EUR", "USD")]
    if kind in ("lookup", "user", "master_detail"):
        choices = [Choice(value, NAMES[value])] if value else []
    if kind == "datetime" and value:
        value = str(value)[:16]
    given = {"id": f"w-{kind}", "name": f"w_{kind}", "label": _type_label(kind), **changes}
    return Input(
        widget=field_types()[kind].widget, value=value, choices=choices, search_url="/_ui/lookup.json", **given
    )


def _type_label(kind: str) -> str:
    return text_of(field_types()[kind].label, language().code, kind)


def _states() -> list[Input]:
    return [
        _input("text", None, id="s-required", name="s_required", label=_("Required"), required=True),
        _input(
            "text", "Deal", id="s-help", name="s_help", label=_("With help"), help=_("Shown on quotes and in mails.")
        ),
        _input(
            "email",
            "mei@",
            id="s-error",
            name="s_error",
            label=_("With an error"),
            error=_("This is not an e-mail address."),
        ),
        _input("picklist", "won", id="s-disabled", name="s_disabled", label=_("Not allowed"), disabled=True),
    ]


def _field(widget: str) -> Mapping[str, Any]:
    return {"name": widget, "type": widget, "label": widget, "options": _STAGES if widget in _WITH_OPTIONS else ()}


def _columns():
    fields = [_field(w) for w in SAMPLES if w != "long_text"]
    labels = [_type_label(f["type"]) for f in fields]
    return columns(
        fields, labels, context(names=NAMES), name_field="text", row_url=lambda row: "/_ui", editable=lambda name: False
    )


def _row() -> Mapping[str, Any]:
    return {"id": "sample", **SAMPLES}
