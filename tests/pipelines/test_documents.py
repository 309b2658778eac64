"""Wrong pipelines are refused where they are wrong, with what to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from support.kernel import field, obj

from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language

from .sample import KA, SMB, deal

LANGUAGE = Language(field_types(), system={}, formula_checker=check_formula)


def judged(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    _, found = LANGUAGE.check(list(documents))
    return [(d.code, d.pointer) for d in found]


def changed(*path: Any, value: Any) -> dict[str, Any]:
    document: Any = copy.deepcopy(SMB)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document  # type: ignore[no-any-return]


def test_the_sample_is_right() -> None:
    assert judged(deal(), SMB, KA) == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (changed("object", value="order"), ("unknown_reference", "/object")),
        (changed("field", value="phase"), ("unknown_field", "/field")),
        (changed("field", value="name"), ("not_a_stage_field", "/field")),
        (changed("name", value="other"), ("pipeline_not_used", "/field")),
        (changed("when", value="kind >"), ("syntax", "/when")),
        (changed("when", value="amount + 1"), ("result_type", "/when")),
        (changed("moves", value=[["new", "wonn"]]), ("unknown_stage", "/moves/0/1")),
        (changed("moves", value=[["new", "new"]]), ("pointless_move", "/moves/0")),
        (changed("stages", 0, "requires", value=["sum"]), ("unknown_field", "/stages/0/requires/0")),
        (changed("stages", 0, "reopen", value=True), ("not_closed", "/stages/0/reopen")),
        (changed("stages", 3, "initial", value=True), ("closed_at_start", "/stages/3/initial")),
        (changed("stages", 3, "stuck_after", value="P1D"), ("closed_stage", "/stages/3/stuck_after")),
        (changed("stages", 0, "stuck_counts", value="working_time"), ("key_without_effect", "/stages/0/stuck_counts")),
        (changed("stages", 3, "stuck_counts", value="working_time"), ("closed_stage", "/stages/3/stuck_counts")),
        (changed("stages", 0, "enter_message", value="No"), ("message_without_gate", "/stages/0/enter_message")),
        (changed("stages", 3, "enter_when", value="amout > 0"), ("unknown_name", "/stages/3/enter_when")),
        (changed("stages", 0, "probability", value=101), ("out_of_range", "/stages/0/probability")),
        (changed("stages", 1, "stuck_after", value="14 days"), ("wrong_format", "/stages/1/stuck_after")),
        (changed("stages", 1, "colour", value="red"), ("unknown_key", "/stages/1/colour")),
        (
            changed("stages", 1, "activities", value=[{"name": "a"}, {"name": "a"}]),
            ("duplicate_name", "/stages/1/activities/1/name"),
        ),
        (changed("stages", 1, "name", value="new"), ("duplicate_name", "/stages/1/name")),
        (
            changed("stages", 1, "tools", value=[{"name": "x", "url": "javascript:alert(1)"}]),
            ("wrong_format", "/stages/1/tools/0/url"),
        ),
        (changed("probability_field", value="name"), ("wrong_field_type", "/probability_field")),
        (changed("stages", value=[{"name": "won", "closed": "won"}]), ("no_initial_stage", "/stages")),
        (changed("stages", value=[]), ("too_few", "/stages")),
    ],
    ids=lambda v: v[0] if isinstance(v, tuple) else "",
)
def test_a_wrong_document_is_refused(document: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in judged(deal(), KA, document)


def test_a_stage_value_without_its_field_has_no_effect_and_is_refused() -> None:
    document = {k: v for k, v in SMB.items() if k != "probability_field"}
    assert ("no_field_for_value", "/stages/0/probability") in judged(deal(), KA, document)


def test_a_stage_field_has_pipelines_or_options() -> None:
    both = obj("deal", field("stage", "stage", pipelines=["p"], options=[{"name": "new"}]))
    pipeline = {"kind": "pipeline", "name": "p", "object": "deal", "field": "stage", "stages": [{"name": "new"}]}
    assert ("options_or_pipelines", "/fields/0") in judged(both, pipeline)
    neither = obj("deal", field("stage", "stage"))
    assert ("options_or_pipelines", "/fields/0") in judged(neither)
    other = obj("deal", field("stage", "stage", pipelines=["p"], default="new"))
    assert ("default_of_pipeline", "/fields/0/default") in judged(other, pipeline)
    assert ("unknown_reference", "/fields/0/pipelines/0") in judged(
        obj("deal", field("stage", "stage", pipelines=["p"]))
    )


def test_a_pipeline_belongs_to_one_object() -> None:
    other = obj("order", field("stage", "stage", pipelines=["smb"]))
    assert judged(deal(), SMB, KA, other) == [("pipeline_of_other_object", "/object")]


def test_a_probability_outside_the_limits_of_its_field_is_refused() -> None:
    owner = deal()
    fields = [{**f, "max": "50"} if f["name"] == "probability" else f for f in owner["fields"]]
    found = judged({**owner, "fields": fields}, SMB, KA)
    assert found == [("out_of_range", "/stages/2/probability"), ("out_of_range", "/stages/3/probability")]


def test_a_forecast_that_is_no_option_of_its_field_is_refused() -> None:
    owner = deal()
    options = [{"name": n} for n in ("pipeline", "best_case", "shut")]
    picklist = {"name": "forecast", "type": "picklist", "options": options}
    fields = [picklist if f["name"] == "forecast" else f for f in owner["fields"]]
    assert judged({**owner, "fields": fields}, SMB, KA) == [("unknown_option", "/stages/3/forecast")]
    picklist["options"] = [*options, {"name": "closed"}]
    assert judged({**owner, "fields": fields}, SMB, KA) == []
