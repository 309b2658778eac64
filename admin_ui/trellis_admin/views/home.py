"""The start page: the app's objects with their counts, and what the person worked on last."""

from __future__ import annotations

from flask import Blueprint, Response, g

from trellis_admin.page import render
from trellis_admin.session import needs_person


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/", "home", show)


@needs_person
def show() -> Response:
    """The page."""
    return render("pages/home.html", items=g.shell.app.items)
