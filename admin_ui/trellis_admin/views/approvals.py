"""Approvals: what waits for the person, one request, submitting a record, and everything that is done with requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import NotFound

from trellis.approvals import changing, deciding, reading, submitting
from trellis.model import ObjectModel
from trellis.record_id import parse_id
from trellis.transaction import RecordsInvalid, Transaction
from trellis_admin.approving import dressed, onlooker
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.reading import label_of, number_of, object_model, one_record
from trellis_admin.session import needs_person
from trellis_admin.writing import texts_of, write
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of

VIEWS = ("waiting", "mine", "decided")
Action = Callable[[Transaction, int, str | None], Any]


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/approvals", "approvals", show_list)
    blueprint.add_url_rule("/approvals/decide", "approvals_decide", decide_many, methods=["POST"])
    blueprint.add_url_rule("/approvals/<int:number>", "approval", show)
    blueprint.add_url_rule("/approvals/<int:number>", "approval_act", act, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/submit", "submit_form", submit_form)
    blueprint.add_url_rule("/o/<name>/<record>/submit", "submit_record", submit, methods=["POST"])


# -- lists -----------------------------------------------------------------------------------------------------------


@needs_person
def show_list(error: str = "") -> Response:
    """The inbox, one's own requests, or those one decided."""
    view = request.args.get("view", "waiting")
    view = view if view in VIEWS else "waiting"
    chosen = {k: request.args.get(k) or None for k in ("object", "approval")}
    lists = {"waiting": reading.waiting_for_me, "mine": reading.submitted_by_me, "decided": reading.decided_by_me}
    with g.tenant.database.reading() as connection:
        one = onlooker(connection)
        found = dressed(lists[view](one, object_name=chosen["object"], approval=chosen["approval"]))
    return render(
        "pages/approvals.html",
        422 if error else 200,
        view=view,
        tabs=[("waiting", _("Waiting for me")), ("mine", _("My requests")), ("decided", _("Decided by me"))],
        requests=found,
        chosen=chosen,
        approvals=_approvals(),
        error=error,
    )


def _approvals() -> list[tuple[str, str]]:
    documents = g.model.display.of_kind("approval").values()
    return [(d["name"], text_of(d.get("label"), language().code, d["name"])) for d in documents]


@needs_person
def decide_many() -> Response:
    """One decision about the chosen requests; what could not be decided is told."""
    numbers = [int(n) for n in request.form.getlist("request") if n.isascii() and n.isdigit() and len(n) < 19]
    verdict = request.form.get("verdict", "")
    if verdict not in deciding.VERDICTS:
        raise NotFound
    if not numbers:
        return show_list(_("Choose at least one request."))
    found = write(lambda tx: deciding.vote_many(tx, numbers, verdict, comment=request.form.get("comment")))
    good = sum(v.error is None for v in found)
    wrong = list(dict.fromkeys(v.error.message for v in found if v.error is not None))
    if wrong:
        return show_list(_("%(good)s of %(all)s decided. %(why)s", good=good, all=len(found), why=" ".join(wrong)))
    return go("/approvals", ngettext("%(num)s request decided", "%(num)s requests decided", good))


# -- one request -----------------------------------------------------------------------------------------------------


@needs_person
def show(number: int) -> Response:
    """One request as the person may see it."""
    return _page(number)


def _page(number: int, error: str = "", given: Mapping[str, str] | None = None) -> Response:
    with g.tenant.database.reading() as connection:
        try:
            (one,) = dressed([reading.request_in_full(onlooker(connection), number)])
        except TrellisError:
            raise NotFound from None
    return render(
        "pages/approval.html",
        422 if error else 200,
        one=one,
        error=error,
        given=given or {},
        record_url=f"/o/{one['object']}/{one['record']}" if one["record"] else "",
        colleagues=_colleagues() if "reassign" in one["may"] else [],
    )


def _colleagues() -> list[tuple[str, str]]:
    """Return the people to whom a request can be passed on, by name."""
    from trellis.query import Query, Sort
    from trellis_admin.reading import run

    page = run(Query("user", fields=("id", "name"), sort=(Sort("name"),), limit=200))
    return [(row["id"], row["name"]) for row in page.rows]


ACTIONS: Mapping[str, Action] = {
    "approve": lambda tx, number, text: deciding.vote(tx, number, "approve", comment=text, via="page"),
    "reject": lambda tx, number, text: deciding.vote(tx, number, "reject", comment=text, via="page"),
    "take": lambda tx, number, text: changing.take(tx, number),
    "send_back": changing.send_back,
    "ask": changing.ask_submitter,
    "answer": changing.answer,
    "remind": lambda tx, number, text: changing.remind(tx, number),
    "recall": lambda tx, number, text: changing.recall(tx, number, comment=text),
    "resubmit": lambda tx, number, text: submitting.resubmit(tx, number, comment=text),
    "override_approve": lambda tx, number, text: deciding.override(tx, number, "approve", text, via="page"),
    "override_reject": lambda tx, number, text: deciding.override(tx, number, "reject", text, via="page"),
}


