"""``trellis metadata``: a folder of JSON documents and the metadata of a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from trellis.cli.drafts import drafts
from trellis.cli.failures import diagnostic_line
from trellis.cli.promotion import compare, promote
from trellis.cli.state import State, existing, pass_state
from trellis.publishing.publisher import InvalidMetadata, StalePlan, TenantPlan
from trellis.tenant import Tenant
from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.errors import TrellisError
from trellis_metadata.files import read_folder, text_of, write_folder
from trellis_metadata.snapshot import Key, Snapshot

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_RENAME = click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD=NEW",
    help="An object or field has a new name: deal=opportunity, deal.amount=value. Repeat for several.",
)
_REPLACE = click.option("--replace-all", is_flag=True, help="The folder is everything: what is not in it is removed.")
_COLOURS = {"safe": "green", "caution": "yellow", "destructive": "bold red"}


class BadRename(TrellisError):
    """The answer to a rename question is not well formed."""

    code = "bad_rename"


@click.group("metadata")
def command() -> None:
    """Read, check and change the metadata of a tenant."""


command.add_command(drafts)
command.add_command(compare)
command.add_command(promote)


def read_documents(folder: Path) -> list[Any]:
    """Return the documents of a folder. Raises :class:`InvalidMetadata` for files that are no JSON documents."""
    documents, diagnostics = read_folder(existing(folder, folder=True))
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    if errors:
        raise InvalidMetadata(errors)
    return documents


def read_renames(given: Sequence[str]) -> list[tuple[str, str, tuple[str, ...], str]]:
    """Return the answers about renames that options gave. Raises :class:`BadRename`."""
    found: list[tuple[str, str, tuple[str, ...], str]] = []
    for text in given:
        old, equals, new = text.partition("=")
        name, _, field = old.partition(".")
        if not equals or not name or not new or "." in new:
            raise BadRename(f"'{text[:100]}' is no rename. Write object=new_name or object.field=new_name.")
        found.append(("object", name, ("fields", field) if field else (), new))
    return found


def _plan(state: State, folder: Path, renames: Sequence[str], replace_all: bool) -> TenantPlan:
    return state.tenant.publisher.plan_documents(
        read_documents(folder), renames=read_renames(renames), replace_all=replace_all
    )


def show_plan(plan: TenantPlan, console: Console) -> None:
    """Write a plan: one line per operation, then what it means for the records."""
    for op in plan.plan.operations:
        colour = _COLOURS[op.danger.value]
        console.print(f"  [{colour}]{op.danger.value:<11}[/] {escape(op.describe('en'))}")
    for finding in plan.findings:
        found = finding.to_json("en")
        console.print(f"  [{'bold red' if finding.destructive else 'yellow'}]records    [/] {escape(found['message'])}")
    if not plan.plan.operations:
        console.print("No changes.")
    else:
        console.print(f"{len(plan.plan.operations)} operation(s). Plan {plan.hash}")


@command.command("pull")
@_FOLDER
@click.option("--prune", is_flag=True, help="Remove files of documents that the tenant does not have.")
@pass_state
def pull(state: State, folder: Path, prune: bool) -> None:
    """Write the tenant's metadata to FOLDER, one file per document."""
    model = state.tenant.model()
    core = {(d["kind"], d["name"]): d for d in state.tenant.core_snapshot()}
    own = Snapshot({k: d for k, d in model.snapshot.documents.items() if core.get(k) != d})
    written = write_folder(own, folder, prune=prune)
    state.answer(
        {
            "folder": str(folder),
            "version": model.version,
            "hash": model.snapshot.hash,
            "files": [f.relative_to(folder).as_posix() for f in written],
        },
        f"{len(written)} document(s) of version {model.version} in {folder}.",
    )


@command.command("validate")
@_FOLDER
@_REPLACE
@pass_state
def validate(state: State, folder: Path, replace_all: bool) -> None:
    """Check the documents in FOLDER, together with the tenant's; report everything at once."""
    documents, found = read_folder(existing(folder, folder=True))
    base = state.tenant.core_snapshot() if replace_all else state.tenant.model().snapshot
    _, more = state.tenant.language.check(documents, base)
    diagnostics: list[Diagnostic] = [*found, *more]
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)

    def show(console: Console) -> None:
        for d in diagnostics:
            console.print(escape(diagnostic_line(d.to_json())))
        console.print(f"{len(documents)} document(s), {errors} error(s), {len(diagnostics) - errors} warning(s).")

    state.answer(
        {"valid": not errors, "documents": len(documents), "diagnostics": [d.to_json() for d in diagnostics]}, show
    )
    if errors:
        raise click.exceptions.Exit(1)


@command.command("plan")
@_FOLDER
@_RENAME
@_REPLACE
@pass_state
def plan(state: State, folder: Path, renames: tuple[str, ...], replace_all: bool) -> None:
    """Show what applying FOLDER would change, and what that means for the records."""
    made = _plan(state, folder, renames, replace_all)
    state.answer(made.to_json(), lambda console: show_plan(made, console))


