"""What templates may use besides their context: icons, colours, initials."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from flask import Flask
from flask_babel import format_decimal, gettext

from trellis_admin.approving import waiting_count
from trellis_admin.assets import Assets
from trellis_admin.colors import color, color_of, initials
from trellis_admin.slots import my_channels, slot


def install(app: Flask, assets: Assets) -> None:
    """Add the filters and functions of the UI's templates to the application."""
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(slot=slot, my_channels=my_channels)
    environment.globals.update(icon=assets.icon, _=gettext, waiting_approvals=waiting_count)
    environment.filters.update(
        color_of=color_of,
        tag_color=color,
        initials=initials,
        fromjson=json.loads,
        go_pair=_go_pair,
        marks=lambda marks: urlencode([("m", f"{stream}:{mark}") for stream, mark in sorted(marks.items())]),
        number=lambda value: format_decimal(value or 0),
    )


def _go_pair(item) -> tuple[str, list[str]]:
    return item.label, ["g", item.go]
