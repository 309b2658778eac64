"""Setup: drafts. Every change is kept as a draft while it is reviewed; from there it is published, kept or discarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.publishing.drafts import BadDraft, Draft, DraftConflict, Drafts, UnknownDraft
from trellis.publishing.publisher import InvalidMetadata, StalePlan, TenantPlan
from trellis_admin.i18n import language
from trellis_admin.page import go, render, wants_fragment
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage, setup_groups
from trellis_metadata.errors import TrellisError

HOME = "/setup/drafts"


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "data", 50, _("Drafts"), "/setup/drafts", "pencil", _("Changes that somebody began and nobody has published.")
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/drafts", "drafts", drafts)
    blueprint.add_url_rule("/setup/drafts/<name>", "draft", draft)
    blueprint.add_url_rule("/setup/drafts/<name>/rebase", "rebase_draft", rebase, methods=["POST"])
    blueprint.add_url_rule("/setup/drafts/<name>/discard", "discard_draft", discard, methods=["POST"])
    blueprint.add_url_rule("/setup/publish", "publish", publish, methods=["POST"])


def review(
    documents: Sequence[Mapping[str, Any]],
    back: str,
    refused: Callable[[list[str]], Response],
    label: str = "",
    *,
    removed: Sequence[tuple[str, str]] = (),
    notices: Sequence[str] = (),
) -> Response:
    """Keep a change as a draft and show what publishing it would do; ``refused`` answers with the problems of a wrong one.

    ``removed`` are kind and name of documents to remove; ``notices`` are warnings to show beside the plan.
    """
    try:
        plan = g.tenant.publisher.plan_documents(documents, removed=list(removed))
        said = plan.plan.describe(language().code)
        made = Drafts(g.tenant).create(
            documents, label=(label or (said[0] if said else ""))[:120], author=g.person.user, removed=list(removed)
        )
    except InvalidMetadata as error:
        return refused(problems_of(error))
    except BadDraft as error:
        return refused([error.message])
    return _plan_page(plan, made, back, notices=notices)


def problems_of(error: InvalidMetadata) -> list[str]:
    """Return one line per problem: where, what, and what to do."""
    return [" ".join(filter(None, (d.document, d.pointer, d.message, d.remedy))) for d in error.diagnostics]


def _plan_page(
    plan: TenantPlan, made: Draft, back: str, errors: Sequence[str] = (), notices: Sequence[str] = ()
) -> Response:
    said = plan.to_json(language().code)
    return step(
        "parts/setup_plan.html", _("Review"), plan=said, draft=made, back=safe(back), errors=errors, notices=notices
    )


@needs_admin
def drafts() -> Response:
    """All drafts."""
    kept = Drafts(g.tenant)
    found = [
        {
            "name": d.name,
            "label": d.label or d.name,
            "count": len(d.documents) + len(d.removed),
            "when": relative(d.changed_at, context()),
            "outdated": kept.is_outdated(d),
        }
        for d in kept.list()
    ]
    return render("pages/setup_drafts.html", drafts=found)


@needs_admin
def draft(name: str) -> Response:
    """What publishing a draft would do, or why it cannot be published as it is."""
    made = _draft(name)
    try:
        return _plan_page(Drafts(g.tenant).plan(name), made, HOME)
    except StalePlan:
        return _outdated(made)
    except InvalidMetadata as error:
        return _wrong(made, problems_of(error))


def _outdated(made: Draft, conflicts: Sequence[Mapping[str, Any]] = (), status: int = 200) -> Response:
    return step("parts/setup_draft_outdated.html", made.label or made.name, status, draft=made, conflicts=conflicts)


def _wrong(made: Draft, problems: Sequence[str]) -> Response:
    return step("parts/setup_draft_wrong.html", made.label or made.name, 422, draft=made, errors=problems)


@needs_admin
def rebase(name: str) -> Response:
    """Merge a draft with what was published meanwhile; ask about what both changed differently."""
    made = _draft(name)
    choices = {k.removeprefix("choice-"): v for k, v in request.form.items() if k.startswith("choice-")}
    try:
        Drafts(g.tenant).rebase(name, choices)
    except DraftConflict as error:
        found: Any = error.details["conflicts"]
        return _outdated(made, found, 409)
    except InvalidMetadata as error:
        return _wrong(made, problems_of(error))
    return go(f"{HOME}/{name}", _("The draft is up to date"))


@needs_admin
def discard(name: str) -> Response:
    """Discard a draft."""
    _draft(name)
    Drafts(g.tenant).delete(name)
    return go(safe(request.form.get("back", HOME)), _("Discarded"))


@needs_admin
def publish() -> Response:
    """Publish a draft. The plan is made again and must be the one that was shown."""
    made, back = _draft(request.form.get("draft", "")), request.form.get("back", HOME)
    kept = Drafts(g.tenant)
    try:
        kept.publish(
            made.name,
            confirm=request.form.get("hash", ""),
            author=g.person.user,
            note=request.form.get("note") or None,
        )
    except StalePlan:
        return draft(made.name)
    except InvalidMetadata as error:
        return _wrong(made, problems_of(error))
    except TrellisError as error:
        return _plan_page(kept.plan(made.name), made, back, [error.message])
    return go(safe(back), _("Published"), undo={"url": "/setup/undo"})


def _draft(name: str) -> Draft:
    try:
        return Drafts(g.tenant).get(name)
    except UnknownDraft:
        raise NotFound from None


def safe(address: str) -> str:
    """Return the address of a setup page; anything else that a form sends leads to the objects."""
    return address if address.startswith("/setup/") else "/setup/objects"


def step(template: str, title: str, status: int = 200, **values: Any) -> Response:
    """Show a step in the drawer, or as a page of its own without scripts."""
    page = "parts/setup_drawer.html" if wants_fragment() else "pages/setup_step.html"
    pages = (p for group in setup_groups() for p in group.pages)
    above = next((p for p in pages if request.path.startswith(f"{p.url}/")), None)
    return render(page, status, step=template, title=title, above=above, **values)
