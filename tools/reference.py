"""Writes docs/reference from the code: ``make docs``. ``pages()`` gives the same into memory, for the test.

Nothing here knows a kind, a field type, a command or an error by name: what is added to the product appears by itself.
Examples of values are those that the suite checks (tests/fields/samples.py).
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from trellis.api.errors import STATUS
from trellis.cli.discovery import commands
from trellis.fields import FieldType, field_types
from trellis_metadata.errors import TrellisError
from trellis_metadata.filters import OPERATORS
from trellis_metadata.language import Language
from trellis_metadata.schema_files import option_schema

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "reference"
MADE = "Made by `make docs` from the code; do not edit."
Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Return every generated page by its path below docs/reference."""
    language = Language(field_types(), system={})
    kinds = {
        f"metadata/{kind}.md": _kind_page(language.kind(kind).folder, language.schema(kind))
        for kind in language.kinds()
    }
    return {**kinds, "field-types.md": _field_types_page(), "cli.md": _cli_page(), "errors.md": _errors_page()}


def _kind_page(folder: str, schema: Schema) -> str:
    defs = schema["$defs"]
    name = schema["properties"]["kind"]["const"]
    lines = [
        f"# {schema['title']}",
        "",
        f"<!-- {MADE} -->",
        "",
        schema["description"],
        "",
        f"Kind `{name}`; files `{folder}/<name>.json`. An unknown key is refused.",
        "",
    ]
    lines += _table(schema, defs)
    seen: set[str] = set()
    for path, part in _parts(schema, defs, name):
        if path not in seen:
            seen.add(path)
            lines += ["", f"## `{path}`", "", part.get("description", ""), "", *_table(part, defs)]
    shared = [d for d in ("filter", "field_path", "label", "formula", "name", "sort") if d in defs]
    if shared:
        lines += ["", "## Values", "", "| Value | Meaning | Example |", "|---|---|---|"]
        lines += [
            f"| {d.replace('_', ' ')} | {_cell(defs[d].get('description', ''))} | {_example(defs[d])} |" for d in shared
        ]
    if "filter" in defs:
        lines += [
            "",
            "## Operators of filters",
            "",
            'A condition is `{"field": …, "op": …, "value": …}`. What a field allows follows from its',
            "category (see [field types](../field-types.md)).",
            "",
            "| Category | Operators |",
            "|---|---|",
        ]
        lines += [f"| {category} | {' '.join(f'`{o}`' for o in sorted(ops))} |" for category, ops in OPERATORS.items()]
    if name == "object":
        lines += ["", "The other keys of a field belong to its type: see [field types](../field-types.md)."]
    for example in schema.get("examples", ())[:1]:
        lines += ["", "## Example", "", "```json", json.dumps(example, ensure_ascii=False, indent=2), "```"]
    return "\n".join(lines) + "\n"


