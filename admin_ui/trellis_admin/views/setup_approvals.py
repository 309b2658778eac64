"""Setup: approvals as cards of steps, tried on a record before they are published. A change is reviewed like any change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.approvals.previewing import try_on
from trellis.publishing.publisher import InvalidMetadata
from trellis.query import Query, Sort
from trellis.record_id import parse_id
from trellis_admin.approving import modes, onlooker
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.reading import run
from trellis_admin.session import needs_admin
from trellis_admin.setup_approvals import CHOICES, document_of, rearranged, rule_row
from trellis_admin.setup_documents import api_name, label
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import review, step
from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of
from trellis_metadata.named_people import WAYS

HOME = "/setup/approvals"
TRIED = 30
"""Records that can be chosen for a trial: the last ones."""


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "process", 20, _("Approvals"), "/setup/approvals", "circle-check", _("Who must agree before something goes on.")
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "setup_approvals", approvals)
    blueprint.add_url_rule(f"{HOME}/new", "setup_approval_form", new)
    blueprint.add_url_rule(f"{HOME}/new", "draft_approval", draft, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>", "setup_approval", show)
    blueprint.add_url_rule(f"{HOME}/<name>", "change_approval", change, methods=["POST"])


def _document(name: str) -> Mapping[str, Any]:
    found = g.model.snapshot.get("approval", name)
    if found is None:
        raise NotFound
    return found


@needs_admin
def approvals() -> Response:
    """All approvals."""
    code = language().code
    found = [
        {
            "name": n,
            "label": text_of(d.get("label"), code, n),
            "object": text_of((g.model.display.get("object", d["object"]) or {}).get("label"), code, d["object"]),
            "steps": len(d["steps"]),
        }
        for n, d in g.model.snapshot.of_kind("approval").items()
    ]
    return render("pages/setup_approvals.html", approvals=sorted(found, key=lambda a: a["label"]))


@needs_admin
def new() -> Response:
    """The form of a new approval."""
    return _new_form({}, [])


def _new_form(form: Mapping[str, Any], errors: Sequence[str], status: int = 200) -> Response:
    code = language().code
    objects = [(n, text_of(d.get("label"), code, n)) for n, d in g.model.display.of_kind("object").items()]
    return step("parts/setup_approval_form.html", _("New approval"), status, form=form, errors=errors, objects=objects)


@needs_admin
def draft() -> Response:
    """Make the document: one step that asks the owner's manager, to be changed in the builder."""
    form = {k: v.strip() for k, v in request.form.items()}
    if not form.get("label") or not form.get("object"):
        return _new_form(form, [_("Give the approval a label and an object.")], 422)
    document = {
        "kind": "approval",
        "name": form.get("name") or api_name(form["label"]),
        "label": label(form["label"], form.get("label_zh", "")),
        "object": form["object"],
        "lock": {},
        "steps": [
            {
                "name": "manager",
                "label": {"en": "Manager", "zh": "上级"},
                "approvers": [{"manager_of": "owner"}],
            }
        ],
    }
    if g.model.snapshot.get("approval", document["name"]):
        return _new_form(form, [_("An approval called “%(name)s” exists already.", name=document["name"])], 422)
    return review([document], f"{HOME}/{document['name']}", lambda problems: _new_form(form, problems, 422))


@needs_admin
def show(name: str) -> Response:
    """The builder."""
    return _page(_document(name))


@needs_admin
def change(name: str) -> Response:
    """Rearrange the steps, try the approval on a record, or show what publishing it would do."""
    stored, action = _document(name), request.form.get("do", "review")
    if action == "remove_approval":
        return review([], HOME, lambda problems: _page(stored, problems, 422), removed=[("approval", name)])
    document = document_of(request.form, stored)
    if action == "try":
        return _page(document, trial=_tried(document))
    if action != "review":
        return _page(rearranged(document, action), more=action)
    found = _findings(document)
    if any(d.severity is Severity.ERROR for d in found):
        return _page(document, status=422)
    notices = [f"{d.message} {d.remedy}".strip() for d in found]
    try:
        return review([document], f"{HOME}/{name}", lambda problems: _page(document, problems, 422), notices=notices)
    except InvalidMetadata as error:
        return _page(document, [d.message for d in error.diagnostics], 422)


def _findings(document: Mapping[str, Any]) -> list[Diagnostic]:
    place = f"approval/{document['name']}"
    _snapshot, found = g.tenant.language.check([document], g.model.snapshot)
    return [d for d in found if d.document == place]


