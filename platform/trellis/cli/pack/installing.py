"""Packs in a tenant: list, install, upgrade, uninstall, diff, resume."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.pack.arguments import (
    BROKEN,
    CONFIRM,
    NO_CASES,
    OPTION,
    PACK,
    PART,
    UNSIGNED,
    YES,
    answers,
    choices_of,
    source_of,
)
from trellis.cli.pack.showing import show_pack_plan, show_rehearsal
from trellis.cli.state import State, pass_state
from trellis.packs.pack_plan import PackPlan
from trellis.packs.source import PackSource
from trellis_metadata.errors import TrellisError


@click.command("list")
@pass_state
def list_packs(state: State) -> None:
    """List the packs that are installed, and those that could be."""
    from trellis.packs.gallery import gallery

    entries = gallery(state.tenant)

    def show(console: Console) -> None:
        for e in entries:
            mark = f"installed {e['installed']}" if e["installed"] else "available"
            newer = f", {e['available']} is available" if e["upgrade"] else ""
            console.print(f"{e['name']:<20} {mark}{newer}  {escape(e['label'])}")

    state.answer(entries, show)


@click.command("install")
@PACK
@OPTION
@PART
@UNSIGNED
@NO_CASES
@BROKEN
@click.option(
    "--with-required", is_flag=True, help="Install the packs that it requires first, as they recommend themselves."
)
@YES
@CONFIRM
@pass_state
def install(state: State, /, pack: str, with_required: bool, **given: Any) -> None:
    """Install PACK: a name, a folder or an archive."""
    first = _required(state, pack, given["unsigned"]) if with_required else []
    for name in first:
        _bring(state, name, {**given, "options": (), "parts": (), "confirm": None})
    _tell(state, *_bring(state, pack, given), first)


def _required(state: State, pack: str, unsigned: bool) -> list[str]:
    """Return what must be installed before a pack, in order."""
    from trellis.packs.checking import load_order
    from trellis.packs.state import installed_names

    have = installed_names(state.tenant.model().snapshot)
    with source_of(state, pack, unsigned=unsigned) as source:
        known = _shelved(state) | {source.name: source}
        return [n for n in load_order(source.name, known)[:-1] if n not in have]


def _shelved(state: State) -> dict[str, PackSource]:
    from trellis.packs.shelf import Shelf

    shelf, found = Shelf(state.home.resolve()), {}
    for name in shelf.names():
        with suppress(TrellisError), shelf.source(name) as source:
            found[name] = source
    return found


@click.command("upgrade")
@PACK
@OPTION
@PART
@UNSIGNED
@NO_CASES
@BROKEN
@click.option("--choose", "choices", multiple=True, metavar="KEY=SIDE", help="Answer a conflict with ours or theirs.")
@click.option("--rehearse", is_flag=True, help="Do it on a copy of the tenant and report; nothing is changed.")
@YES
@CONFIRM
@pass_state
def upgrade(state: State, /, pack: str, rehearse: bool, **given: Any) -> None:
    """Bring an installed pack to the version of PACK: a name, a folder or an archive."""
    if rehearse:
        from trellis.packs.trying import rehearse as rehearsal

        with source_of(state, pack, unsigned=given["unsigned"]) as source:
            report = rehearsal(state.tenant, lambda copy: _planned(copy, source, given))
        state.answer(report, lambda console: show_rehearsal(console, report))
        return
    _tell(state, *_bring(state, pack, given))


def _planned(tenant: Any, source: PackSource, given: dict[str, Any]) -> PackPlan:
    from trellis.packs import plan_install
    from trellis.packs.trying import with_case_reports

    plan = plan_install(
        tenant,
        source,
        options=answers(given["options"]),
        slices=list(given["parts"]) or None,
        choices=choices_of(given.get("choices", ())),
    )
    return plan if given["no_cases"] else with_case_reports(tenant, plan, source)


def _bring(state: State, pack: str, given: dict[str, Any]) -> tuple[int, PackPlan]:
    from trellis.packs import apply

    with source_of(state, pack, unsigned=given["unsigned"]) as source:
        plan = _planned(state.tenant, source, given)
        _confirm(state, plan, given)
        number = apply(
            state.tenant,
            plan,
            state.principal.user,
            confirm=plan.hash,
            broken_cases=given["accept_broken_cases"],
        )
    return number, plan


def _tell(state: State, number: int, plan: PackPlan, first: Sequence[str] = ()) -> None:
    said = plan.to_json()
    before = f" after {', '.join(first)}" if first else ""
    answer = {"version": number, "plan": said, "installed_first": list(first)}
    state.answer(answer, f"Version {number}: pack {plan.name} {said['to']}{before}.")


def _confirm(state: State, plan: PackPlan, given: dict[str, Any]) -> None:
    from trellis.publishing.publisher import StalePlan

    if not state.json:
        show_pack_plan(state.out, plan)
    if given["confirm"] is not None and given["confirm"] != plan.hash:
        raise StalePlan("This is not the plan that you confirmed. Look at the new one.", hash=plan.hash)
    if plan.needs_confirmation and given["confirm"] is None:
        state.confirm(f"Apply this plan? (--confirm {plan.hash})", yes=given["yes"])


@click.command("uninstall")
@PACK
@click.option("--data", type=click.Choice(["keep", "export", "drop"]), default="keep", show_default=True)
@click.option("--export", type=click.Path(path_type=Path), help="Folder for the records, with --data export.")
@YES
@CONFIRM
@pass_state
def uninstall(state: State, /, pack: str, data: str, export: Path | None, **given: Any) -> None:
    """Remove PACK: its documents, what it added to others, and what cannot be without them."""
    from trellis.packs import apply, plan_uninstall

    plan = plan_uninstall(state.tenant, pack)
    _confirm(state, plan, given)
    number = apply(state.tenant, plan, state.principal.user, confirm=plan.hash, data=data, export=export)
    state.answer({"version": number, "plan": plan.to_json()}, f"Version {number}: without pack {pack}.")


@click.command("diff")
@PACK
@UNSIGNED
@pass_state
def diff(state: State, pack: str, unsigned: bool) -> None:
    """Show what PACK (a name, folder or archive) would change in the tenant, element by element."""
    from trellis.packs import plan_install

    with source_of(state, pack, unsigned=unsigned) as source:
        plan = plan_install(state.tenant, source)
    state.answer(plan.to_json(), lambda console: show_pack_plan(console, plan))


@click.command("resume")
@pass_state
def resume(state: State) -> None:
    """Run data migrations of packs that were interrupted or refused."""
    from trellis.packs.migrations import run_pending

    count = run_pending(state.tenant)
    state.answer({"records": count}, f"{count} record(s) changed.")


COMMANDS = (list_packs, install, upgrade, uninstall, diff, resume)
