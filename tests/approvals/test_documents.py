"""Wrong approvals are refused where they are wrong, with what to do; what may find nobody is told as a warning."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from trellis.automation.checking import CHECKER
from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language

from .worlds import BASE, deal

LANGUAGE = Language(
    field_types(),
    system={"user": {"name": "text", "login": "text"}},
    formula_checker=check_formula,
    automation_checker=CHECKER,
)
GOOD: dict[str, Any] = {
    "kind": "approval",
    "name": "margin",
    "object": "deal",
    "when": "amount > 100",
    "lock": {"open": ["note"]},
    "fields": ["amount"],
    "steps": [
        {"name": "one", "approvers": [{"role": "boss"}]},
        {"name": "two", "approvers": [{"group": "finance"}], "decide": "all", "reject_to": "one"},
    ],
}


def judged(document: dict[str, Any], *more: dict[str, Any]) -> list[tuple[str, str, str]]:
    pipelines = [d["name"] for d in more if d["kind"] == "pipeline"]
    _, found = LANGUAGE.check([*BASE, deal(*pipelines), document, *more])
    return [(d.severity.value, d.code, d.pointer) for d in found]


def changed(*path: Any, value: Any) -> dict[str, Any]:
    document: Any = copy.deepcopy(GOOD)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document  # type: ignore[no-any-return]


def test_the_sample_is_right() -> None:
    assert judged(GOOD) == []


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        (changed("object", value="order"), "unknown_reference", "/object"),
        (changed("when", value="amoun > 1"), "unknown_name", "/when"),
        (changed("when", value="amount + 1"), "result_type", "/when"),
        (changed("lock", "open", value=["nothing"]), "unknown_field", "/lock/open/0"),
        (changed("fields", value=["nothing"]), "unknown_field", "/fields/0"),
        (
            changed("steps", 0, "approvers", value=[{"role": "nobody"}]),
            "unknown_reference",
            "/steps/0/approvers/0/role",
        ),
        (changed("steps", 0, "approvers", value=[{"field": "amount"}]), "not_a_person", "/steps/0/approvers/0/field"),
        (changed("steps", 0, value={"name": "one"}), "no_approvers", "/steps/0"),
        (changed("steps", 0, "queue", value="finance"), "queue_or_approvers", "/steps/0/queue"),
        (
            changed("steps", 0, value={"name": "one", "queue": "finance", "decide": "all"}),
            "no_effect",
            "/steps/0/decide",
        ),
        (changed("steps", 0, "together", value=True), "no_effect", "/steps/0/together"),
        (changed("steps", 0, "reject_to", value="two"), "unknown_step", "/steps/0/reject_to"),
        (changed("steps", 1, "together", value=True), "unknown_step", "/steps/1/reject_to"),
        (changed("steps", 1, "name", value="one"), "duplicate_name", "/steps/1/name"),
        (changed("steps", 1, "when", value="amoun > 1"), "unknown_name", "/steps/1/when"),
        (
            changed("steps", 1, "deadline", value={"within": "P1D", "to": [{"role": "boss"}]}),
            "no_effect",
            "/steps/1/deadline/to",
        ),
        (changed("steps", 1, "deadline", value={"within": "two days"}), "wrong_format", "/steps/1/deadline/within"),
        (changed("steps", 1, "decide", value="some"), "unknown_value", "/steps/1/decide"),
        (changed("steps", value=[]), "too_few", "/steps"),
        (changed("approvers_see", value="fields") | {"fields": []}, "nothing_shown", "/approvers_see"),
        (
            changed("on_change", value={"fields": ["amount"], "then": "restart"}),
            "no_effect",
            "/on_change",
        ),
        (changed("colour", value="red"), "unknown_key", "/colour"),
        (
            changed("on_approve", value=[{"name": "x", "action": "explode", "with": {}}]),
            "unknown_action",
            "/on_approve/0/action",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_wrong_document_is_refused(document: dict[str, Any], code: str, pointer: str) -> None:
    assert ("error", code, pointer) in judged(document)


def test_a_message_without_a_condition_is_never_shown() -> None:
    document = {k: v for k, v in GOOD.items() if k != "when"} | {"message": "No."}
    assert judged(document) == [("error", "no_effect", "/message")]


@pytest.mark.parametrize(
    "rule",
    [
        {"manager_of": "owner"},
        {"field": "second"},
        {"head_of": "branches"},
        {"formula": '"ann"'},
        {"users": ["ann"]},
        {"group": "finance", "within": "branches"},
    ],
    ids=str,
)
def test_a_step_that_may_find_nobody_is_told(rule: dict[str, Any]) -> None:
    warning = ("warning", "maybe_nobody", "/steps/0/approvers")
    assert judged(changed("steps", 0, "approvers", value=[rule])) == [warning]
    assert judged(changed("steps", 0, "approvers", value=[rule, {"role": "boss"}])) == []
    assert judged(changed("steps", 0, value={"name": "one", "approvers": [rule], "nobody": "skip"})) == []
    fallback = {"name": "one", "approvers": [rule], "fallback": [{"group": "finance"}]}
    assert judged(changed("steps", 0, value=fallback)) == []


def pipeline(**won: Any) -> dict[str, Any]:
    return {
        "kind": "pipeline",
        "name": "sale",
        "object": "deal",
        "field": "stage",
        "stages": [{"name": "new"}, {"name": "won", "closed": "won", **won}],
    }


def test_a_stage_names_an_approval_of_its_object() -> None:
    assert judged(GOOD, pipeline(approval="margin")) == []
    assert ("error", "unknown_reference", "/stages/1/approval") in judged(GOOD, pipeline(approval="other"))
    first = pipeline()
    first["stages"][0]["approval"] = "margin"
    assert judged(GOOD, first) == [("error", "approval_at_start", "/stages/0/approval")]
