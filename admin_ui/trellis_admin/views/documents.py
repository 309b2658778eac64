"""Setup: every document of the metadata as JSON, to be read and edited as it stands in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.json_text import BadJson, parse_json
from trellis_admin.i18n import language
from trellis_admin.kind_words import kind_words
from trellis_admin.page import render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import review
from trellis_metadata.files import text_of
from trellis_metadata.labels import text_of as label_of

HOME = "/setup/documents"
MAX_CHARACTERS = 5_000_000


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "data",
        30,
        _("Documents"),
        "/setup/documents",
        "braces",
        _("Everything that describes your organisation, as JSON."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "documents", documents)
    blueprint.add_url_rule(HOME, "save_documents", save, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/new", "new_document", new)
    blueprint.add_url_rule(f"{HOME}/<kind>/<name>", "document", document)


@needs_admin
def documents() -> Response:
    """All documents by kind."""
    groups: dict[str, list[dict[str, str]]] = {}
    for found in g.model.snapshot:
        label = label_of(found.get("label"), language().code, found["name"])
        groups.setdefault(found["kind"], []).append({"name": found["name"], "label": label})
    return render("pages/setup_documents.html", groups=groups, kinds=kind_words())


@needs_admin
def document(kind: str, name: str) -> Response:
    """One document as JSON."""
    found = g.model.snapshot.get(kind, name)
    if found is None:
        raise NotFound
    return _editor(text_of(found), title=f"{kind}/{name}", address=f"{HOME}/{kind}/{name}")


@needs_admin
def new() -> Response:
    """A document with the keys that its kind (``?kind=``, else an object) must have, to be filled in."""
    kind = request.args.get("kind", "object")
    return _editor(_skeleton(kind if kind in g.tenant.language.kinds() else "object"))


def _skeleton(kind: str) -> str:
    schema: Any = g.tenant.language.schema(kind)
    blank: dict[str, Any] = {"array": [], "object": {}}
    wanted = ["kind", "name", "label", *schema["required"]]
    made = {key: blank.get(str(schema["properties"][key].get("type")), "") for key in wanted}
    return text_of({**made, "kind": kind})


def _editor(
    text: str, errors: Sequence[str] = (), status: int = 200, *, title: str = "", address: str = ""
) -> Response:
    return render(
        "pages/setup_document.html",
        status,
        text=text,
        errors=errors,
        title=title or _("New document"),
        address=address or f"{HOME}/new",
        kinds=g.tenant.language.kinds(),
    )


@needs_admin
def save() -> Response:
    """Keep the document, or the list of documents, as a draft and show what publishing it would do."""
    text = request.form.get("text", "")
    title, address = request.form.get("title", "")[:120], request.form.get("address", "")
    address = address if address.startswith(f"{HOME}/") else f"{HOME}/new"

    def refused(problems: Sequence[str]) -> Response:
        return _editor(text[:MAX_CHARACTERS], problems, 422, title=title, address=address)

    if len(text) > MAX_CHARACTERS:
        return refused([_("The text is too long. Use the command line for so many documents.")])
    try:
        found: Any = parse_json(text.encode())
    except (BadJson, UnicodeEncodeError) as problem:
        return refused([_("This is not JSON: %(problem)s", problem=str(problem))])
    listed = found if isinstance(found, list) else [found]
    if len(listed) == 1 and isinstance(listed[0], dict):
        place = f"{HOME}/{listed[0].get('kind')}/{listed[0].get('name')}"
    else:
        place = HOME
    return review(listed, place, refused)
