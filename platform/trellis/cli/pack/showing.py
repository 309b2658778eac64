"""How results about packs are written for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.metadata import show_plan
from trellis.cli.state import State
from trellis.packs.pack_plan import PackPlan


def show_cases(console: Console, reports: Sequence[dict[str, Any]]) -> None:
    """Write what came of cases, with the reasons of those that fail."""
    for report in reports:
        mark = "[green]holds[/]" if report["passed"] else "[bold red]fails[/]"
        console.print(f"  {mark}  {escape(report['story'])}")
        for line in report["failures"]:
            console.print(f"         {escape(line)}")


def show_checks(state: State, cases: list[dict[str, Any]], checks: list[dict[str, str]]) -> None:
    """Answer with the results of cases and generated tests; exit code 1 if something failed."""
    failed = [c for c in checks if c["result"] == "failed"]
    unknown = [c for c in checks if c["result"] == "not_found"]
    broken = [c for c in cases if not c["passed"]]

    def show(console: Console) -> None:
        show_cases(console, cases)
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
    show_cases(console, said["cases"])
    show_plan(plan.tenant_plan, console)


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) < 60 else text[:59] + "…")


def show_rehearsal(console: Console, report: dict[str, Any]) -> None:
    """Write what an upgrade on a copy of the tenant came to."""
    said = report["plan"]
    console.print(
        f"Rehearsed on a copy: {len(said['arrives'])} element(s) arrive, {len(said['kept'])} of yours are kept, "
        f"{len(said['conflicts'])} conflict(s), {len(report['cases_failed'])} case(s) fail."
    )
    before, after = report["records_before"], report["records_after"]
    for name in sorted({*before, *after}):
        if before.get(name, 0) != after.get(name, 0):
            console.print(f"  records of {name}: {before.get(name, 0)} → {after.get(name, 0)}")
