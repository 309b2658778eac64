"""``trellis import``: records from CSV, XLSX and JSON files, and from sample-data trees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trellis.cli.state import State, existing, pass_state
from trellis.exchange.errors import BadMapping
from trellis.exchange.importing import CHUNK, Importer, Report
from trellis.exchange.source import Source, open_source
from trellis.exchange.trees import is_plan, object_called, read_plan
from trellis.fields.common.columns import RecordRef


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("object_name", metavar="[OBJECT]", required=False)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="HEADER=TARGET",
    help="Where a column goes: a field, address.city, account.code, account.external:sap, external:sap, or nothing.",
)
@click.option("--mapping", type=click.Path(path_type=Path), help="A mapping file, as --save-mapping wrote it.")
@click.option("--save-mapping", type=click.Path(path_type=Path), help="Write the mapping that is used to this file.")
@click.option("--show-mapping", is_flag=True, help="Only show the mapping; import nothing.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="TARGET",
    help="Change records that have this field value: a field, id or external:SYSTEM.",
)
@click.option("--dry-run", is_flag=True, help="Judge every row, write nothing.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted import of this file.")
@click.option(
    "--errors", "error_file", type=click.Path(path_type=Path), help="File for refused rows; default: FILE.errors.csv."
)
@click.option("--migration", is_flag=True, help="Keep created and changed stamps (administrators).")
@click.option("--chunk", default=CHUNK, show_default=True, type=click.IntRange(1, 20_000), help="Rows per transaction.")
@click.option("--format", "format_name", help="csv, xlsx or json; default: by the file's name.")
@click.option("--delimiter", help="Of a CSV file; default: sniffed.")
@click.option("--encoding", help="Of a CSV file; default: sniffed among utf-8, utf-8-sig, gb18030.")
@click.option("--sheet", help="Of a workbook; default: the first.")
@pass_state
def command(
    state: State,
    /,
    file: Path,
    object_name: str | None,
    maps: tuple[str, ...],
    mapping: Path | None,
    save_mapping: Path | None,
    show_mapping: bool,
    keys: tuple[str, ...],
    dry_run: bool,
    resume: bool,
    error_file: Path | None,
    migration: bool,
    chunk: int,
    format_name: str | None,
    **reading: str | None,
) -> None:
    """Import the records of FILE into OBJECT (default: the object that the file is named after).

    A plan file of sample-data trees imports all its files, in order, with their references. Exit code 1 says that rows
    were refused; they are in the error file with the reason.
    """
    given = {**_mapping_file(mapping), **_maps(maps)}
    existing(file)
    if format_name is None and is_plan(file):
        _import_plan(
            state, file, given, {"key": keys, "migration": migration, "chunk": chunk}, dry_run=dry_run, resume=resume
        )
        return
    source = open_source(file, format=format_name, **reading)
    name = object_called(state.tenant, object_name or file.stem)
    importer = Importer(
        state.tenant,
        state.principal,
        name,
        source,
        given,
        key=keys,
        migration=migration,
        chunk=chunk,
        error_file=error_file or file.with_name(f"{file.name}.errors.csv"),
        progress_file=file.with_name(f"{file.name}.progress.json"),
        references={} if source.references else None,
    )
    if save_mapping is not None:
        save_mapping.write_text(json.dumps(importer.mapping, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if show_mapping:
        _show_mapping(state, importer)
        return
    _finish(state, [_run(state, importer, dry_run=dry_run, resume=resume)])


def _mapping_file(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        found = json.loads(existing(path).read_text(encoding="utf-8"))
    except ValueError as problem:
        raise BadMapping([f"'{path.name}' is not JSON: {problem}."]) from None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise BadMapping([f'\'{path.name}\' is not a mapping: expected {{"Header": "target", …}}.'])
    return found


def _maps(given: tuple[str, ...]) -> dict[str, str]:
    wrong = [m for m in given if "=" not in m]
    if wrong:
        raise BadMapping([f"'{m}' is no mapping. Write \"Header=field\"." for m in wrong])
    # The last '=' divides: headers may contain one, targets never do.
    return {header.strip(): target.strip() for header, _, target in (m.rpartition("=") for m in given)}


def _run(state: State, importer: Importer, *, dry_run: bool, resume: bool = False) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=state.err, disable=state.json, transient=True) as bar:
        task = bar.add_task(f"{importer.source.path.name} → {importer.object.name}", total=None)
        return importer.run(
            lambda done, total: bar.update(task, completed=done, total=total), dry_run=dry_run, resume=resume
        )


def _import_plan(
    state: State, file: Path, given: Mapping[str, str], options: dict[str, Any], *, dry_run: bool, resume: bool
) -> None:
    if resume or dry_run:
        raise click.UsageError(
            "--resume and --dry-run are for one file; a plan is imported as a whole. With --key external:NAME it can be repeated."
        )
    references: dict[str, RecordRef] = {}
    reports = []
    for step in read_plan(state.tenant, file):
        own = {h: t for h, t in given.items() if h in step.source.headers}
        importer = Importer(
            state.tenant,
            state.principal,
            step.object,
            step.source,
            own,
            references=references,
            error_file=_errors_of(step.source),
            **options,
        )
        reports.append(_run(state, importer, dry_run=False))
    _finish(state, reports)


def _errors_of(source: Source) -> Path:
    return source.path.with_name(f"{source.path.name}.errors.csv")


def _show_mapping(state: State, importer: Importer) -> None:
    problems = importer.check()

    def show(console: Console) -> None:
        for header, target in importer.mapping.items():
            console.print(f"  {escape(header)} → {escape(target) or '[dim](not imported)[/]'}")
        for problem in problems:
            console.print(f"[bold red]{escape(problem)}[/]")

    state.answer(
        {
            "object": importer.object.name,
            "mapping": importer.mapping,
            "problems": problems,
            "source": dict(importer.source.note),
        },
        show,
    )
    if problems:
        raise click.exceptions.Exit(1)


def _finish(state: State, reports: list[Report]) -> None:
    def show(console: Console) -> None:
        for report in reports:
            verb = "would be " if report.dry_run else ""
            counts = ", ".join(f"{n:,} {verb}{action}" for action, n in report.counts.items() if n)
            console.print(f"{report.object}: {counts or 'no rows'} ({report.seconds:.1f} s)")
            for number, reason in report.errors[:10]:
                console.print(f"  row {number}: {escape(reason)}")
            if report.error_file is not None and report.error_file.exists():
                console.print(f"  refused rows with their reasons: {escape(str(report.error_file))}")

    state.answer({"imports": [r.to_json() for r in reports]}, show)
    if any(r.counts["refused"] for r in reports):
        raise click.exceptions.Exit(1)
