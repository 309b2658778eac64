"""Sentences for people about refusals of the runtime that pages show in their own words."""

from __future__ import annotations

from flask_babel import gettext as _

from trellis_metadata.errors import TrellisError


def of_problem(problem: TrellisError) -> str:
    """Return what a person is told; the runtime's own message where there are no words for it."""
    if problem.code == "login_paused":
        return _("Too many attempts. Wait %(seconds)s seconds and try again.", seconds=problem.details["wait_s"])
    return {
        "login_failed": _("The password is wrong, or the new one is the old one."),
        "wrong_code": _("The code is wrong or was used already. Wait for the next one."),
        "weak_password": _(
            "This password is too short, holds your own name, or is among the first that guessers try. Take a few words that do not belong together."
        ),
        "bad_expiry": _("The token must end after now, and not later than the rules allow."),
        "reason_missing": _("Say why, in at least five characters: it stands in the audit."),
    }.get(problem.code, problem.message)
