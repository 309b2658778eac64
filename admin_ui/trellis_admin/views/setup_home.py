"""Setup: where administrators begin. Every page of the setup with what it is for."""

from __future__ import annotations

from flask import Blueprint, Response

from trellis_admin.page import render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import setup_groups


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup", "setup_home", setup_home)


@needs_admin
def setup_home() -> Response:
    """All pages of the setup, in groups."""
    return render("pages/setup_home.html", groups=setup_groups())
