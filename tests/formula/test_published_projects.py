"""Formulas of published Salesforce projects: they parse, and those whose names exist type-check."""

from __future__ import annotations

from typing import Any

from formula.sfdx_scope import TYPES, ProjectScope, read_project
from formula.support import CORPUS, corpus_lines

from trellis_metadata.formula import FormulaError, Type, check, parse, parse_template

ELSEWHERE = {"unknown_name"}
"""The name belongs to an object that the partial project does not have."""
REFUSED_BY_NAME = {"unavailable"}


def texts(line: dict[str, Any]) -> list[str]:
    """Return the formulas of a line; a template has several."""
    if line["kind"] != "url_template":
        return [line["expression"]]
    return [part.text for part in parse_template(line["expression"]) if not isinstance(part, str)]


def wanted(line: dict[str, Any]) -> Type | None:
    type_ = TYPES.get(line["returns"])
    return None if line["kind"] == "default_value" and type_ is Type.PICKLIST else type_


def test_published_formulas_parse() -> None:
    wrong = []
    for line in corpus_lines("sfdx/expressions.jsonl"):
        try:
            for text in texts(line):
                parse(text)
        except FormulaError as error:
            wrong.append(error.message)
    assert wrong == []


def test_published_formulas_with_known_names_have_a_type() -> None:
    checked, wrong = 0, []
    for line in corpus_lines("sfdx/expressions.jsonl"):
        scope = ProjectScope(read_project(CORPUS / "sfdx" / line["project"]), line["object"])
        for text in texts(line):
            try:
                check(parse(text), scope, text=text, returns=wanted(line) if line["kind"] != "url_template" else None)
            except FormulaError as error:
                if {p.code for p in error.problems} & ELSEWHERE:
                    continue
                if not {p.code for p in error.problems} & REFUSED_BY_NAME:
                    wrong.append(f"{line['project']} {line['object']}.{line['name']}: {error.message}")
            checked += 1
    assert checked > 250
    assert len(wrong) <= 0.05 * checked, "\n".join(wrong)
