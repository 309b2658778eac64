"""``trellis template``: what templates of mails and documents give for a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trellis.cli.state import State, existing, pass_state
from trellis.record_id import parse_id
from trellis.rules.reader import Onlooker
from trellis.templates.rendering import preview, template_of


@click.group("template")
def command() -> None:
    """Texts of mails and documents."""


@command.command("preview")
@click.argument("template")
@click.argument("record")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--html", "as_html", is_flag=True, help="Show the HTML instead of the plain text.")
@pass_state
def show_preview(state: State, template: str, record: str, language: str, as_html: bool) -> None:
    """Show what TEMPLATE (a name, or a file that is not published yet) gives for RECORD. Nothing is sent."""
    with state.tenant.database.reading() as connection:
        model = state.tenant.model_in(connection)
        document = _document(state, template) or template_of(model, template).document
        number = parse_id(record, [str(document["object"])])[1]
        reader = Onlooker(state.tenant, connection, model, state.principal, state.tenant.clock.now())
        found = preview(reader, document, number, language)
    state.answer(
        {"subject": found.subject, "html": found.html, "text": found.text},
        f"{found.subject}\n\n{found.html if as_html else found.text}",
    )


def _document(state: State, template: str) -> Mapping[str, Any] | None:
    """Return the document of a file, judged as if it were published; None for a name."""
    if not template.endswith(".json"):
        return None
    given = json.loads(existing(Path(template)).read_text("utf-8"))
    snapshot = state.tenant.publisher.check([given])
    return snapshot.get("template", str(given["name"]))
