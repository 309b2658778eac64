"""What the language refuses in automations, before anything of it can run."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import field, obj

from trellis.automation.action import Action, DuplicateAction, actions
from trellis.automation.checking import CHECKER, schema_of
from trellis.core import core_documents
from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata.context import Check
from trellis_metadata.kinds.automation import step_references
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot

from .sample import OBJECTS, formula, rule, step

LANGUAGE = Language(field_types(), system={}, formula_checker=check_formula, automation_checker=CHECKER)
SET = step("s", "set_fields", values={"note": "x"})
BASE, _ = LANGUAGE.check([*core_documents(), *OBJECTS])
assert BASE is not None


def found(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    """Codes and places of what is wrong."""
    return [(d.code, d.pointer) for d in LANGUAGE.check(list(documents), BASE)[1]]


def inside(*steps: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return found(rule("r", *steps, **more))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (rule("r", SET, on={"on": "created", "field": "note"}), ("key_without_effect", "/triggers/0/field")),
        (rule("r", SET, on={"on": "changed"}), ("missing_key", "/triggers/0")),
        (rule("r", SET, on={"on": "changed", "field": "nope"}), ("unknown_field", "/triggers/0/field")),
        (rule("r", SET, on={"on": "stage_entered", "field": "note"}), ("wrong_field_type", "/triggers/0/field")),
        (rule("r", SET, on={"on": "stage_left", "stages": ["nope"]}), ("unknown_stage", "/triggers/0/stages/0")),
        (rule("r", SET, on={"on": "date", "field": "note"}), ("wrong_field_type", "/triggers/0/field")),
        (rule("r", SET, on={"on": "date", "field": "close_date", "calendar": "c"}), ("key_without_effect", "/triggers/0/calendar")),
        (rule("r", SET, on={"on": "date", "field": "close_date", "working_time": True, "calendar": "c"}), ("unknown_reference", "/triggers/0/calendar")),
        (rule("r", SET, on={"on": "date", "field": "close_date", "offset": "7 days"}), ("wrong_format", "/triggers/0/offset")),
        (rule("r", SET, on={"on": "date", "field": "close_date", "at": "25:00"}), ("wrong_format", "/triggers/0/at")),
        (rule("r", SET, on={"on": "schedule", "cron": "99 * * * *"}), ("bad_schedule", "/triggers/0/cron")),
        (rule("r", SET, on={"on": "schedule", "cron": "0 * * * *", "zone": "Mars"}), ("bad_schedule", "/triggers/0/zone")),
        (rule("r", SET, on={"on": "webhook"}), ("missing_key", "/triggers/0")),
        (rule("r", SET, on={"on": "webhook", "match": {"nope": "x"}}), ("unknown_field", "/triggers/0/match/nope")),
        (rule("r", SET, on={"on": "webhook", "match": {"name": "x"}, "key": "1 + 1"}), ("result_type", "/triggers/0/key")),
        (rule("r", SET, on="created", object=None), ("missing_key", "")),
        (rule("r", SET, on="schedule", object="nope"), ("unknown_reference", "/object")),
        (rule("r", SET, when="amount"), ("result_type", "/when")),
        (rule("r", SET, when="$body"), ("unknown_name", "/when")),
        (rule("r", SET, fires="becomes_true"), ("key_without_effect", "/fires")),
        (rule("r", SET, on="manual", on_error="stop"), ("key_without_effect", "/on_error")),
        (rule("r", SET, run="later", on_error="stop"), ("key_without_effect", "/on_error")),
        (rule("r", SET, run="before", on_error="isolate"), ("key_without_effect", "/on_error")),
        (rule("r", SET, on="manual", run="later"), ("key_without_effect", "/run")),
        (rule("r", SET, on="deleted", run="before"), ("not_before", "/triggers/0/on")),
        (rule("r", step("c", "create", object="task", values={}), run="before"), ("not_before", "/steps/0/action")),
        (rule("r", SET, on={"on": "date", "field": "close_date"}, **{"as": "user"}), ("no_person", "/triggers/0/on")),
        (rule("r", SET, when="ISNEW()", on="manual"), ("no_change", "/when")),
        (rule("r", step("s", "set_fields", values={"note": formula("$old.note")}), run="later"), ("no_change", "/steps/0/with/values/note")),
    ],
)  # fmt: skip
def test_what_would_have_no_effect_or_never_fit_is_refused(document: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in found(document)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (step("s", "nope"), ("unknown_action", "/steps/0/action")),
        (step("s", "set_fields"), ("missing_key", "/steps/0/with")),
        (step("s", "set_fields", values={"nope": 1}), ("unknown_field", "/steps/0/with/values/nope")),
        (step("s", "set_fields", values={"amount": "many"}), ("bad_value", "/steps/0/with/values/amount")),
        (step("s", "set_fields", values={"amount": formula("name")}), ("wrong_type", "/steps/0/with/values/amount")),
        (step("s", "set_fields", values={"note": formula("nope")}), ("unknown_name", "/steps/0/with/values/note")),
        (step("s", "set_fields", values={"id": 1}), ("unknown_field", "/steps/0/with/values/id")),
        (step("s", "set_fields", values={"note": "x"}, odd=1), ("unknown_key", "/steps/0/with/odd")),
        (step("s", "create", object="nope", values={}), ("unknown_reference", "/steps/0/with/object")),
        (step("s", "update", related="nope", values={"status": "x"}), ("unknown_relation", "/steps/0/with/related")),
        (step("s", "update", related="lines", values={"status": "x"}), ("unknown_field", "/steps/0/with/values/status")),
        (step("s", "update", related="lines", values={"state": "x"}, when="amount > 1"), ("unknown_name", "/steps/0/with/when")),
        (step("s", "update", related="lines", values={"state": "x"}, limit=5000), ("out_of_range", "/steps/0/with/limit")),
        (step("s", "upsert", object="account", match={"name": "x"}, values={"name": "y"}), ("set_twice", "/steps/0/with/values/name")),
        (step("s", "link", related="lines", match={"name": "x"}), ("unknown_relation", "/steps/0/with/related")),
        (step("s", "link", related="account", match={"nope": "x"}), ("unknown_field", "/steps/0/with/match/nope")),
        (step("s", "link", related="account", match={"name": "x"}, missing="odd"), ("unknown_value", "/steps/0/with/missing")),
        (step("s", "tag", field="note", add=["x"]), ("wrong_field_type", "/steps/0/with/field")),
        (step("s", "tag", field="tags"), ("missing_key", "/steps/0/with")),
        (step("s", "assign", to=[{"users": ["a"]}], field="note"), ("wrong_field_type", "/steps/0/with/field")),
        (step("s", "move_stage", to="nope"), ("unknown_stage", "/steps/0/with/to")),
        (step("s", "create_task", subject="{!nope}"), ("unknown_name", "/steps/0/with/subject")),
        (step("s", "create_task", subject="x", object="account"), ("no_task_object", "/steps/0/with/object")),
        (step("s", "notify", to=[{"users": ["a"]}], text={"en": "{!", "zh": "x"}), ("syntax", "/steps/0/with/text/en")),
        (step("s", "wait"), ("exactly_one", "/steps/0/with")),
        (step("s", "wait", until_when="amount > 1"), ("missing_key", "/steps/0/with")),
        (step("s", "wait", until="close_date", working_time=True), ("key_without_effect", "/steps/0/with/working_time")),
        (step("s", "wait", calendar="c", **{"for": "P1D"}), ("key_without_effect", "/steps/0/with/calendar")),
        (step("s", "call", automation="nope"), ("unknown_reference", "/steps/0/with/automation")),
        (step("s", "call", automation="r"), ("not_callable", "/steps/0/with/automation")),
        (step("s", "branch", when="amount > 1", then=[step("s", "set_fields", values={"note": "x"})]), ("duplicate_name", "/steps/0/with/then/0/name")),
        (step("s", "for_each", related="lines", steps=[step("w", "wait", **{"for": "P1D"})]), ("no_wait", "/steps/0/with/steps/0/with")),
        (step("s", "for_each", related="account", steps=[SET]), ("unknown_relation", "/steps/0/with/related")),
    ],
)  # fmt: skip
def test_a_wrong_step_is_refused_at_its_place(one: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in inside(one)


def test_results_of_steps_are_typed_and_only_earlier_ones_are_known() -> None:
    task = step("t", "create", object="task", values={"subject": "x"})
    assert inside(task, step("s", "set_fields", values={"note": formula("$steps.t.subject")})) == []
    assert inside(step("s", "set_fields", values={"note": formula("$steps.t.subject")}), task)[0][0] == "unknown_name"
    assert inside(task, step("s", "set_fields", values={"amount": formula("$steps.t.subject")}))[0][0] == "wrong_type"
    assert inside(task, step("s", "set_fields", values={"note": formula("$steps.t.nope")}))[0][0] == "unknown_name"
    # What one way of a branch made is not known after it.
    branch = step("b", "branch", when="amount > 1", then=[task])
    assert inside(branch, step("s", "set_fields", values={"note": formula("$steps.t.subject")}))[0][0] == "unknown_name"


def test_steps_without_a_record_do_only_what_needs_none() -> None:
    hook = {"on": "webhook"}
    assert inside(step("c", "create", object="task", values={"subject": formula("$body")}), on=hook, object=None) == []
    assert ("no_record", "/steps/0/with") in inside(SET, on=hook, object=None)
    assert (
        inside(step("c", "create", object="task", values={"subject": formula("name")}), on=hook, object=None)[0][0]
        == "unknown_name"
    )


def test_too_deep_steps_are_refused() -> None:
    one = step("s", "set_fields", values={"note": "x"})
    for number in range(6):
        one = step(f"b{number}", "branch", when="amount > 1", then=[one])
    assert "too_deep" in {code for code, _ in inside(one)}


def test_a_removed_field_is_missed_by_the_automation_that_sets_it() -> None:
    base, _ = LANGUAGE.check([rule("r", SET)], BASE)
    without = obj(
        "deal",
        *(
            field(f["name"], **{k: v for k, v in f.items() if k != "name"})
            for f in OBJECTS[1]["fields"]
            if f["name"] != "note"
        ),
    )
    codes = [(d.document, d.code) for d in LANGUAGE.check([without], base)[1]]
    assert ("automation/r", "unknown_field") in codes


def test_without_a_checker_no_steps_can_be_declared() -> None:
    language = Language(field_types(), system={}, formula_checker=check_formula)
    assert ("steps_not_available", "/steps") in [(d.code, d.pointer) for d in language.check([rule("r", SET)], BASE)[1]]


def test_steps_of_other_documents_are_judged_by_the_same_rules() -> None:
    assert isinstance(BASE, Snapshot)
    context: Check = LANGUAGE.context(BASE)
    steps = [step("s", "set_fields", values={"nope": 1}), step("w", "wait", **{"for": "P1D"})]
    codes = {(d.code, d.pointer) for d in context.steps(steps, "deal", "/on_approve")}
    assert codes == {("unknown_field", "/on_approve/0/with/values/nope"), ("no_wait", "/on_approve/1/with")}
    nested = [step("b", "branch", when="TRUE", then=[step("c", "create", object="task", values={})])]
    assert [(r.pointer, r.kind, r.name) for r in step_references(nested, "/x")] == [
        ("/x/0/with/then/0/with/object", "object", "task")
    ]


def test_every_action_describes_its_keys_in_a_closed_schema() -> None:
    for action in actions().values():
        assert set(action.label) == {"en", "zh"}
        schema = schema_of(action)
        assert schema["additionalProperties"] is False and set(action.required) <= set(schema["properties"])
        assert all("description" in p and "examples" in p for p in action.properties.values()), action.name


def test_two_actions_of_one_name_are_an_error_that_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis import plugins

    class Again(Action):
        name = "create"

    def give(hook: str, **_arguments: Any) -> Any:
        return [("mine", Again())] if hook == "trellis_actions" else []

    monkeypatch.setattr(plugins, "given", give)
    with pytest.raises(DuplicateAction, match="mine"):
        actions.__wrapped__()