@needs_person
def act(number: int) -> Response:
    """Do what a button says; refusals come back with what was typed."""
    action, text = request.form.get("action", ""), request.form.get("comment")
    try:
        if action == "reassign":
            to = parse_id(request.form.get("to", ""), ["user"])[1]
            write(lambda tx: changing.reassign(tx, number, to, comment=text))
        elif action in ACTIONS:
            write(lambda tx: ACTIONS[action](tx, number, text))
        else:
            raise NotFound
    except RecordsInvalid as refused:
        return _page(number, " ".join(texts_of(refused.errors[0]).values()), request.form)
    except TrellisError as refused:
        return _page(number, refused.message, request.form)
    return go(f"/approvals/{number}", _done()[action])


def _done() -> dict[str, str]:
    return {
        "approve": _("Approved"),
        "reject": _("Rejected"),
        "take": _("The request is yours now"),
        "reassign": _("Passed on"),
        "send_back": _("Sent back"),
        "ask": _("Asked"),
        "answer": _("Answered"),
        "remind": _("Reminded"),
        "recall": _("Recalled"),
        "resubmit": _("Submitted"),
        "override_approve": _("Approved"),
        "override_reject": _("Rejected"),
    }


# -- submitting ------------------------------------------------------------------------------------------------------


def approvals_of(root: ObjectModel, record: str) -> dict[str, Any]:
    """Return what the record's page shows: its requests and whether it can be submitted. The person may read the record."""
    with g.tenant.database.reading() as connection:
        one = onlooker(connection)
        can = reading.to_submit(one, root.name)
        found = dressed(reading.requests_of(one, root.name, number_of(record, root.name))) if can else []
    live = any(r["state"] in ("pending", "sent_back") for r in found)
    return {"requests": found[:3], "more": len(found) > 3, "can_submit": bool(can) and not live}


@needs_person
def submit_form(name: str, record: str) -> Response:
    """The form: which approval, and a comment."""
    return _submit_page(object_model(name), record, request.args)


def _submit_page(root: ObjectModel, record: str, given: Mapping[str, str], error: str = "") -> Response:
    row = one_record(root, record)
    with g.tenant.database.reading() as connection:
        can = reading.to_submit(onlooker(connection), root.name)
    if not can:
        raise NotFound
    return render(
        "pages/approval_submit.html",
        422 if error else 200,
        object=root,
        title=label_of(row, root),
        plural=root.plural(language().code),
        url=f"/o/{root.name}/{record}",
        approvals=can,
        given=given,
        stage=_stage_label(root, given.get("field", ""), given.get("stage", "")),
        error=error,
    )


def _stage_label(root: ObjectModel, field: str, stage: str) -> str:
    found = root.fields.get(field)
    options = found.doc.get("options", ()) if found is not None else ()
    option = next((o for o in options if o["name"] == stage), None)
    return "" if option is None else text_of(option.get("label"), language().code, stage)


@needs_person
def submit(name: str, record: str) -> Response:
    """Submit the record."""
    root, form = object_model(name), request.form
    number = number_of(record, name)
    move = (form["field"], form["stage"]) if form.get("field") and form.get("stage") else None
    try:
        write(
            lambda tx: submitting.submit(
                tx, name, [number], form.get("approval", ""), comment=form.get("comment"), move=move
            )
        )
    except RecordsInvalid as refused:
        return _submit_page(root, record, form, " ".join(texts_of(refused.errors[0]).values()))
    except TrellisError as refused:
        return _submit_page(root, record, form, refused.message)
    return go(f"/o/{name}/{record}", _("Submitted for approval"))


def submission_instead(root: ObjectModel, record: str, field: str, stage: str, errors: Mapping[str, Any]) -> str | None:
    """Return the page on which a record is submitted that may not move without an approval; None if something else is wrong."""
    codes = {e.get("code") for found in errors.values() for e in found if isinstance(e, Mapping)}
    if codes != {"approval_needed"}:
        return None
    names = {
        s.get("approval")
        for d in g.model.snapshot.of_kind("pipeline").values()
        if d["object"] == root.name and d["field"] == field
        for s in d["stages"]
        if s["name"] == stage and "approval" in s
    }
    query = urlencode({"approval": next(iter(sorted(names)), ""), "field": field, "stage": stage})
    return f"/o/{root.name}/{record}/submit?{query}"
