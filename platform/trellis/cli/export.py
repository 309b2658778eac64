"""``trellis export``: records into a file or to standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from trellis.cli.state import State, pass_state
from trellis.exchange import exporting
from trellis.exchange.exporting import Export, writer, writers
from trellis.query.query import InvalidQuery, problem


@click.command("export")
@click.argument("object_name", metavar="OBJECT")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File; default: standard output.")
@click.option("--format", "format_name", help="csv, xlsx, json or ndjson; default: by the file's name, else csv.")
@click.option("--fields", help="Paths, with commas: name,account.name. Default: all fields.")
@click.option("--filter", "filter_text", help="Formula, such as \"stage = 'won'\", or a filter tree in JSON.")
@click.option("--search", help="Full-text search.")
@click.option("--limit", type=click.IntRange(1), help="At most so many records.")
@click.option("--labels", type=click.Choice(["en", "zh"]), help="Head columns with labels instead of API names.")
@pass_state
def command(
    state: State,
    object_name: str,
    output: Path | None,
    format_name: str | None,
    fields: str | None,
    filter_text: str | None,
    search: str | None,
    limit: int | None,
    labels: str | None,
) -> None:
    """Export the records of OBJECT, in the order in which they were made."""
    suffix = output.suffix.lower().lstrip(".") if output else ""
    chosen = format_name or (suffix if suffix in writers() else "csv")
    writer(chosen)
    if output is None and state.json:
        raise click.UsageError("With --json the answer is a report: name a file with --output.")
    paths = tuple(p.strip() for p in (fields or "").split(",") if p.strip())
    wanted = Export(object_name, paths, read_filter(filter_text), search, limit, labels)
    pieces = exporting.export(state.tenant, state.principal, wanted, chosen)
    if output is None:
        stream = sys.stdout.buffer
        for piece in pieces:
            stream.write(piece)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
    state.answer({"file": str(output), "format": chosen, "bytes": size}, f"{output}: {size:,} bytes.")


def read_filter(text: str | None) -> Any:
    """Return the filter of an option: a tree written as JSON, or the text of a formula; None for none.

    Raises ``InvalidQuery``.
    """
    if text is None or not text.strip():
        return None
    return _read_json(text, "filter") if text.lstrip()[0] in "{[" else {"formula": text}


def _read_json(text: str, at: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError as bad:
        raise InvalidQuery([problem(at, "not_json", f"--{at} is not JSON: {bad}.")]) from None
    if not isinstance(found, dict):
        raise InvalidQuery(
            [problem(at, "wrong_type", f'--{at} is an object such as {{"field": "name", "op": "=", "value": "x"}}.')]
        )
    return found
