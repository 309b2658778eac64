"""``trellis metadata draft``: change sets that are kept until they are published. A part of the group ``metadata``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.state import State, pass_state
from trellis.publishing.drafts import Draft, DraftConflict, Drafts, conflict_json


@click.group("draft")
def drafts() -> None:
    """Keep a change of the metadata without publishing it."""


def _said(kept: Drafts, draft: Draft) -> dict[str, Any]:
    return {**draft.to_json(), "outdated": kept.is_outdated(draft)}


def _line(draft: dict[str, Any]) -> str:
    label = f"  {draft['label']}" if draft["label"] else ""
    old = "  (outdated: rebase it)" if draft["outdated"] else ""
    return f"{draft['name']}: {len(draft['documents'])} document(s), {len(draft['removed'])} removed.{label}{old}"


@drafts.command("list")
@pass_state
def list_(state: State) -> None:
    """List the drafts, last changed first."""
    kept = Drafts(state.tenant)
    found = [_said(kept, d) for d in kept.list()]
    state.answer(found, "\n".join(map(_line, found)) or "No drafts.")


@drafts.command("create")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="API name; given if left out.")
@click.option("--label", default="", help="What people call it.")
@click.option("--note", default="", help="A note for the log, kept until it is published.")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="As in 'apply'.")
@pass_state
def create(state: State, folder: Path, name: str | None, label: str, note: str, renames: tuple[str, ...]) -> None:
    """Keep the documents in FOLDER as a draft. They may still be wrong."""
    from trellis.cli.metadata import read_documents, read_renames

    kept = Drafts(state.tenant)
    changed = _changed(state, read_documents(folder))
    made = kept.create(
        changed, name=name, label=label, note=note, renames=read_renames(renames), author=state.principal.user
    )
    said = _said(kept, made)
    state.answer(said, _line(said))


def _changed(state: State, documents: list[Any]) -> list[Any]:
    """Leave out what the tenant has word for word: a draft holds what changes."""
    snapshot = state.tenant.model().snapshot
    return [
        d for d in documents if not isinstance(d, dict) or snapshot.get(str(d.get("kind")), str(d.get("name"))) != d
    ]


@drafts.command("show")
@click.argument("name")
@pass_state
def show(state: State, name: str) -> None:
    """Write a draft as JSON."""
    kept = Drafts(state.tenant)
    state.json = True
    state.answer(_said(kept, kept.get(name)), "")


@drafts.command("plan")
@click.argument("name")
@pass_state
def plan(state: State, name: str) -> None:
    """Show what publishing the draft would change, and what that means for the records."""
    from trellis.cli.metadata import show_plan

    made = Drafts(state.tenant).plan(name)
    state.answer(made.to_json(), lambda console: show_plan(made, console))


@drafts.command("publish")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask; a destructive plan too.")
@click.option("--confirm", metavar="HASH", help="Publish only the plan with this hash, as 'plan' showed it.")
@pass_state
def publish(state: State, name: str, yes: bool, confirm: str | None) -> None:
    """Publish the draft and discard it."""
    from trellis.cli.metadata import confirm_plan

    kept = Drafts(state.tenant)
    made = kept.plan(name)
    confirm_plan(state, made, yes=yes, confirm=confirm)
    number, made = kept.publish(name, confirm=made.hash, author=state.principal.user)
    state.answer(
        {"version": number, "hash": state.tenant.model().snapshot.hash, "plan": made.to_json()}, f"Version {number}."
    )


@drafts.command("rebase")
@click.argument("name")
@click.option("--choose", "choices", multiple=True, metavar="KEY=draft|published", help="Answer to a conflict.")
@pass_state
def rebase(state: State, name: str, choices: tuple[str, ...]) -> None:
    """Bring the draft up to what was published since it was made; list what both changed differently."""
    kept = Drafts(state.tenant)
    try:
        rebased, merged = kept.rebase(name, dict(c.partition("=")[::2] for c in choices))
    except DraftConflict as problem:
        if not state.json:
            _show_conflicts(problem, state.err)
        raise
    said = {"draft": _said(kept, rebased), "conflicts": [conflict_json(o) for o in merged.conflicts]}
    state.answer(said, f"Rebased. {_line(said['draft'])}")  # type: ignore[arg-type]


def _show_conflicts(problem: DraftConflict, console: Console) -> None:
    conflicts: Any = problem.details["conflicts"]
    for conflict in conflicts:
        console.print(f"[bold]{escape(conflict['element'])}[/]  {conflict['key']}")
        for side in ("draft", "published"):
            if side in conflict:
                console.print(f"  {side:<10} {escape(str(conflict[side]))}")
        console.print(f"  recommended: {conflict['recommended']}")


@drafts.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def delete(state: State, name: str, yes: bool) -> None:
    """Discard a draft."""
    kept = Drafts(state.tenant)
    kept.get(name)
    state.confirm(f"Discard draft '{name}'?", yes=yes)
    kept.delete(name)
    state.answer({"deleted": name}, f"Draft '{name}' is gone.")
