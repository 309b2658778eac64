"""Parts of fields as pages show them: ``address.city`` like a text, ``amount.corporate`` like a number."""

from __future__ import annotations

from dataclasses import replace

from flask_babel import gettext, lazy_gettext

from trellis.fields import field_types
from trellis.model import FieldModel

_TYPES = {"number": "number", "boolean": "boolean"}
_LABELS = {
    "street": lazy_gettext("Street"),
    "city": lazy_gettext("City"),
    "state": lazy_gettext("State or province"),
    "postal_code": lazy_gettext("Postal code"),
    "country": lazy_gettext("Country"),
    "latitude": lazy_gettext("Latitude"),
    "longitude": lazy_gettext("Longitude"),
    "amount": lazy_gettext("Amount"),
    "currency": lazy_gettext("Currency"),
    "corporate": lazy_gettext("in the organisation's currency"),
    "salutation": lazy_gettext("Salutation"),
    "first": lazy_gettext("First name"),
    "middle": lazy_gettext("Middle name"),
    "last": lazy_gettext("Last name"),
    "suffix": lazy_gettext("Suffix"),
    "error": lazy_gettext("Error"),
}


def part_label(part: str) -> str:
    """Return what a part is called."""
    return str(_LABELS[part]) if part in _LABELS else gettext(part.replace("_", " ").capitalize())


def part_model(field: FieldModel, part: str) -> FieldModel:
    """Return a part of a field like a plain field of its category, for showing and filtering; it is never edited."""
    category = field.codec.parts[part].category
    kind = _TYPES.get(category, "text")
    document = {"name": field.name, "type": kind, "label": field.doc.get("label", field.name)}
    codec = replace(field.codec, category=category, parts={}, targets=())
    return replace(field, doc=document, type=field_types()[kind], codec=codec)
