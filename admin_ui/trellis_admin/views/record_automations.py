"""Why something happened to a record or did not, and the buttons that start automations for it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext

from trellis.automation import seeing
from trellis.automation.hands import CannotStart, offered, start_by_hand
from trellis.record_id import parse_id
from trellis_admin import automation_words as words
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render
from trellis_admin.reading import label_of, object_model, one_record
from trellis_admin.session import needs_person
from trellis_admin.views.setup_automations import reader
from trellis_admin.writing import write


def install(blueprint: Blueprint) -> None:
    # Pages of records and lists ask for the automations that people may start there.
    blueprint.context_processor(lambda: {"automations_offered": _offered, "automation_words": words})
    blueprint.add_url_rule("/o/<name>/<record>/automations", "record_automations", story)
    blueprint.add_url_rule("/o/<name>/<record>/automations/<automation>", "start_automation", start, methods=["POST"])
    blueprint.add_url_rule(
        "/o/<name>/selection/automations", "start_for_selection", start_for_selection, methods=["POST"]
    )


def _offered(object_name: str, on: str) -> list[dict[str, str]]:
    return offered(g.model, object_name, on, language().code)


@needs_person
def story(name: str, record: str) -> Response:
    """Runs of the record, and automations that were looked at and did not fire."""
    root, row = object_model(name), one_record(object_model(name), record)
    with g.tenant.database.reading() as connection:
        found = seeing.story_of(reader(connection), root, parse_id(record, [name])[1])
    for entry in found:
        for rule in entry.get("rules", ()):
            rule["why"] = words.reason_words(rule["reason"])
    return render(
        "pages/record_automations.html",
        object=root,
        row=row,
        plural=root.plural(language().code),
        record_label=label_of(row, root),
        entries=found,
        states=words.states(),
        colors=words.COLORS,
        triggers=words.triggers(),
        outcomes=words.outcomes(),
    )


@needs_person
def start(name: str, record: str, automation: str) -> Response:
    """Start an automation for the record."""
    object_model(name)
    try:
        found: Any = write(lambda tx: start_by_hand(tx, automation, "button", [parse_id(record, [name])[1]]))
    except CannotStart as problem:
        return refuse(problem.message)
    return go(f"/o/{name}/{record}", _told(found))


@needs_person
def start_for_selection(name: str) -> Response:
    """Start an automation for the records that are selected in a list."""
    object_model(name)
    records = [parse_id(r, [name])[1] for r in request.form.getlist("id")]
    try:
        found: Any = write(lambda tx: start_by_hand(tx, request.form.get("automation", ""), "manual", records))
    except CannotStart as problem:
        return refuse(problem.message)
    return go(f"/o/{name}", _told(found))


def _told(found: Any) -> str:
    failed = [r for r in found.runs.values() if r.state == "failed"]
    if failed:
        return _("It could not be done: %(why)s", why=failed[0].message)
    if not found.runs:
        return _("Nothing was done: its condition does not hold.")
    return ngettext("Done for %(num)d record", "Done for %(num)d records", len(found.runs))
