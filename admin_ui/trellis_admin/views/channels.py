"""How a person wants to be told: through which channels besides the notifications centre."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from trellis.channels import PREFERENCE, ready_channels
from trellis.preferences import prefer
from trellis_admin.page import go
from trellis_admin.session import needs_person


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/me/channels", "choose_channels", choose, methods=["POST"])


@needs_person
def choose() -> Response:
    """Keep the choice; what is not offered is left out."""
    wanted = [n for n in request.form.getlist("channel") if n in ready_channels(g.tenant)]
    prefer(g.tenant, g.person, {PREFERENCE: ",".join(sorted(set(wanted))) or None})
    return go("/me", _("Saved."))
