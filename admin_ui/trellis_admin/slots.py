"""What plug-ins put into pages, and what the pages of plug-ins' settings need."""

from __future__ import annotations

import logging

from flask import g, has_request_context
from flask_babel import gettext as _
from markupsafe import Markup, escape

from trellis.channels import PREFERENCE, ready_channels
from trellis.record_id import parse_id
from trellis.ui_slots import SlotContext, pieces
from trellis_admin.i18n import language
from trellis_metadata.labels import text_of

log = logging.getLogger(__name__)


def slot(name: str, object_name: str | None = None, record: str | None = None) -> Markup:
    """Return the pieces of plug-ins for a place in the page; one that fails says so in its place."""
    if not has_request_context() or g.get("person") is None:
        return Markup("")
    number = parse_id(record, [object_name])[1] if object_name and record else None
    context = SlotContext(g.tenant, g.person, language().code, object_name, number)
    found = []
    for piece in pieces()[name]:
        try:
            shown = piece.render(context)
        except Exception:
            log.exception("the piece '%s' of a plug-in failed", piece.name)
            told = _("“%(name)s” of a plug-in could not be shown.", name=piece.name)
            shown = Markup('<p class="t-muted">{}</p>').format(told)
        if shown is not None:
            found.append(Markup('<div class="t-slot" data-piece="{}">{}</div>').format(piece.name, escape(shown)))
    return Markup("").join(found)


def my_channels() -> list[tuple[str, str, bool]]:
    """Return the channels that the person can choose: name, label, whether it is chosen."""
    chosen = str(g.preferences.get(PREFERENCE, "")).split(",")
    code = language().code
    return [(n, text_of(c.label, code), n in chosen) for n, c in sorted(ready_channels(g.tenant).items())]
