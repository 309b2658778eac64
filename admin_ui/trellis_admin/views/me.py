"""What a person sets for himself: language, time zone, theme and density."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import Blueprint, Response, g

from trellis_admin.page import DENSITIES, THEMES, render
from trellis_admin.session import needs_person


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/me", "me", show)


@needs_person
def show() -> Response:
    """The form; it is sent to ``/preferences``."""
    zones = sorted(
        z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/", "posix", "right"))
    )
    return render(
        "pages/me.html",
        zones=zones,
        zone=g.preferences.get("time_zone", ""),
        account_zone=g.person.time_zone,
        organisation_zone=g.tenant.time_zone,
        themes=THEMES,
        densities=DENSITIES,
    )
