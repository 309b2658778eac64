"""Setup: automations. The list with on and off, the builder, test runs, and the monitor of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.access import Cause
from trellis.automation import hooks, seeing, steering
from trellis.automation.catalogue import catalogue_of
from trellis.automation.trying import dry_run
from trellis.publishing.publisher import InvalidMetadata
from trellis.record_id import BadRecordId, parse_id
from trellis.rules.reader import Onlooker
from trellis_admin import automation_form as forms
from trellis_admin import automation_words as words
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin
from trellis_admin.setup_documents import api_name
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import problems_of, review
from trellis_metadata.errors import TrellisError

HOME = "/setup/automations"
NEW = "new"


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "process",
        10,
        _("Automations"),
        "/setup/automations",
        "bolt",
        _("What happens by itself, and why it did or did not."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "automations", automations)
    blueprint.add_url_rule(f"{HOME}/runs", "automation_runs", runs)
    blueprint.add_url_rule(f"{HOME}/runs/<int:run>/<any(retry, cancel):what>", "steer_run", steer, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>", "automation", automation)
    blueprint.add_url_rule(f"{HOME}/<name>", "build_automation", build, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>/switch", "switch_automation", switch, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>/token", "automation_token", token, methods=["POST"])


def reader(connection: Any) -> Onlooker:
    """Return who looks, for the runtime."""
    return Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())


@needs_admin
def automations() -> Response:
    """All automations, by object."""
    with g.tenant.database.reading() as connection:
        numbers = seeing.counts(reader(connection))
    found = [
        {
            "name": name,
            "label": a.label(language().code),
            "object": words.object_label(a.object) if a.object else "",
            "when": [words.trigger_words(a.definition.document, t.document) for t in a.triggers],
            "active": a.definition.active,
            "failed": numbers.get(name, {}).get("failed", 0),
            "waiting": numbers.get(name, {}).get("waiting", 0),
            "runs": sum(numbers.get(name, {}).values()),
        }
        for name, a in catalogue_of(g.model).automations.items()
    ]
    return render("pages/setup_automations.html", automations=sorted(found, key=lambda a: (a["object"], a["label"])))


@needs_admin
def automation(name: str) -> Response:
    """The builder with an automation, or with a new one."""
    if name == NEW:
        document: dict[str, Any] = {"kind": "automation", "name": "", "triggers": [{"on": "created"}], "steps": []}
        return _page(name, document)
    return _page(name, _document(name))


@needs_admin
def build(name: str) -> Response:
    """Change the form as a button says, try it, or review what publishing it would do. Nothing is kept but a draft."""
    base = {} if name == NEW else _document(name)
    what = request.form.get("do", "review")
    try:
        document = forms.read(request.form, base)
    except forms.BadInput as problem:
        return _page(
            name, base or {"kind": "automation", "name": "", "triggers": [], "steps": []}, [str(problem)], status=422
        )
    if what == "json":
        try:
            given = json.loads(request.form.get("json", ""))
            document = {**given, "kind": "automation"} if isinstance(given, dict) else document
        except ValueError:
            return _page(name, document, [_("The text is not JSON.")], status=422)
        what = "review"
    if not document.get("name"):
        label = document.get("label", {})
        document["name"] = api_name(label.get("en") or label.get("zh") or _("automation"))
    if what == "try":
        return _page(name, document, trial=_try(document))
    if what == "review":
        return review([_ordered(document)], HOME, lambda problems: _page(name, document, problems, status=422))
    return _page(name, forms.change(document, what, request.form))


def _ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    return {k: document[k] for k in ("kind", "name", *(k for k in document if k not in ("kind", "name")))}


def _try(document: Mapping[str, Any]) -> dict[str, Any]:
    """Try the automation as it stands in the form on a record, or on the last changes."""
    record = request.form.get("record", "").strip()
    try:
        number = parse_id(record, [str(document.get("object"))])[1] if record else None
        found = dry_run(g.tenant, g.person, _ordered(document), record=number, events=0 if record else 10)
    except InvalidMetadata as problem:
        return {"problems": problems_of(problem), "results": []}
    except (BadRecordId, TrellisError) as problem:
        return {"problems": [problem.message], "results": []}
    for one in found:
        one["why"] = words.reason_words(one["reason"]) if one["reason"] else ""
    return {"problems": [], "results": found}


@needs_admin
def switch(name: str) -> Response:
    """Switch an automation on or off: a change like any other, reviewed and published."""
    document = dict(_document(name))
    if document.get("active", True):
        document["active"] = False
    else:
        document.pop("active")
    return review([_ordered(document)], HOME, lambda problems: _page(name, document, problems, status=422))


@needs_admin
def token(name: str) -> Response:
    """Give the automation a new secret address and show it this once."""
    _document(name)
    try:
        made = g.tenant.run(g.person, Cause("ui"), lambda tx: hooks.new_token(tx, name))
    except TrellisError as problem:
        return _page(name, _document(name), [problem.message], status=422)
    return _page(name, _document(name), address=f"{request.url_root.rstrip('/')}/api/v1/hooks/{made}/{name}")


@needs_admin
def runs() -> Response:
    """The monitor."""
    name, state = request.args.get("automation") or None, request.args.get("state") or None
    before = request.args.get("before", type=int)
    if state is not None and state not in seeing.STATES:
        raise NotFound
    with g.tenant.database.reading() as connection:
        found = seeing.runs_of(reader(connection), automation=name, state=state, before=before, limit=seeing.PAGE + 1)
    more = found[seeing.PAGE - 1]["id"] if len(found) > seeing.PAGE else None
    labels = {n: a.label(language().code) for n, a in catalogue_of(g.model).automations.items()}
    return render(
        "pages/setup_automation_runs.html",
        runs=found[: seeing.PAGE],
        more=more,
        name=name,
        state=state,
        labels=labels,
        states=words.states(),
        colors=words.COLORS,
        triggers=words.triggers(),
        outcomes=words.outcomes(),
    )


@needs_admin
def steer(run: int, what: str) -> Response:
    """Try a failed run again, or cancel one that waits."""
    work = steering.retry if what == "retry" else steering.cancel
    try:
        g.tenant.run(g.person, Cause("ui"), lambda tx: work(tx, run))
    except seeing.UnknownRun:
        raise NotFound from None
    except steering.WrongState as problem:
        return go(f"{HOME}/runs", problem.message)
    return go(f"{HOME}/runs", _("The run will be done again") if what == "retry" else _("Cancelled"))


def _page(
    name: str,
    document: Mapping[str, Any],
    errors: Sequence[str] = (),
    *,
    trial: Mapping[str, Any] | None = None,
    address: str = "",
    status: int = 200,
) -> Response:
    triggers = document.get("triggers", [])
    label = document.get("label", {})
    texts = {"en": label, "zh": ""} if isinstance(label, str) else {"en": "", "zh": "", **label}
    return render(
        "pages/setup_automation.html",
        status,
        name=name,
        document=document,
        labels=texts,
        title=texts.get(language().code) or texts["en"] or texts["zh"] or document.get("name") or _("New automation"),
        text=json.dumps(_ordered(document), ensure_ascii=False, indent=2),
        flow=words.flow_words({"triggers": triggers, "steps": document.get("steps", []), **document}),
        cards=forms.cards(document),
        trigger_controls=forms.trigger_controls(document),
        trigger_words=words.triggers(),
        objects=[(n, words.object_label(n)) for n in g.model.object_names],
        actions=forms.offered("", document.get("run") == "before"),
        errors=errors,
        trial=trial,
        address=address,
        outcomes=words.outcomes(),
        is_new=name == NEW,
        waits_for_messages=any(t["on"] == "webhook" for t in triggers),
    )


def _document(name: str) -> Mapping[str, Any]:
    found = g.model.snapshot.get("automation", name)
    if found is None:
        raise NotFound
    return found
