"""``trellis pack``: make, check, build and sign packs; install, upgrade and remove them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.failures import diagnostic_line
from trellis.cli.metadata import show_plan
from trellis.cli.state import State, existing, pass_state
from trellis.packs.pack_plan import PackPlan
from trellis.packs.source import PackSource
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Side

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_PACK = click.argument("pack")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_CONFIRM = click.option("--confirm", metavar="HASH", help="Apply only the plan with this hash.")
_OPTION = click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="An answer; the value as JSON or text."
)
_PART = click.option(
    "--part", "parts", multiple=True, help="Install this part; without any, those that are recommended."
)
_UNSIGNED = click.option("--unsigned", is_flag=True, help="Take an archive that nobody trusted has signed.")
_NO_CASES = click.option("--no-cases", is_flag=True, help="Do not run the pack's cases.")
_BROKEN = click.option("--accept-broken-cases", is_flag=True, help="Go on although cases fail.")
_WITH = click.option(
    "--with", "others", multiple=True, type=click.Path(path_type=Path), help="Folder of a pack that this one requires."
)


class BadAnswer(TrellisError):
    """An option or a choice on the command line is not well formed."""

    code = "bad_answer"


@click.group("pack")
def command() -> None:
    """Make, check, install, upgrade and remove industry packs."""


@contextmanager
def _source(state: State, pack: str, *, unsigned: bool = False) -> Iterator[PackSource]:
    """Yield the pack that a name, a folder or an archive stands for."""
    from trellis.packs.shelf import Shelf, source_at

    path = Path(pack)
    shelf = Shelf(state.home.resolve())
    if path.exists():
        with source_at(path, None if unsigned else shelf.trust) as source:
            yield source
    else:
        with shelf.source(pack) as source:
            yield source


def _answers(given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadAnswer(f"'{text[:100]}' is no answer. Write name=value.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _choices(given: Sequence[str]) -> dict[str, Side]:
    found = {}
    for text in given:
        key, _, side = text.partition("=")
        if side not in ("ours", "theirs"):
            raise BadAnswer(f"'{text[:100]}' is no choice. Write KEY=ours or KEY=theirs.")
        found[key] = Side(side)
    return found


# -- making ------------------------------------------------------------------------------------------------------------


@command.command("new")
@_FOLDER
@click.option("--name", help="API name; default: the folder's name.")
@click.option("--prefix", required=True, help="Prefix of what the pack adds, for example edu.")
@pass_state
def new(state: State, folder: Path, name: str | None, prefix: str) -> None:
    """Write a new pack to FOLDER."""
    from trellis.packs.template import new_pack

    files = new_pack(folder, name or folder.name, prefix)
    state.answer(
        {"files": [f.relative_to(folder).as_posix() for f in files]},
        f"{len(files)} files in {folder}. Next: trellis pack check {folder}",
    )


@command.command("check")
@_FOLDER
@_WITH
@click.option("--cases/--no-cases", default=True, help="Run the cases too.")
@pass_state
def check(state: State, folder: Path, others: tuple[Path, ...], cases: bool) -> None:
    """Say everything that is wrong with the pack in FOLDER, and run its cases."""
    from trellis.packs.cases import run_cases
    from trellis.packs.checking import check_pack, errors_of
    from trellis.packs.scratch import scratch
    from trellis.packs.source import read_pack

    source = read_pack(existing(folder, folder=True))
    snapshot, found = check_pack(source, _around(others))
    reports = []
    if cases and source.cases and not errors_of(found):
        with scratch(snapshot) as maker:
            reports = [r.to_json() for r in run_cases(maker, source.cases)]
    errors = len(errors_of(found)) + sum(not r["passed"] for r in reports)

    def show(console: Console) -> None:
        for d in found:
            console.print(escape(diagnostic_line(d.to_json())))
        _show_cases(console, reports)
        console.print(f"{source.name} {source.version}: {errors} problem(s).")

    state.answer({"valid": not errors, "diagnostics": [d.to_json() for d in found], "cases": reports}, show)
    if errors:
        raise click.exceptions.Exit(1)


def _around(others: Sequence[Path]) -> dict[str, PackSource]:
    from trellis.packs.folders import find_packs
    from trellis.packs.source import read_pack

    found = {name: read_pack(folder) for name, folder in find_packs().items()}
    return found | {s.name: s for s in (read_pack(existing(p, folder=True)) for p in others)}


def _show_cases(console: Console, reports: Sequence[dict[str, Any]]) -> None:
    for report in reports:
        mark = "[green]holds[/]" if report["passed"] else "[bold red]fails[/]"
        console.print(f"  {mark}  {escape(report['story'])}")
        for line in report["failures"]:
            console.print(f"         {escape(line)}")


@command.command("test")
@_FOLDER
@_WITH
@pass_state
def test(state: State, folder: Path, others: tuple[Path, ...]) -> None:
    """Run the cases of the pack in FOLDER, and the tests that its objects and rules give by themselves."""
    from trellis.packs.checking import check_pack, errors_of
    from trellis.packs.source import read_pack
    from trellis.packs.trying import try_pack
    from trellis.publishing.publisher import InvalidMetadata

    source = read_pack(existing(folder, folder=True))
    snapshot, found = check_pack(source, _around(others))
    if errors_of(found):
        raise InvalidMetadata(errors_of(found))
    cases, checks = try_pack(snapshot, source)
    show_checks(state, [r.to_json() for r in cases], [c.to_json() for c in checks])


def show_checks(state: State, cases: list[dict[str, Any]], checks: list[dict[str, str]]) -> None:
    """Answer with the results of cases and generated tests; exit code 1 if something failed."""
    failed = [c for c in checks if c["result"] == "failed"]
    unknown = [c for c in checks if c["result"] == "not_found"]
    broken = [c for c in cases if not c["passed"]]

    def show(console: Console) -> None:
        _show_cases(console, cases)
        for check in [*failed, *unknown]:
            mark = "[bold red]failed[/]   " if check["result"] == "failed" else "[yellow]not found[/]"
            console.print(f"  {mark}  {escape(check['object'])}: {escape(check['what'])}. {escape(check['detail'])}")
        passed = len(checks) - len(failed) - len(unknown)
        console.print(
            f"{len(cases) - len(broken)} of {len(cases)} case(s) hold; {passed} generated test(s) passed, "
            f"{len(failed)} failed, {len(unknown)} found no record."
        )

    state.answer({"cases": cases, "generated": checks}, show)
    if failed or broken:
        raise click.exceptions.Exit(1)


@command.command("dev")
@_FOLDER
@_WITH
@click.option("--once", is_flag=True, help="Apply once and stop.")
@pass_state
def dev(state: State, folder: Path, others: tuple[Path, ...], once: bool) -> None:
    """Keep a scratch tenant, named dev_NAME, in step with the pack in FOLDER: every change of a file is applied."""
    import time

    from trellis.packs.development import Workbench

    bench = Workbench(state.runtime, existing(folder, folder=True), _around(others))
    seen: object = None
    while True:
        now = bench.stamp()
        if now != seen:
            seen = now
            try:
                result = bench.apply()
                text = f"Version {result['version']} of tenant '{result['tenant']}': {result['changes']} change(s)."
            except TrellisError as problem:
                result = {"error": problem.message}
                details = [diagnostic_line(d.to_json()) for d in getattr(problem, "diagnostics", ())]
                text = "\n".join([problem.message, *details])
            if once:
                state.answer(result, text)
                return
            click.echo(text)
        time.sleep(0.5)


@command.command("build")
@_FOLDER
@click.option("--output", type=click.Path(path_type=Path), help="The file; default: NAME-VERSION.trellis.")
@pass_state
def build(state: State, folder: Path, output: Path | None) -> None:
    """Build the pack in FOLDER as one file. The same folder gives the same bytes."""
    from trellis.packs import archive
    from trellis.packs.source import read_pack

    source = read_pack(existing(folder, folder=True))
    target = output or Path(f"{source.name}-{source.version}{archive.SUFFIX}")
    manifest = archive.build(folder, target)
    state.answer(
        {"file": str(target), **manifest}, f"{target}: {len(manifest['files'])} files. Next: trellis pack sign"
    )


@command.command("key")
@click.argument("file", type=click.Path(path_type=Path))
@pass_state
def key(state: State, file: Path) -> None:
    """Write a new private key to FILE and print the public key, which customers put on their trust list."""
    from trellis.packs.signing import new_key

    public = new_key(file)
    state.answer({"public_key": public}, f"Public key: {public}")


@command.command("sign")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), required=True, help="The file with the private key."
)
@pass_state
def sign(state: State, file: Path, key_file: Path) -> None:
    """Sign a built pack."""
    from trellis.packs.shelf import sign_archive

    public = sign_archive(existing(file), existing(key_file))
    state.answer({"file": str(file), "public_key": public}, f"{file} is signed with {public}.")


@command.command("trust")
@click.argument("owner")
@click.argument("public_key")
@pass_state
def trust(state: State, owner: str, public_key: str) -> None:
    """Put the public key of OWNER on the trust list of this home folder."""
    from trellis.packs.shelf import Shelf

    shelf = Shelf(state.home.resolve())
    made = shelf.trust.with_key(owner, public_key)
    made.write(shelf.trust_file)
    state.answer({"keys": dict(made.keys)}, f"Packs signed by {owner} are trusted.")


# -- in a tenant -------------------------------------------------------------------------------------------------------


@command.command("list")
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


@command.command("install")
@_PACK
@_OPTION
@_PART
@_UNSIGNED
@_NO_CASES
@_BROKEN
@_YES
@_CONFIRM
@pass_state
def install(state: State, /, pack: str, **given: Any) -> None:
    """Install PACK: a name, a folder or an archive."""
    _bring(state, pack, given)


@command.command("upgrade")
@_PACK
@_OPTION
@_PART
@_UNSIGNED
@_NO_CASES
@_BROKEN
@click.option("--choose", "choices", multiple=True, metavar="KEY=SIDE", help="Answer a conflict with ours or theirs.")
@click.option("--rehearse", is_flag=True, help="Do it on a copy of the tenant and report; nothing is changed.")
@_YES
@_CONFIRM
@pass_state
def upgrade(state: State, /, pack: str, rehearse: bool, **given: Any) -> None:
    """Bring an installed pack to the version of PACK: a name, a folder or an archive."""
    if rehearse:
        from trellis.packs.trying import rehearse as rehearsal

        with _source(state, pack, unsigned=given["unsigned"]) as source:
            report = rehearsal(state.runtime, state.tenant, lambda copy: _planned(copy, source, given))
        state.answer(report, lambda console: _show_rehearsal(console, report))
        return
    _bring(state, pack, given)


def _planned(tenant: Any, source: PackSource, given: dict[str, Any]) -> PackPlan:
    from trellis.packs import plan_install
    from trellis.packs.trying import with_case_reports

    plan = plan_install(
        tenant,
        source,
        options=_answers(given["options"]),
        slices=list(given["parts"]) or None,
        choices=_choices(given.get("choices", ())),
    )
    return plan if given["no_cases"] else with_case_reports(tenant, plan, source)


def _bring(state: State, pack: str, given: dict[str, Any]) -> None:
    from trellis.packs import apply

    with _source(state, pack, unsigned=given["unsigned"]) as source:
        plan = _planned(state.tenant, source, given)
        _confirm(state, plan, given)
        number = apply(
            state.tenant,
            plan,
            state.principal.user,
            confirm=plan.hash,
            broken_cases=given["accept_broken_cases"],
        )
    state.answer({"version": number, "plan": plan.to_json()}, f"Version {number}: pack {source.name} {source.version}.")


def _confirm(state: State, plan: PackPlan, given: dict[str, Any]) -> None:
    from trellis.publishing.publisher import StalePlan

    if not state.json:
        show_pack_plan(state.out, plan)
    if given["confirm"] is not None and given["confirm"] != plan.hash:
        raise StalePlan("This is not the plan that you confirmed. Look at the new one.", hash=plan.hash)
    if plan.needs_confirmation and given["confirm"] is None:
        state.confirm(f"Apply this plan? (--confirm {plan.hash})", yes=given["yes"])


def show_pack_plan(console: Console, plan: PackPlan) -> None:
    """Write the plan of a pack for people."""
    said = plan.to_json()
    console.print(f"[bold]{escape(said['label'])}[/] {said['from'] or ''} → {said['to'] or 'removed'}")
    for change in said["changes"]:
        console.print(f"  new in {change['version']}: {escape(change['text'])}")
    for right in said["permissions"]:
        console.print(f"  [yellow]asks for[/]    {escape(right)}")
    for flag in said["security"]:
        console.print(f"  [yellow]{flag['direction']:<11}[/] {escape(flag['element'])}")
    for c in said["conflicts"]:
        taken = c["chosen"] or f"{c['recommended']} (recommended)"
        console.print(f"  [bold red]conflict[/]    {escape(c['element'])}: {escape(c['explanation'])}")
        console.print(
            f"              yours {_short(c.get('ours'))}, new {_short(c.get('theirs'))} → {taken}  {c['key']}"
        )
    for removed in said["removed"]:
        console.print(f"  [yellow]goes too[/]    {escape(removed)}")
    _show_cases(console, said["cases"])
    show_plan(plan.tenant_plan, console)


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) < 60 else text[:59] + "…")


def _show_rehearsal(console: Console, report: dict[str, Any]) -> None:
    said = report["plan"]
    console.print(
        f"Rehearsed on a copy: {len(said['arrives'])} element(s) arrive, {len(said['kept'])} of yours are kept, "
        f"{len(said['conflicts'])} conflict(s), {len(report['cases_failed'])} case(s) fail."
    )
    before, after = report["records_before"], report["records_after"]
    for name in sorted({*before, *after}):
        if before.get(name, 0) != after.get(name, 0):
            console.print(f"  records of {name}: {before.get(name, 0)} → {after.get(name, 0)}")


@command.command("uninstall")
@_PACK
@click.option("--data", type=click.Choice(["keep", "export", "drop"]), default="keep", show_default=True)
@click.option("--export", type=click.Path(path_type=Path), help="Folder for the records, with --data export.")
@_YES
@_CONFIRM
@pass_state
def uninstall(state: State, /, pack: str, data: str, export: Path | None, **given: Any) -> None:
    """Remove PACK: its documents, what it added to others, and what cannot be without them."""
    from trellis.packs import apply, plan_uninstall

    plan = plan_uninstall(state.tenant, pack)
    _confirm(state, plan, given)
    number = apply(state.tenant, plan, state.principal.user, confirm=plan.hash, data=data, export=export)
    state.answer({"version": number, "plan": plan.to_json()}, f"Version {number}: without pack {pack}.")


@command.command("diff")
@_PACK
@_UNSIGNED
@pass_state
def diff(state: State, pack: str, unsigned: bool) -> None:
    """Show what PACK (a name, folder or archive) would change in the tenant, element by element."""
    from trellis.packs import plan_install

    with _source(state, pack, unsigned=unsigned) as source:
        plan = plan_install(state.tenant, source)
    state.answer(plan.to_json(), lambda console: show_pack_plan(console, plan))


@command.command("resume")
@pass_state
def resume(state: State) -> None:
    """Run data migrations of packs that were interrupted or refused."""
    from trellis.packs.migrations import run_pending

    count = run_pending(state.tenant)
    state.answer({"records": count}, f"{count} record(s) changed.")
