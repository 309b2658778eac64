"""Plans by example: what they say, how dangerous they are, how renames are told."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from language.strategies import LANGUAGE

from trellis_metadata import operations as ops
from trellis_metadata.danger import Danger
from trellis_metadata.plan import Plan, StalePlan, diff
from trellis_metadata.renames import BadRename
from trellis_metadata.snapshot import EMPTY, Snapshot

NAME = {"name": "name", "type": "text", "max_length": 100}
AMOUNT = {"name": "amount", "type": "currency"}
STAGE = {"name": "stage", "type": "picklist", "options": [{"name": "hot"}, {"name": "cold"}]}


def deal(*fields: dict[str, Any], **keys: Any) -> Snapshot:
    document = {"kind": "object", "name": "deal", "fields": [copy.deepcopy(f) for f in fields], **keys}
    snapshot, found = LANGUAGE.check([document])
    assert snapshot is not None, found
    return snapshot


CASES = [
    (deal(NAME), deal(NAME, AMOUNT), "Add field 'amount' (currency) to object 'deal'", "向对象“deal”添加字段“amount”（currency）", Danger.SAFE),
    (deal(NAME, AMOUNT), deal(NAME), "Remove field 'amount' from object 'deal'", "从对象“deal”删除字段“amount”", Danger.DESTRUCTIVE),
    (EMPTY, deal(NAME), "Add object 'deal'", "添加对象“deal”", Danger.SAFE),
    (deal(NAME), EMPTY, "Remove object 'deal'", "删除对象“deal”", Danger.DESTRUCTIVE),
    (deal(NAME), deal({**NAME, "max_length": 50}), "Change max_length of field 'name' of object 'deal' from 100 to 50",
     "将对象“deal”的字段“name”的 max_length 由 100 改为 50", Danger.CAUTION),
    (deal(NAME), deal({**NAME, "max_length": 200}), "Change max_length of field 'name' of object 'deal' from 100 to 200",
     "将对象“deal”的字段“name”的 max_length 由 100 改为 200", Danger.SAFE),
    (deal(NAME), deal({**NAME, "required": True}), "Change required of field 'name' of object 'deal' from nothing to true",
     "将对象“deal”的字段“name”的 required 由 无 改为 true", Danger.CAUTION),
    (deal(AMOUNT), deal({"name": "amount", "type": "integer"}), "Change type of field 'amount' of object 'deal' from \"currency\" to \"integer\"",
     "将对象“deal”的字段“amount”的 type 由 \"currency\" 改为 \"integer\"", Danger.DESTRUCTIVE),
    (deal(NAME, AMOUNT), deal(AMOUNT, NAME), "Order each field of object 'deal' as [\"amount\", \"name\"]",
     "将对象“deal”的字段排序为 [\"amount\", \"name\"]", Danger.SAFE),
    (deal(STAGE), deal({**STAGE, "options": [{"name": "hot"}]}), "Remove option 'cold' from field 'stage' of object 'deal'",
     "从对象“deal”的字段“stage”删除选项“cold”", Danger.DESTRUCTIVE),
    (deal(NAME), deal(NAME, sharing={"default": "read"}), "Change sharing of object 'deal' from nothing to {\"default\": \"read\"}",
     "将对象“deal”的 sharing 由 无 改为 {\"default\": \"read\"}", Danger.CAUTION),
    (deal(NAME, sharing={"default": "read"}), deal(NAME, sharing={"default": "edit"}), "Change sharing.default of object 'deal' from \"read\" to \"edit\"",
     "将对象“deal”的 sharing.default 由 \"read\" 改为 \"edit\"", Danger.CAUTION),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "english", "chinese", "danger"), CASES, ids=[case[2] for case in CASES])
def test_operation_says_what_it_does_and_how_dangerous_it_is(
    before: Snapshot, after: Snapshot, english: str, chinese: str, danger: Danger
) -> None:
    plan = diff(before, after, LANGUAGE)
    assert (plan.describe(), plan.describe("zh"), plan.danger) == ([english], [chinese], danger)


def test_answered_rename_is_recorded_and_keeps_the_data() -> None:
    a, b = deal(NAME, AMOUNT), deal(NAME, {**AMOUNT, "name": "value", "label": "Value"})
    plan = diff(a, b, LANGUAGE, [("object", "deal", ("fields", "amount"), "value")])
    assert plan.operations[0] == ops.RenameElement("object", "deal", ("fields", "amount"), "value", ("amount",))
    assert (plan.danger, plan.describe()[0]) == (Danger.SAFE, "Rename field 'amount' of object 'deal' to 'value'")
    reached = plan.apply(a)
    assert reached.documents["object", "deal"]["fields"][1] == {
        **AMOUNT,
        "name": "value",
        "label": "Value",
        "was": ["amount"],
    }
    assert plan.inverse(a).apply(reached) == a


def test_rename_without_answer_is_removal_and_addition() -> None:
    plan = diff(deal(AMOUNT), deal({**AMOUNT, "name": "value"}), LANGUAGE)
    assert [type(op) for op in plan.operations] == [ops.RemoveElement, ops.AddElement]


def test_old_name_in_the_document_is_a_rename_in_both_directions() -> None:
    a, b = deal(AMOUNT, NAME), deal({**AMOUNT, "name": "value", "was": ["amount"]}, NAME)
    assert [type(op) for op in diff(a, b, LANGUAGE).operations] == [ops.RenameElement]
    assert [type(op) for op in diff(b, a, LANGUAGE).operations] == [ops.RenameElement]
    assert diff(b, a, LANGUAGE).apply(b) == a


def test_object_and_its_field_are_renamed_together() -> None:
    a = deal(AMOUNT, STAGE)
    warm = {**STAGE, "name": "phase", "options": [{"name": "warm"}, {"name": "cold"}]}
    b = Snapshot.of([{"kind": "object", "name": "chance", "fields": [AMOUNT, warm]}])
    answers = [("object", "deal", ("fields", "stage", "options", "hot"), "warm"), ("object", "deal", (), "chance"),
               ("object", "deal", ("fields", "stage"), "phase")]  # fmt: skip
    plan = diff(a, b, LANGUAGE, answers)
    assert [type(op) for op in plan.operations] == [ops.RenameElement] * 3
    assert plan.inverse(a).apply(plan.apply(a)) == a
    assert Plan.from_json(plan.to_json()) == plan


def test_answer_about_something_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRename):
        diff(deal(AMOUNT), deal(NAME), LANGUAGE, [("object", "deal", ("fields", "amount"), "value")])


def test_plan_is_refused_for_another_base() -> None:
    plan = diff(deal(NAME), deal(AMOUNT), LANGUAGE)
    with pytest.raises(StalePlan):
        plan.apply(deal(STAGE))


def test_true_and_one_are_different_values() -> None:
    a = Snapshot.of([{"kind": "object", "name": "deal", "fields": [], "features": {"files": True}}])
    b = Snapshot.of([{"kind": "object", "name": "deal", "fields": [], "features": {"files": 1}}])
    assert len(diff(a, b, LANGUAGE).operations) == 1


@pytest.mark.parametrize(
    "operation",
    [
        ops.AddDocument("object", "deal", {"kind": "object", "name": "deal", "fields": []}),
        ops.RemoveDocument("object", "order"),
        ops.AddElement("object", "deal", ("fields", "name"), NAME, 0),
        ops.RemoveElement("object", "deal", ("fields", "amount")),
        ops.ChangeElement("object", "deal", ("fields", "name", "max_length"), 99, 50),
        ops.ChangeElement("object", "deal", ("fields", "amount", "max_length"), 99, 50),
        ops.RenameElement("object", "deal", ("fields", "amount"), "value"),
        ops.ReorderElements("object", "deal", ("fields",), ("name", "amount")),
    ],
    ids=lambda operation: operation.op,
)
def test_operation_made_for_another_snapshot_is_refused(operation: ops.Operation) -> None:
    with pytest.raises(ops.CannotApply):
        operation.apply(deal(NAME))


@pytest.mark.parametrize(
    "value", [{}, {"op": "explode"}, {"op": "add_element", "kind": "object"}, None, 3, {"op": ["x"]}]
)
def test_json_that_is_no_operation_is_refused(value: Any) -> None:
    with pytest.raises(ops.UnknownOperation):
        ops.from_json(value)
