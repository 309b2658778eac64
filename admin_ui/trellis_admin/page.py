"""Answering with pages and fragments: the common context, toasts, and what a script asked for."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, current_app, flash, g, make_response, redirect, render_template, request
from flask_babel import gettext as _

from trellis_admin import security
from trellis_admin.i18n import LANGUAGES, language

THEMES = ("light", "dark", "auto")
DENSITIES = ("comfortable", "compact")


def wants_fragment() -> bool:
    """Whether a script asked for a part of a page that it will put in place itself."""
    return request.headers.get("HX-Request-Type") == "partial"


def render(template: str, status: int = 200, **context: Any) -> Response:
    """Render a template with the common context."""
    html = render_template(template, **_common(), **context)
    return security.protect(make_response(html, status))


def _common() -> dict[str, Any]:
    return {
        "assets": current_app.extensions["trellis_admin"].assets,
        "shell": g.get("shell"),
        "language": language(),
        "languages": LANGUAGES.values(),
        "theme": _chosen("theme", THEMES, "auto"),
        "nonce": security.nonce(),
        "density": _chosen("density", DENSITIES, "comfortable"),
        "csrf_token": security.csrf_token(),
        "texts": _texts(),
    }


def _chosen(name: str, allowed: tuple[str, ...], default: str) -> str:
    """Return a choice of the person: what the server keeps, else the cookie of this browser."""
    value = g.get("preferences", {}).get(name) or request.cookies.get(name, default)
    return value if value in allowed else default


def _texts() -> str:
    """The texts that scripts show, as JSON."""
    return json.dumps(
        {
            "undo": _("Undo"),
            "close": _("Close"),
            "edit": _("Edit"),
            "add": _("Add"),
            "remove": _("Remove"),
            "network": _("Network problem. Nothing was saved."),
            "nothing": _("Nothing found"),
            "results": _("Results"),
            "discard": _("Discard your changes?"),
            "draft": _("You did not save what you typed here."),
            "draft_restore": _("Restore it"),
            "draft_discard": _("Throw it away"),
            "format": _("Formatting"),
            "bold": _("Bold"),
            "italic": _("Italic"),
            "insertUnorderedList": _("Bulleted list"),
            "insertOrderedList": _("Numbered list"),
            "completions": _("Completions"),
        },
        ensure_ascii=False,
    )


def toast(
    response: Response,
    text: str,
    *,
    kind: str = "success",
    undo: dict[str, Any] | None = None,
    events: dict[str, Any] | None = None,
) -> Response:
    """Make the page show a message when this answer arrives. ``undo`` is ``{"url": …, "values": …}``."""
    message = {"text": text, "kind": kind, **({"undo": undo} if undo else {})}
    response.headers["HX-Trigger"] = json.dumps({"toast": message, **(events or {})})
    return response


def go(url: str, message: str = "", *, undo: dict[str, Any] | None = None) -> Response:
    """Send the person to another page, with a message that is shown there. Works with and without scripts."""
    if message:
        flash(json.dumps({"text": message, **({"undo": undo} if undo else {})}), "toast")
    if request.headers.get("HX-Request"):
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)


def refuse(text: str, status: int = 422) -> Response:
    """Answer a script with an error message and change nothing on the page."""
    response = toast(make_response("", status), text, kind="error")
    response.headers["HX-Reswap"] = "none"
    return response
