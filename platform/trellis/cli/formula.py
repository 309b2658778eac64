"""``trellis formula``: check, evaluate and explain formulas, and list the functions."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any

import click

from trellis.cli.state import State, pass_state
from trellis.formula import Context, Step, explain, functions
from trellis.formula.cases import read_case
from trellis.formula.engines import Engine, PostgresqlEngine, PythonEngine, SqliteEngine, answer
from trellis.query.explaining import explain_field, step_json
from trellis.record_id import parse_id
from trellis_metadata.formula import FormulaError, dependencies

FIELD_HELP = "A field as name:Type[=value], such as amount:Number=12.50."


def _line(formula: str, fields: tuple[str, ...], blanks: str) -> dict[str, Any]:
    line: dict[str, Any] = {"formula": formula, "fields": [], "row": {}, "blanks": f"as_{blanks}"}
    for given in fields:
        declared, has_value, value = given.partition("=")
        name, _, type_ = declared.partition(":")
        line["fields"].append({"name": name, "type": type_ or "Text"})
        line["row"][name] = value == "true" if type_ == "Boolean" else value if has_value else None
    return line


@click.group(name="formula")
def formula_group() -> None:
    """Check, evaluate and explain formulas."""


@formula_group.command()
@click.argument("formula")
@click.option("--field", "fields", multiple=True, help=FIELD_HELP)
@click.option("--blanks", type=click.Choice(["zero", "blank"]), default="zero", help="How a blank number is read.")
def check(formula: str, fields: tuple[str, ...], blanks: str) -> None:
    """Check FORMULA and show its type and what it depends on."""
    try:
        typed = read_case(_line(formula, fields, blanks)).typed
    except FormulaError as error:
        raise click.ClickException(error.message) from None
    uses = dependencies(typed)
    click.echo(f"type: {typed.type.value}")
    for label, names in (("fields", uses.fields), ("relations", uses.relations), ("functions", uses.functions)):
        if names:
            click.echo(f"{label}: {', '.join(sorted(names))}")
    click.echo(f"changes with: {'its row only' if uses.row_only else str(uses.reads.name).lower().replace('|', ', ')}")


@formula_group.command("eval")
@click.argument("formula", required=False)
@click.option("--field", "fields", multiple=True, help=FIELD_HELP)
@click.option("--blanks", type=click.Choice(["zero", "blank"]), default="zero", help="How a blank number is read.")
@click.option(
    "--jsonl", is_flag=True, help="Read cases from standard input, one JSON object a line, and answer line by line."
)
@click.option("--engine", type=click.Choice(["python", "sqlite", "postgresql"]), default="python", show_default=True)
@click.option(
    "--database", envvar="TRELLIS_TEST_POSTGRES", help="Address of the PostgreSQL database for --engine postgresql."
)
def evaluate(
    formula: str | None, fields: tuple[str, ...], blanks: str, jsonl: bool, engine: str, database: str | None
) -> None:
    """Evaluate FORMULA, or cases from standard input."""
    with _engine(engine, database) as chosen:
        if jsonl:
            answer_lines(chosen, sys.stdin, sys.stdout)
            return
        if formula is None:
            raise click.UsageError("Give a formula, or --jsonl and cases on standard input.")
        found = answer(chosen, _line(formula, fields, blanks))
        problem = found.get("reason") or (found.get("message") if "error" in found else None)
        if problem:
            raise click.ClickException(problem)
        click.echo(json.dumps(found["value"], ensure_ascii=False))


def answer_lines(engine: Engine, source: IO[str], target: IO[str]) -> None:
    """Answer every line of ``source`` on ``target``.

    A line that is not a case is answered with an error, not a crash.
    """
    for text in source:
        if not text.strip():
            continue
        try:
            found = answer(engine, json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            found = {"id": None, "error": "bad_case", "message": f"The line is not a case: {error}"}
        target.write(json.dumps(found, ensure_ascii=False) + "\n")


def _engine(name: str, database: str | None) -> AbstractContextManager[Engine]:
    if name == "python":
        return nullcontext(PythonEngine())
    if name == "sqlite":
        return SqliteEngine()
    if not database:
        raise click.UsageError("--engine postgresql needs --database or TRELLIS_TEST_POSTGRES.")
    return PostgresqlEngine(database)


@formula_group.command("explain")
@click.argument("formula", required=False)
@click.option("--object", "object_name", help="Explain the formula field --field of a record of this object instead.")
@click.option("--record", help="The record's id.")
@click.option("--field", "fields", multiple=True, help=FIELD_HELP)
@click.option("--blanks", type=click.Choice(["zero", "blank"]), default="zero", help="How a blank number is read.")
@pass_state
def explain_command(
    state: State,
    formula: str | None,
    object_name: str | None,
    record: str | None,
    fields: tuple[str, ...],
    blanks: str,
) -> None:
    """Show FORMULA, or a formula field of a record, as a tree with the value at each node."""
    if object_name and record and len(fields) == 1 and formula is None:
        step = _of_record(state, object_name, record, fields[0])
        state.answer(step_json(step), "\n".join(step.lines()))
        return
    if formula is None or object_name or record:
        raise click.UsageError("Give a formula, or --object, --record and one --field.")
    try:
        case = read_case(_line(formula, fields, blanks))
    except FormulaError as error:
        raise click.ClickException(error.message) from None
    click.echo("\n".join(explain(case.typed, Context(case.row)).lines()))


def _of_record(state: State, object_name: str, record: str, field_name: str) -> Step:
    tenant = state.tenant
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        model.object(object_name)
        number = parse_id(record, [object_name])[1]
        return explain_field(tenant, connection, model, state.principal, object_name, number, field_name)


@formula_group.command("functions")
@click.argument("name", required=False)
@click.option("--page", is_flag=True, help="Write the reference page (Markdown).")
def list_functions(name: str | None, page: bool) -> None:
    """List the functions, or describe the one called NAME."""
    from trellis.formula.reference import entry, reference_page

    if page:
        click.echo(reference_page(), nl=False)
    elif name is None:
        for function in functions().values():
            click.echo(f"{function.name:16} {function.summary}")
    elif name.upper() in functions():
        click.echo(entry(functions()[name.upper()]))
    else:
        raise click.ClickException(f"There is no function '{name}'.")


command = formula_group

if __name__ == "__main__":
    formula_group()
