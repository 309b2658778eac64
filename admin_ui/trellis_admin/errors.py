"""Errors as helpful pages; a fragment gets a message instead, so that the page in front of the person stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from trellis_admin.page import refuse, render, wants_fragment
from trellis_metadata.errors import TrellisError

STATUS_OF_CODE = {
    "access_denied": 403,
    "unknown_object": 404,
    "unknown_record": 404,
    "not_found": 404,
    "unknown_field": 404,
    "unknown_tenant": 404,
    "version_conflict": 409,
    "stale_plan": 409,
}
"""HTTP status of an error that the runtime explains; every other code is a refused request (422)."""


@dataclass(frozen=True)
class Problem:
    """What the error page says."""

    status: int
    icon: str
    title: str
    text: str
    detail: str = ""


def problem_for(status: int, detail: str = "") -> Problem:
    """Return the words for an HTTP status."""
    known = {
        400: ("refresh", _("This page is out of date"), _("Reload it and try again. Nothing was changed.")),
        403: ("lock", _("You have no access to this"), _("Ask an administrator if you need it for your work.")),
        404: (
            "file-search",
            _("We could not find that"),
            _("It may have been moved or deleted, or the address has a typing mistake."),
        ),
        405: ("file-search", _("We could not find that"), _("This address does not take that kind of request.")),
        409: ("git-merge", _("Someone changed this in the meantime"), _("Reload to see the current state.")),
        413: ("file", _("That is too large"), _("Choose a smaller file.")),
        422: ("alert-triangle", _("That did not work"), _("Nothing was changed.")),
        429: ("alert-triangle", _("Too many attempts"), _("Wait a minute and try again.")),
    }
    icon, title, text = known.get(
        status,
        (
            "alert-triangle",
            _("Something went wrong on our side"),
            _(
                "Nothing of what you entered was saved. Try again in a moment; if it happens again, tell your administrator."
            ),
        ),
    )
    return Problem(status, icon, title, text, detail)


def install(blueprint: Blueprint) -> None:
    """Handle everything that the UI's views raise, and unknown addresses outside the API."""
    blueprint.register_error_handler(TrellisError, _explained)
    blueprint.register_error_handler(HTTPException, _http)
    blueprint.register_error_handler(Exception, _unexpected)
    blueprint.app_errorhandler(404)(_unknown_address)


def _explained(error: TrellisError) -> Response:
    return _answer(problem_for(STATUS_OF_CODE.get(error.code, 422), error.message))


def _http(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    return _answer(problem_for(error.code))


def _unknown_address(error: HTTPException) -> Response | HTTPException:
    return error if request.path.startswith("/api/") else _answer(problem_for(404))


def _unexpected(error: Exception) -> Response:
    current_app.logger.exception("A page failed: %s %s", request.method, request.path)
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return _answer(problem_for(500))


def _answer(problem: Problem) -> Response:
    if wants_fragment():
        return refuse(problem.detail or problem.title, problem.status)
    return render("pages/error.html" if g.get("shell") else "pages/error_bare.html", problem.status, problem=problem)
