"""Setup: scripts with their source, errors as one types, test runs and history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis import plugins
from trellis.hookspecs import ScriptWorkbench
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import review
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of as label_of

HOME = "/setup/scripts"
MAX_SOURCE = 70_000


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "process",
        40,
        _("Scripts"),
        "/setup/scripts",
        "code",
        _("Small programs for what rules cannot say, run in a sandbox."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "setup_scripts", scripts)
    blueprint.add_url_rule(f"{HOME}/check", "check_script", check, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>", "setup_script", script)
    blueprint.add_url_rule(f"{HOME}/<name>", "save_script", save, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>/words.json", "script_words", words)
    blueprint.add_url_rule(f"{HOME}/<name>/try", "try_script", trial, methods=["POST"])


@needs_admin
def scripts() -> Response:
    """All scripts."""
    found = [_shown(d) for d in g.model.snapshot.of_kind("script").values()]
    return render("pages/setup_scripts.html", scripts=sorted(found, key=lambda s: s["label"]))


@needs_admin
def script(name: str) -> Response:
    """One script with its last runs."""
    return _page(_document(name))


@needs_admin
def save(name: str) -> Response:
    """Keep the changed source as a draft and show what publishing it would do."""
    document = {**_document(name), "source": _source()}
    return review([document], f"{HOME}/{name}", lambda problems: _page(document, problems, 422))


@needs_admin
def check() -> Response:
    """Compile the source in the sandbox and list what is wrong, with lines."""
    return render("parts/script_check.html", problems=_workbench().check(_source()))


@needs_admin
def words(name: str) -> Response:
    """What can stand at the cursor of the source."""
    word = request.args.get("word", "")[:200]
    return jsonify(_workbench().words(_document(name), word, language().code))


@needs_admin
def trial(name: str) -> Response:
    """Run the source as it stands in the editor against a record, and keep nothing."""
    document = {**_document(name), "source": _source()}
    try:
        found = _workbench().try_on(g.person, document, request.form.get("record", "").strip()[:100])
    except TrellisError as problem:
        return render("parts/script_trial.html", problem=problem.message, found=None)
    return render("parts/script_trial.html", problem=None, found=found)


def _page(document: Any, errors: Any = (), status: int = 200) -> Response:
    runs = _workbench().runs(document["name"])
    return render("pages/setup_script.html", status, script=_shown(document), errors=errors, runs=runs)


def _shown(document: Any) -> dict[str, Any]:
    return {
        "name": document["name"],
        "label": label_of(document.get("label"), language().code, document["name"]),
        "object": document.get("object"),
        "events": ", ".join(document["events"]),
        "active": document.get("active", True),
        "source": document["source"],
    }


def _document(name: str) -> dict[str, Any]:
    found = g.model.snapshot.get("script", name)
    if found is None:
        raise NotFound
    return dict(found)


def _source() -> str:
    return request.form.get("source", "")[:MAX_SOURCE].replace("\r\n", "\n")


def _workbench() -> ScriptWorkbench:
    found: ScriptWorkbench | None = plugins.manager().hook.trellis_script_workbench(tenant=g.tenant)
    if found is None:
        raise NotFound(_("The plug-in for scripts is not installed."))
    return found