def _parts(schema: Schema, defs: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield the objects inside a document with their paths, depth first."""
    for key, raw in schema.get("properties", {}).items():
        if raw.get("$ref", "") in ("#/$defs/filter", "#/$defs/label", "#/$defs/long_label"):
            continue
        value = _resolved(raw, defs)
        for inner, suffix in [
            (value, ""),
            (value.get("items"), "[]"),
            (_resolved(value.get("items", {}), defs).get("items"), "[][]"),
        ]:
            part = _resolved(inner, defs) if isinstance(inner, Mapping) else {}
            if "properties" in part and path.count(".") < 4:
                here = f"{path}.{key}{suffix}"
                yield here, part
                yield from _parts(part, defs, here)


def _resolved(schema: Schema, defs: Schema) -> Schema:
    ref = schema.get("$ref")
    return (
        schema
        if ref is None
        else {**defs[ref.removeprefix("#/$defs/")], **{k: v for k, v in schema.items() if k != "$ref"}}
    )


def _table(schema: Schema, defs: Schema) -> list[str]:
    required = schema.get("required", ())
    lines = ["| Key | Type | Meaning | Default | Example |", "|---|---|---|---|---|"]
    for key, raw in schema.get("properties", {}).items():
        value = _resolved(raw, defs)
        mark = "**required**" if key in required else f"`{json.dumps(value['default'])}`" if "default" in value else ""
        lines.append(
            f"| `{key}` | {_type(raw, defs)} | {_cell(value.get('description', ''))} | {mark} | {_example(value)} |"
        )
    return lines


def _type(raw: Schema, defs: Schema) -> str:
    ref = str(raw.get("$ref", "")).removeprefix("#/$defs/")
    if ref and ref not in ("field", "options") and defs[ref].get("type") != "array":
        return ref.replace("_", " ")
    value = _resolved(raw, defs)
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        if len(value["enum"]) < 12:
            return "one of " + ", ".join(f"`{v}`" for v in value["enum"] if v is not None)
        return f"one of {len(value['enum'])}, such as " + ", ".join(f"`{v}`" for v in value["enum"][:2])
    choices = value.get("anyOf") or value.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(c, defs) for c in choices))
    kind = value.get("type", "any value")
    if kind == "array":
        return f"list of {_type(value['items'], defs)}" if "items" in value else "list"
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    limits = [
        f"{word} {value[k]}"
        for k, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if k in value
    ]
    if "maxLength" in value:
        limits[-1] += " characters"
    return text + (f", {' '.join(limits)}" if limits else "")


def _example(value: Schema) -> str:
    found = value.get("examples") or []
    return f"`{_cell(json.dumps(found[0], ensure_ascii=False))}`" if found else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _field_types_page() -> str:
    common = Language(field_types(), system={}).schema("object")
    field = common["$defs"]["field"]
    lines = [
        "# Field types",
        "",
        f"<!-- {MADE} -->",
        "",
        "Every field has the keys of the first table and those of its type. An unknown key is refused.",
        "A blank text and null are one value: null. Files (CSV, XLSX) hold the text form.",
        "",
        *_table(field, common["$defs"]),
    ]
    for spec in field_types().values():
        lines += ["", *_field_type(spec, common["$defs"])]
    return "\n".join(lines) + "\n"


def _field_type(spec: FieldType, defs: Schema) -> list[str]:
    doc = (sys.modules[type(spec).__module__].__doc__ or "").strip()
    lines = [
        f"## {spec.name}",
        "",
        f"{spec.label['en']} ({spec.label.get('zh', '')}). {' '.join(doc.split('.')[0].split())}.",
        "",
        f"- Widget in forms: `{spec.widget}`",
        f"- Category for filters and formulas: {spec.category}",
    ]
    if spec.computed:
        lines.append("- Computed: nobody writes it.")
    if not spec.unique_allowed:
        lines.append("- Cannot be `unique`.")
    sample = _samples().get(spec.name)
    if sample is not None:
        if sample.values:
            given, kept = _plain(sample.values)
            written = (
                "" if given == kept else f", for example written as `{_cell(json.dumps(given, ensure_ascii=False))}`"
            )
            lines.append(f"- Value in JSON: `{_cell(json.dumps(kept, ensure_ascii=False))}`{written}")
        if sample.texts:
            lines.append(
                f"- Text form: `{_plain([(t, v) for t, v in sample.texts if v is not None] or sample.texts)[0]}`"
            )
    if spec.options:
        options = {name: option_schema(name, o) for name, o in spec.options.items()}
        lines += ["", *_table({"properties": options, "required": spec.required_options}, defs)]
    return lines


def _plain(pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return the pair that reads best: short, but not the shortest."""
    return min(
        pairs, key=lambda p: abs(len(json.dumps(p[1], ensure_ascii=False, default=str)) - 14) + 3 * (p[0] != p[1])
    )


def _samples() -> Mapping[str, Any]:
    tests = str(ROOT / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    found: Mapping[str, Any] = importlib.import_module("fields.samples").SAMPLES
    return found


def _cli_page() -> str:
    from trellis.cli import failures, root

    lines = [
        "# Command line",
        "",
        f"<!-- {MADE} -->",
        "",
        "`trellis [global options] COMMAND …`. Exit codes:",
        "",
        "| Code | Meaning |",
        "|---|---|",
    ]
    for line in (failures.__doc__ or "").splitlines():
        if line[:1].isdigit():
            code, _, meaning = line.partition(" ")
            lines.append(f"| {code} | {meaning.strip()} |")
    lines += ["", "## Global options", "", *_params(root)]
    for name, command in commands().items():
        lines += ["", *_command(f"trellis {name}", command)]
    return "\n".join(lines) + "\n"


def _command(path: str, command: click.Command) -> list[str]:
    lines = [f"## {path}", "", " ".join((command.help or "").split())]
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            lines += ["", *[line.replace("## ", "### ", 1) for line in _command(f"{path} {name}", inner)]]
        return lines
    arguments = " ".join(
        p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)
    )
    lines += ["", f"`{' '.join(filter(None, (path, arguments)))}`"]
    table = _params(command)
    return lines + (["", *table] if len(table) > 2 else [])


def _params(command: click.Command) -> list[str]:
    lines = ["| Option | Meaning |", "|---|---|"]
    for option in command.params:
        if isinstance(option, click.Option) and "--json" not in option.opts:
            record = option.get_help_record(click.Context(command))
            if record:
                lines.append(f"| `{record[0]}` | {_cell(record[1])} |")
    return lines


def _errors_page() -> str:
    for package in ("trellis", "trellis_metadata"):
        _import_all(package)
    lines = [
        "# Errors",
        "",
        f"<!-- {MADE} -->",
        "",
        'The REST API answers every error as `{"error": {"code", "message", "details"?, "fields"?, "rows"?}}`.',
        "`fields` nests like the record that was sent; `rows` has the errors of a batch by row number. The command line gives",
        "the same codes with `--json`. A class without a status of its own is answered with 400 where a request meets it.",
        "",
        "| Code | HTTP | Meaning | Class |",
        "|---|---|---|---|",
    ]
    found = sorted(
        {
            (c.code, c.__module__, c.__name__, (c.__doc__ or "").strip().split("\n")[0])
            for c in _subclasses(TrellisError)
        }
    )
    for code, module, name, text in found:
        lines.append(f"| `{code}` | {STATUS.get(code, 400)} | {_cell(text)} | `{module}.{name}` |")
    lines += ["", "Codes without a class: of the web layer, or kept for later.", "", "| Code | HTTP |", "|---|---|"]
    lines += [
        f"| `{code}` | {status} |" for code, status in sorted(STATUS.items()) if code not in {f[0] for f in found}
    ]
    return "\n".join(lines) + "\n"


def _import_all(package: str) -> None:
    root = importlib.import_module(package)
    for info in pkgutil.walk_packages(root.__path__, f"{package}."):
        # Migration scripts run only inside the migration tool.
        if ".migrations" not in info.name and not info.name.endswith("__main__"):
            importlib.import_module(info.name)


def _subclasses(base: type[TrellisError]) -> Iterator[type[TrellisError]]:
    for found in base.__subclasses__():
        if found.__module__.startswith(("trellis.", "trellis_metadata.")):
            yield found
        yield from _subclasses(found)


def main() -> None:
    """Write all pages; remove pages of kinds that are gone."""
    made = pages()
    for old in (TARGET / "metadata").glob("*.md"):
        if f"metadata/{old.name}" not in made:
            old.unlink()
    for path, text in made.items():
        (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
