"""``trellis script``: check, run and test scripts; look at their runs; decide about their rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.state import State, existing, pass_state
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.actions import UnknownScript
from trellis_plugins.scripts.catalogue import Script, catalogue_of, read_script
from trellis_plugins.scripts.host.errors import ScriptRefused
from trellis_plugins.scripts.host.sandbox import shared
from trellis_plugins.scripts.trial import failure_of, try_on_record


@click.group("script")
def command() -> None:
    """Check, run and test scripts; look at their runs; approve their rights."""


@command.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@pass_state
def check(state: State, files: tuple[Path, ...]) -> None:
    """Compile scripts in the sandbox: FILES with Python or script documents, or all scripts of the tenant.

    Exit code 1 says that one of them does not compile.
    """
    sources = {str(f): _source(existing(f)) for f in files}
    if not files:
        sources = {n: s.definition.source for n, s in catalogue_of(state.tenant.model()).scripts.items()}
    answer = [{"script": name, "problems": _problems(source)} for name, source in sources.items()]

    def show(console: Console) -> None:
        for entry in answer:
            console.print(
                f"{'[red]refused[/]' if entry['problems'] else '[green]ok[/]'} {escape(str(entry['script']))}"
            )
            for p in entry["problems"]:
                console.print(escape(f"  line {p['line']}, column {p['column']}: {p['message']}"))  # type: ignore[index]

    state.answer(answer, show)
    if any(entry["problems"] for entry in answer):
        raise click.exceptions.Exit(1)


@command.command("run")
@click.argument("name")
@click.argument("record")
@pass_state
def run(state: State, name: str, record: str) -> None:
    """Try the script NAME on RECORD (its id) and show what it would do. Nothing is saved."""
    script = _script(state, name)
    number = state.tenant.model().env.parse_id(record, [script.definition.object or ""])[1]
    found = try_on_record(state.tenant, state.principal, script, number)
    state.answer(found, lambda console: _show_trial(console, found))


@command.command("test")
@click.argument("names", nargs=-1)
@pass_state
def test(state: State, names: tuple[str, ...]) -> None:
    """Run the tests that stand in the scripts NAMES, or in all scripts. Exit code 1: one of them failed."""
    scripts = catalogue_of(state.tenant.model()).scripts
    answer = []
    for name in names or sorted(scripts):
        for case in _script(state, name).definition.document.get("tests", ()):
            answer.append(
                {
                    "script": name,
                    "test": case["name"],
                    "problem": failure_of(state.tenant, state.principal, scripts[name], case) or None,
                }
            )

    def show(console: Console) -> None:
        for entry in answer:
            mark = "[red]failed[/]" if entry["problem"] else "[green]ok[/]"
            console.print(f"{mark} {entry['script']}.{entry['test']} {escape(entry['problem'] or '')}")
        console.print(f"{len(answer)} test(s), {sum(1 for e in answer if e['problem'])} failed.")

    state.answer(answer, show)
    if any(entry["problem"] for entry in answer):
        raise click.exceptions.Exit(1)


@command.command("runs")
@click.argument("name", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--log", "with_log", is_flag=True, help="Show what the runs logged.")
@pass_state
def runs(state: State, name: str | None, limit: int, with_log: bool) -> None:
    """Show the last runs: outcome, cost, message."""
    found = audit.history(state.tenant, name, limit)

    def show(console: Console) -> None:
        for r in found:
            where = f" line {r['line']}" if r["line"] else ""
            cost = f"{r['steps']} steps, {r['cpu_ms']:.1f} ms CPU, {r['queries']} queries, {r['writes']} writes"
            console.print(
                escape(
                    f"{r['at']:%Y-%m-%d %H:%M:%S} {r['script']} {r['event']} x{r['records']} {r['outcome']}{where} ({cost}) {r['message'] or ''}"
                )
            )
            for level, text in (r["log"] or ()) if with_log else ():
                console.print(escape(f"    {level}: {text}"))

    state.answer(found, show)


@command.command("grant")
@click.argument("name")
@pass_state
def grant(state: State, name: str) -> None:
    """Approve the rights that the script NAME asks for. When these change, they must be approved again."""
    script = _script(state, name)
    if script.asks is None:
        state.answer({"granted": False}, f"The script '{name}' asks for no rights.")
        return
    audit.grant(state.tenant, name, script.asks, state.principal.user)
    rights = {o: sorted(v) for o, v in script.definition.rights.items()}
    told = "; ".join(f"{o}: {', '.join(v)}" for o, v in rights.items())
    state.answer({"granted": True, "rights": rights}, f"Granted to '{name}': {told}.")


@command.command("revoke")
@click.argument("name")
@pass_state
def revoke(state: State, name: str) -> None:
    """Take back what was granted to the script NAME."""
    done = audit.revoke(state.tenant, name)
    state.answer({"revoked": done}, "Taken back." if done else "Nothing was granted.")


@command.command("resume")
@click.argument("name")
@pass_state
def resume(state: State, name: str) -> None:
    """Let the suspended script NAME run again."""
    done = audit.resume(state.tenant, name)
    state.answer({"resumed": done}, "It runs again." if done else "It was not suspended.")


@command.command("prune")
@pass_state
def prune(state: State) -> None:
    """Remove runs that went well and are older than 30 days."""
    count = audit.prune(state.tenant)
    state.answer({"removed": count}, f"{count} run(s) removed.")


def _script(state: State, name: str) -> Script:
    found = catalogue_of(state.tenant.model()).scripts.get(name)
    if found is None:
        raise UnknownScript(f"There is no script '{name[:60]}'.")
    return found


def _source(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return read_script(json.loads(text)).definition.source if file.suffix == ".json" else text


def _problems(source: str) -> list[dict[str, Any]]:
    try:
        shared().compile(source)
    except ScriptRefused as refusal:
        return refusal.problems
    return []


def _show_trial(console: Console, found: dict[str, Any]) -> None:
    console.print(
        escape(f"{found['outcome']}{' line ' + str(found['line']) if found['line'] else ''} {found['message'] or ''}")
    )
    for name, value in found["changes"].items():
        console.print(escape(f"  {name} = {value!r}"))
    for message, field in found["refusals"]:
        console.print(escape(f"  refused{' at ' + field if field else ''}: {message}"))
    for level, text in found["log"] or ():
        console.print(escape(f"  {level}: {text}"))
    for name, gauge in found["gauges"].items():
        console.print(f"  {name}: {gauge['used']:g} of {gauge['allowed']:g}")