@command.command("apply")
@_FOLDER
@_RENAME
@_REPLACE
@click.option("--yes", is_flag=True, help="Do not ask; a destructive plan too.")
@click.option("--confirm", metavar="HASH", help="Apply only the plan with this hash, as 'plan' showed it.")
@click.option("--note", default="", help="A note for the log.")
@pass_state
def apply(
    state: State, folder: Path, renames: tuple[str, ...], replace_all: bool, yes: bool, confirm: str | None, note: str
) -> None:
    """Make the documents in FOLDER the tenant's metadata."""
    made = _plan(state, folder, renames, replace_all)
    apply_plan(state, state.tenant, made, yes=yes, confirm=confirm, note=note)


@command.command("undo")
@click.option("--version", type=int, help="The version to undo; only the newest can be.")
@click.option("--yes", is_flag=True, help="Do not ask; a destructive plan too.")
@click.option("--confirm", metavar="HASH", help="Apply only the plan with this hash.")
@pass_state
def undo(state: State, version: int | None, yes: bool, confirm: str | None) -> None:
    """Take the newest version back."""
    made = state.tenant.publisher.plan_undo(version)
    apply_plan(state, state.tenant, made, yes=yes, confirm=confirm, note="undo")


def confirm_plan(state: State, made: TenantPlan, *, yes: bool, confirm: str | None, always_ask: bool = False) -> None:
    """Show the plan, and get it confirmed where it must be. Raises :class:`StalePlan` for the hash of another one."""
    if not state.json:
        show_plan(made, state.out)
    if confirm is not None and confirm != made.hash:
        raise StalePlan(
            "This is not the plan that you confirmed: something changed since. Look at the new one.", hash=made.hash
        )
    if confirm is None and made.plan.operations and (made.destructive or always_ask):
        why = "The plan destroys data. Apply it?" if made.destructive else "Apply this plan?"
        state.confirm(f"{why} (--confirm {made.hash})", yes=yes)


def apply_plan(
    state: State,
    tenant: Tenant,
    made: TenantPlan,
    *,
    yes: bool,
    confirm: str | None,
    note: str,
    always_ask: bool = False,
) -> None:
    """Show the plan, get it confirmed where it must be, and apply it to ``tenant``."""
    confirm_plan(state, made, yes=yes, confirm=confirm, always_ask=always_ask)
    with Progress(console=state.err, disable=state.json, transient=True) as bar:
        task = bar.add_task("Converting records", total=None, visible=False)
        number = tenant.publisher.apply(
            made,
            confirm=made.hash,
            author=state.principal.user if state.login and tenant is state.tenant else None,
            note=note,
            progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )
    said = f"Version {number}." if made.plan.operations else f"Still version {number}."
    state.answer({"version": number, "hash": tenant.model().snapshot.hash, "plan": made.to_json()}, said)


@command.command("resume")
@pass_state
def resume(state: State) -> None:
    """Continue a change that was interrupted while it converted records."""
    number = state.tenant.publisher.resume()
    state.answer({"version": number}, f"Version {number}.")


@command.command("abandon")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def abandon(state: State, yes: bool) -> None:
    """Give up a change that was interrupted while it converted records; the old version stays."""
    state.confirm("Give the running change up?", yes=yes)
    state.tenant.publisher.abandon()
    state.answer({"abandoned": True}, "The old version stays.")


@command.command("log")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@pass_state
def log(state: State, limit: int) -> None:
    """List the versions, newest first."""
    versions = state.tenant.publisher.log(limit)

    def show(console: Console) -> None:
        for v in versions:
            undoes = f" (undoes {v['undoes']})" if v["undoes"] else ""
            console.print(
                f"{v['number']:>5}  {v['created_at']:%Y-%m-%d %H:%M}  {v['hash'][:12]}  "
                f"{len(v['operations'])} operation(s)  {escape(v['note'])}{undoes}"
            )

    state.answer([{**v, "created_at": v["created_at"].isoformat()} for v in versions], show)


@command.command("diff")
@_FOLDER
@pass_state
def diff(state: State, folder: Path) -> None:
    """Show which documents in FOLDER differ from the tenant's, line by line. Nothing needs to be valid."""
    import difflib

    snapshot = state.tenant.model().snapshot
    changes = []
    for document in read_documents(folder):
        if not isinstance(document, dict):
            continue
        key: Key = (str(document.get("kind")), str(document.get("name")))
        stored = snapshot.get(*key)
        before, after = ("" if stored is None else text_of(stored)), text_of(document)
        if before != after:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "tenant", "folder", lineterm="", n=2)
            changes.append(
                {
                    "kind": key[0],
                    "name": key[1],
                    "change": "added" if stored is None else "changed",
                    "diff": "\n".join(lines),
                }
            )

    def show(console: Console) -> None:
        for change in changes:
            console.print(
                f"[bold]{change['change']} {escape(change['kind'])} {escape(change['name'])}[/]\n{escape(change['diff'])}"
            )
        console.print(f"{len(changes)} document(s) differ.")

    state.answer(changes, show)
