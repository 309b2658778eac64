"""Requests for approval as pages show them: words for states and events, moments in the person's zone, what a button does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from flask_babel import gettext as _
from markupsafe import Markup

from trellis.approvals import reading
from trellis.rules.reader import Onlooker
from trellis_admin.reading import FieldRef, names_for
from trellis_admin.renderers import render_value
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context

_MOMENT = {"name": "at", "type": "datetime"}
COLORS = {
    "pending": "blue",
    "approved": "green",
    "rejected": "red",
    "recalled": "gray",
    "sent_back": "orange",
    "cancelled": "gray",
    "open": "blue",
    "skipped": "gray",
    "closed": "gray",
}


def onlooker(connection: Any) -> Onlooker:
    """Return the person as a reader."""
    return Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())


def waiting_count() -> int | None:
    """Return how many requests wait for the person; None in a tenant without approvals."""
    if not g.model.snapshot.of_kind("approval"):
        return None
    with g.tenant.database.reading() as connection:
        return reading.count_waiting(onlooker(connection))


def states() -> dict[str, str]:
    """Return the words for states."""
    return {
        "pending": _("In approval"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "recalled": _("Recalled"),
        "sent_back": _("Sent back"),
        "cancelled": _("Cancelled"),
        "open": _("Waiting"),
        "skipped": _("Passed over"),
        "closed": _("Ended"),
    }


def modes() -> dict[str, str]:
    """Return the words for what decides a step."""
    return {
        "first": _("The first answer decides"),
        "all": _("Everybody must approve"),
        "majority": _("The majority decides"),
    }


def event_words(event: Mapping[str, Any]) -> str:
    """Return what happened as a sentence without its subject."""
    person = (event.get("person") or {}).get("name") or _("nobody")
    words = {
        "submitted": _("submitted the record"),
        "resubmitted": _("submitted the record again"),
        "asked": _("%(person)s is asked", person=person if event.get("person") else _("a group")),
        "delegated": _("as stand-in of %(person)s", person=person),
        "vacant": _("nobody is left to decide"),
        "voted_yes": _("approved"),
        "voted_no": _("rejected"),
        "taken": _("took the request"),
        "reassigned": _("passed it on to %(person)s", person=person),
        "escalated": _("passed on to %(person)s after the deadline", person=person),
        "left": _("passed on to %(person)s, since the approver left", person=person),
        "sent_back": _("sent it back"),
        "question": _("asked"),
        "answer": _("answered"),
        "comment": _("wrote"),
        "reminded": _("reminded those who have not answered"),
        "overdue": _("the deadline passed"),
        "overridden": _("decided as administrator, instead of those who were asked"),
        "skipped": _("passed over: nobody could be asked"),
        "back": _("goes back to an earlier step"),
        "restarted": _("begins anew, since the record changed"),
        "record_changed": _("the record changed"),
        "record_deleted": _("the record was deleted"),
        "not_moved": _("the record could not move on"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "recalled": _("recalled it"),
        "cancelled": _("Cancelled"),
    }
    return words.get(str(event["kind"]), str(event["kind"]))


ACTED = frozenset(
    {
        "submitted",
        "resubmitted",
        "voted_yes",
        "voted_no",
        "taken",
        "reassigned",
        "sent_back",
        "question",
        "answer",
        "comment",
        "reminded",
        "overridden",
        "recalled",
    }
)
"""What somebody did; the rest followed from it."""
GLYPHS = {
    "voted_yes": ("check", "green"),
    "approved": ("check", "green"),
    "voted_no": ("x", "red"),
    "rejected": ("x", "red"),
    "overridden": ("alert-triangle", "orange"),
    "overdue": ("clock", "orange"),
    "vacant": ("alert-triangle", "orange"),
    "not_moved": ("alert-triangle", "orange"),
    "sent_back": ("arrow-back-up", "orange"),
}


def dressed(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to requests what only pages show."""
    made, words = context(), states()
    for one in requests:
        one["state_label"], one["color"] = words[one["state"]], COLORS[one["state"]]
        one["when"] = relative(one["submitted_at"], made)
        one["due"] = min((w["due_at"] for w in one["waits_for"] if w["due_at"]), default=None)
        one["due_text"] = _moment(one["due"], made) if one["due"] else ""
        one["overdue"] = one["due"] is not None and one["due"] < g.tenant.clock.now()
        _render_fields(one, made)
        for step in one.get("steps", ()):
            step["state_label"], step["color"] = words[step["state"]], COLORS[step["state"]]
            step["mode"] = modes()[step["decide"]]
            step["due_text"] = _moment(step["due_at"], made) if step["due_at"] else ""
            for seat in step["seats"]:
                seat["state_label"], seat["color"] = words[seat["state"]], COLORS[seat["state"]]
        for event in one.get("history", ()):
            event["words"] = event_words(event)
            event["by"] = (event["actor"] or {}).get("name") if event["kind"] in ACTED else None
            event["glyph"], event["color"] = GLYPHS.get(event["kind"], ("point", "gray"))
            event["when"] = relative(event["at"], made)
    return list(requests)


def _render_fields(one: dict[str, Any], made: Any) -> None:
    """Write the fields that are shown with a request as every page writes them."""
    if not one.get("fields"):
        return
    root = g.model.object(one["object"])
    row = {f["name"]: f["value"] for f in one["fields"]}
    refs = [FieldRef(n, f, "") for n in row if (f := root.field(n)) is not None and f.category == "reference"]
    shown = context(names_for([row], refs)) if refs else made
    for field in one["fields"]:
        found = root.field(field["name"])
        field["html"] = Markup(render_value(found.doc, field["value"], shown)) if found is not None else ""


def _moment(value: Any, made: Any) -> Markup:
    return Markup(render_value(_MOMENT, value.isoformat(), made))