def _tried(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return who would be asked for the chosen record, or why that cannot be told."""
    if any(d.severity is Severity.ERROR for d in _findings(document)):
        return {"error": _("Correct the approval first.")}
    try:
        record = parse_id(request.form.get("record", ""), [document["object"]])[1]
        sent = request.form.get("who_submits")
        submitter = parse_id(sent, ["user"])[1] if sent else None
        with g.tenant.database.reading() as connection:
            return try_on(onlooker(connection), document, record, submitter=submitter)
    except TrellisError as problem:
        return {"error": problem.message}


def _page(
    document: Mapping[str, Any],
    errors: Sequence[str] = (),
    status: int = 200,
    *,
    trial: Mapping[str, Any] | None = None,
    more: str = "",
) -> Response:
    code, found = language().code, _findings(document)
    texts = document.get("label")
    root = g.model.object(document["object"])
    return render(
        "pages/setup_approval.html",
        status,
        doc=document,
        title=text_of(texts, code, document["name"]),
        written=texts if isinstance(texts, Mapping) else {"en": texts or ""},
        object_label=root.label(code),
        fields=[(f.name, f.label(code)) for f in root.fields.values()],
        steps=[_step(s, i, found, more) for i, s in enumerate(document["steps"])],
        groups=[(n, text_of(d.get("label"), code, n)) for n, d in g.model.display.of_kind("group").items()],
        ways=_ways(),
        words=_words(),
        errors=errors,
        problems=[(d.severity.value, _said(d)) for d in found if not d.pointer.startswith("/steps/")],
        records=_records(document["object"], root.name_field),
        people=_people(),
        trial=trial,
        given=request.form,
    )


def _said(found: Diagnostic) -> str:
    return f"{found.message} {found.remedy}".strip()


def _step(document: Mapping[str, Any], index: int, found: Sequence[Diagnostic], more: str) -> dict[str, Any]:
    texts = document.get("label")
    rows = [rule_row(r) for r in document.get("approvers", ())]
    blank = {"way": "role", "value": "", "detail": ""}
    if not rows or more == f"approver:{index}":
        rows.append(blank)
    mine = [d for d in found if d.pointer == f"/steps/{index}" or d.pointer.startswith(f"/steps/{index}/")]
    return {
        "doc": document,
        "label": text_of(texts, language().code, document["name"]),
        "written": texts if isinstance(texts, Mapping) else {"en": texts or ""},
        "rows": rows,
        "deadline": document.get("deadline", {}),
        "problems": [(d.severity.value, _said(d)) for d in mine],
    }


def _ways() -> list[tuple[str, str, str]]:
    """Return the ways to name people with what their value and their detail mean."""
    words = {
        "role": (_("Role"), _("Within the owner's unit of this tree")),
        "group": (_("Group"), _("Within the owner's unit of this tree")),
        "manager_of": (_("Manager of"), _("Levels up")),
        "head_of": (_("Head of unit"), _("Levels up, or whose unit")),
        "field": (_("Person in field"), ""),
        "users": (_("Logins"), ""),
        "formula": (_("Formula"), _("What it names: user, role, group, unit")),
    }
    return [
        (w, *words[w]) for w in ("role", "group", "manager_of", "head_of", "field", "users", "formula") if w in WAYS
    ]


def _words() -> dict[str, list[tuple[str, str]]]:
    texts = {
        "decide": modes(),
        "nobody": {"refuse": _("Refuse the submission"), "skip": _("Pass the step over")},
        "comment": {"optional": _("Optional"), "on_reject": _("On rejection"), "always": _("Always")},
        "then": {"remind": _("Remind"), "escalate": _("Pass it on"), "reject": _("Reject")},
    }
    return {key: [(v, texts[key][v]) for v in values] for key, values in CHOICES.items()}


def _records(object_name: str, name_field: str | None) -> list[tuple[str, str]]:
    fields = ("id", name_field) if name_field else ("id",)
    page = run(Query(object_name, fields=fields, sort=(Sort("modified_at", descending=True),), limit=TRIED))
    return [(row["id"], str((name_field and row[name_field]) or row["id"])) for row in page.rows]


def _people() -> list[tuple[str, str]]:
    page = run(Query("user", fields=("id", "name"), sort=(Sort("name"),), limit=200))
    return [(row["id"], row["name"]) for row in page.rows]
