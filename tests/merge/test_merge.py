"""What the merge makes of the cases that people meet, one by one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from merge.triples import LANGUAGE, base_pack

from trellis_metadata.merge import Merge, Outcome, Side, Verdict, merge, security_flags
from trellis_metadata.snapshot import Snapshot

Json = dict[str, Any]
Change = Callable[[dict[str, Json]], None]
BASE = base_pack()


def edit(*changes: Change, of: Snapshot = BASE) -> Snapshot:
    """Return a version with changes made to its documents, which are found by name."""
    documents = {d["name"]: copy.deepcopy(dict(d)) for d in of}
    for change in changes:
        change(documents)
    snapshot, found = LANGUAGE.check(list(documents.values()))
    assert snapshot is not None, found
    return snapshot


def merged(theirs: Change, ours: Change, choices: dict[str, Side] | None = None) -> Merge:
    return merge(BASE, edit(theirs), edit(ours), LANGUAGE, choices)


def named(elements: list[Json], name: str) -> Json:
    return next(e for e in elements if e["name"] == name)


def field(name: str, *path: str, **values: Any) -> Change:
    """Change keys of a field of the object student; None takes one away."""

    def change(documents: dict[str, Json]) -> None:
        found = named(documents["student"]["fields"], name)
        for key, value in values.items():
            found.pop(key, None)
            if value is not None:
                found[key] = value

    return change


def remove(document: str, key: str, name: str) -> Change:
    def change(documents: dict[str, Json]) -> None:
        documents[document][key] = [e for e in documents[document][key] if e["name"] != name]

    return change


def put(document: str, key: str, value: Any) -> Change:
    def change(documents: dict[str, Json]) -> None:
        documents[document][key] = value

    return change


def add(document: str, key: str, *values: Any) -> Change:
    def change(documents: dict[str, Json]) -> None:
        documents[document].setdefault(key, []).extend(values)

    return change


def nothing(documents: dict[str, Json]) -> None:
    pass


def both(*changes: Change) -> Change:
    def change(documents: dict[str, Json]) -> None:
        for one in changes:
            one(documents)

    return change


def outcome(found: Merge, *path: str, name: str = "student") -> Outcome:
    return next(o for o in found.outcomes if o.name == name and o.path == path)


def doc(found: Merge, name: str, kind: str = "object") -> Any:
    return found.snapshot.get(kind, name)


# -- classes ------------------------------------------------------------------------------------------------------


def test_vendor_change_arrives_where_the_customer_changed_nothing() -> None:
    found = merged(field("grade", max=12), nothing)
    assert (outcome(found, "fields", "grade", "max").verdict, doc(found, "student")["fields"][1]["max"]) == (
        Verdict.THEIRS,
        12,
    )


def test_customer_change_stays_where_the_vendor_changed_nothing() -> None:
    found = merged(nothing, field("grade", max=12))
    assert (outcome(found, "fields", "grade", "max").verdict, found.snapshot) == (
        Verdict.OURS,
        edit(field("grade", max=12)),
    )


def test_same_change_on_both_sides_is_no_conflict() -> None:
    found = merged(field("grade", max=12), field("grade", max=12))
    assert (outcome(found, "fields", "grade", "max").verdict, found.conflicts) == (Verdict.SAME, ())


def test_changes_of_different_keys_of_one_field_merge() -> None:
    found = merged(field("grade", max=12), field("grade", required=True))
    assert doc(found, "student")["fields"][1] == {
        "name": "grade",
        "type": "integer",
        "min": 1,
        "required": True,
        "max": 12,
    }


def test_different_changes_of_one_value_conflict_with_both_values_and_a_recommendation() -> None:
    found = merged(field("name", max_length=90), field("name", max_length=70))
    conflict = found.conflicts[0]
    assert (conflict.theirs, conflict.ours, conflict.reason, conflict.recommended) == (90, 70, "both_changed", "ours")
    assert doc(found, "student")["fields"][0]["max_length"] == 70


def test_choice_decides_a_conflict() -> None:
    key = merged(field("grade", max=12), field("grade", max=9)).conflicts[0].key
    found = merged(field("grade", max=12), field("grade", max=9), {key: Side.THEIRS})
    assert (doc(found, "student")["fields"][1]["max"], found.open_conflicts) == (12, ())


def test_choice_is_not_good_for_another_pair_of_values() -> None:
    key = merged(field("grade", max=12), field("grade", max=9)).conflicts[0].key
    found = merged(field("grade", max=11), field("grade", max=9), {key: Side.THEIRS})
    assert len(found.open_conflicts) == 1


def test_labels_merge_by_language() -> None:
    found = merged(
        put("student", "label", {"en": "Learner", "zh": "学生"}),
        put("student", "label", {"en": "Student", "zh": "学员"}),
    )
    assert doc(found, "student")["label"] == {"en": "Learner", "zh": "学员"}


def test_outcome_names_its_element_in_both_languages() -> None:
    found = merged(field("grade", max=12), nothing)
    entry = outcome(found, "fields", "grade", "max")
    assert (entry.describe("en"), entry.describe("zh")) == (
        "max of field 'grade' of object 'student'",
        "对象“student”的字段“grade”的最大值",
    )


# -- deletions ----------------------------------------------------------------------------------------------------


def without_grade_uses(documents: dict[str, Json]) -> None:
    for rule in list(documents["student"]["validation"]):
        if rule["name"] == "grade_known":
            documents["student"]["validation"].remove(rule)
    documents["student_page"]["sections"][0]["cells"] = [["name"], ["stage", None]]
    documents["student_page"]["highlights"] = ["stage"]
    documents["students"]["columns"] = ["name", "stage", "school.city"]
    documents["students"]["sort"] = [{"field": "name"}]
    del documents["students"]["filter"]


def test_what_the_customer_deleted_does_not_come_back() -> None:
    found = merged(field("fee", scale=4), remove("student", "validation", "fee_small"))
    assert [r["name"] for r in doc(found, "student")["validation"]] == ["grade_known"]
    assert outcome(found, "validation", "fee_small").verdict is Verdict.OURS


def test_deleting_and_changing_one_element_conflicts_either_way() -> None:
    change, gone = (
        field("fee", scale=4),
        both(remove("student", "validation", "fee_small"), remove("student", "fields", "fee")),
    )
    assert [c.reason for c in merged(change, gone).conflicts] == ["we_deleted"]
    assert [c.reason for c in merged(gone, change).conflicts if c.path == ("fields", "fee")] == ["they_deleted"]


def test_field_that_the_vendor_deletes_stays_while_the_customer_uses_it() -> None:
    gone = both(without_grade_uses, remove("student", "fields", "grade"))
    view = {"kind": "list_view", "name": "x_mine", "object": "student", "columns": ["name", "grade"]}
    found = merged(gone, lambda documents: documents.update(x_mine=view))
    conflict = next(c for c in found.conflicts if c.path == ("fields", "grade"))
    assert (conflict.reason, "x_mine" in conflict.details[0]) == ("still_used", True)
    assert "grade" in [f["name"] for f in doc(found, "student")["fields"]]


def test_choosing_the_deletion_takes_the_uses_away() -> None:
    gone = both(without_grade_uses, remove("student", "fields", "grade"))
    view = {"kind": "list_view", "name": "x_mine", "object": "student", "columns": ["name", "grade"]}
    ours = lambda documents: documents.update(x_mine=view)  # noqa: E731
    key = next(c.key for c in merged(gone, ours).conflicts if c.path == ("fields", "grade"))
    found = merged(gone, ours, {key: Side.THEIRS})
    assert (doc(found, "x_mine", "list_view")["columns"], found.removed) == (
        ["name"],
        (("list_view", "x_mine", ("columns", "grade")),),
    )


def test_new_formula_over_a_field_that_the_customer_deleted_is_a_conflict_and_not_a_broken_rule() -> None:
    rule = {"name": "new_rule", "when": "fee < 0", "message": "no"}
    gone = both(remove("student", "validation", "fee_small"), remove("student", "fields", "fee"))
    found = merged(add("student", "validation", rule), gone)
    assert [(c.path, c.reason) for c in found.conflicts] == [(("fields", "fee"), "missed")]
    assert found.removed == (("object", "student", ("validation", "new_rule")),)


# -- names --------------------------------------------------------------------------------------------------------


def rename_grade(new: str) -> Change:
    def change(documents: dict[str, Json]) -> None:
        found = named(documents["student"]["fields"], "grade")
        found.update(name=new, was=["grade"])
        named(documents["student"]["validation"], "grade_known")["when"] = f"ISBLANK({new})"
        documents["student_page"]["sections"][0]["cells"] = [["name", new], ["stage", None]]
        documents["student_page"]["highlights"] = ["stage", new]
        documents["students"].update(
            columns=["name", new, "stage", "school.city"],
            filter={"field": new, "op": ">", "value": 2},
            sort=[{"field": "name"}, {"field": new, "direction": "desc"}],
        )

    return change


def test_renamed_field_keeps_what_the_customer_changed_in_it() -> None:
    found = merged(rename_grade("level"), field("grade", required=True))
    level = named(doc(found, "student")["fields"], "level")
    assert (level["required"], level["was"], found.conflicts) == (True, ["grade"], ())


def test_what_the_customer_built_on_a_renamed_field_follows_it() -> None:
    view = {"kind": "list_view", "name": "x_mine", "object": "school", "columns": ["name"]}
    rule = {"name": "x_rule", "when": 'AND(grade > 3, school.name = "A")', "message": "no"}
    extra = {**view, "name": "x_other", "object": "student", "columns": ["grade", "name"]}
    ours = both(lambda d: d.update(x_mine=view, x_other=extra), add("student", "validation", rule))
    found = merged(rename_grade("level"), ours)
    assert doc(found, "x_other", "list_view")["columns"] == ["level", "name"]
    assert named(doc(found, "student")["validation"], "x_rule")["when"] == 'AND(level > 3, school.name = "A")'
    assert (found.conflicts, found.removed) == ((), ())


def test_field_that_the_customer_renamed_gets_the_vendors_changes() -> None:
    found = merged(field("grade", max=12), rename_grade("level"))
    assert named(doc(found, "student")["fields"], "level")["max"] == 12


def test_different_new_names_conflict_and_all_uses_follow_the_chosen_one() -> None:
    theirs, ours = rename_grade("level"), rename_grade("form")
    found = merged(theirs, ours)
    assert [(c.reason, c.theirs, c.ours) for c in found.conflicts] == [("both_renamed", "level", "form")]
    other = merged(theirs, ours, {found.conflicts[0].key: Side.THEIRS})
    views = [doc(m, "students", "list_view")["columns"][1] for m in (found, other)]
    assert views == ["form", "level"]
    assert named(doc(other, "student")["fields"], "level")["was"] == ["grade", "form"]


def test_next_version_still_knows_a_field_after_a_conflict_of_names() -> None:
    first = merged(rename_grade("level"), rename_grade("form"))
    theirs = edit(rename_grade("level"))
    later = edit(rename_grade("level"), lambda d: named(d["student"]["fields"], "level").update(max=12))
    found = merge(theirs, later, first.snapshot, LANGUAGE)
    assert named(doc(found, "student")["fields"], "form")["max"] == 12


def test_new_name_that_the_customer_has_given_to_something_else_is_a_conflict() -> None:
    ours = add("student", "fields", {"name": "level", "type": "text"})
    found = merged(rename_grade("level"), ours)
    assert [c.reason for c in found.conflicts] == ["name_taken"]
    assert {"grade", "level"} <= {f["name"] for f in doc(found, "student")["fields"]}
    forced = merged(rename_grade("level"), ours, {found.conflicts[0].key: Side.THEIRS})
    assert named(doc(forced, "student")["fields"], "level")["type"] == "integer"


def test_renamed_document_is_one_document() -> None:
    def rename(documents: dict[str, Json]) -> None:
        documents["students"].update(name="all_students", was=["students"])
        documents["tutoring"]["items"][2] = {"list_view": "all_students"}

    found = merged(rename, put("students", "columns", ["name", "grade", "stage", "school.city", "fee"]))
    assert doc(found, "students", "list_view") is None
    assert doc(found, "all_students", "list_view")["columns"][-1] == "fee"


# -- lists and layouts --------------------------------------------------------------------------------------------


def test_options_of_both_sides_stand_in_order() -> None:
    options = named(dict(BASE.get("object", "student") or {})["fields"], "stage")["options"]
    theirs = field("stage", options=[options[0], {"name": "trial"}, *options[1:]])
    ours = field("stage", options=[*options[:2], {"name": "x_hold"}, *options[2:]])
    names = [o["name"] for o in named(doc(merged(theirs, ours), "student")["fields"], "stage")["options"]]
    assert names == ["new", "trial", "open", "x_hold", "won", "lost"]


def test_order_that_one_side_changed_holds_for_what_the_other_added() -> None:
    turned = put("channel", "options", [{"name": n} for n in ("friend", "event", "web")])
    found = merged(turned, add("channel", "options", {"name": "x_tv"}))
    assert [o["name"] for o in doc(found, "channel", "picklist")["options"]] == ["friend", "x_tv", "event", "web"]


def test_two_new_orders_conflict() -> None:
    orders = [
        put("channel", "options", [{"name": n} for n in o])
        for o in (("friend", "web", "event"), ("event", "web", "friend"))
    ]
    found = merged(*orders)
    assert [c.reason for c in found.conflicts] == ["both_ordered"]
    assert [o["name"] for o in doc(found, "channel", "picklist")["options"]] == ["event", "web", "friend"]


def test_columns_of_both_sides_are_merged() -> None:
    found = merged(
        put("students", "columns", ["name", "grade", "fee", "stage", "school.city"]),
        put("students", "columns", ["name", "grade", "stage", "note"]),
    )
    assert doc(found, "students", "list_view")["columns"] == ["name", "grade", "fee", "stage", "note"]


def test_entry_of_a_list_is_known_by_its_required_key() -> None:
    items = [{"object": "student", "label": "Pupils"}, {"object": "school"}, {"list_view": "students"}]
    other = [{"object": "student"}, {"object": "school", "label": "Schools"}, {"list_view": "students"}]
    found = merged(put("tutoring", "items", items), put("tutoring", "items", other))
    assert doc(found, "tutoring", "app")["items"] == [items[0], other[1], {"list_view": "students"}]


def cells(main: list[Any], more: list[Any]) -> Change:
    def change(documents: dict[str, Json]) -> None:
        documents["student_page"]["sections"][0]["cells"] = main
        documents["student_page"]["sections"][1]["cells"] = more

    return change


MAIN, MORE = [["name", "grade"], ["stage", None]], [["school", "source"], ["note"]]


@pytest.mark.parametrize(
    ("theirs", "ours", "main", "more"),
    [
        pytest.param(
            cells([["name", "grade"], ["stage", "fee"]], MORE),
            cells([*MAIN, ["created_at"]], MORE),
            [["name", "grade"], ["stage", "fee"], ["created_at"]],
            MORE,
            id="cells of both sides",
        ),
        pytest.param(
            cells(MAIN, [["school", "source"]]),
            cells([["grade", "name"], ["stage"]], MORE),
            [["grade", "name"], ["stage"]],
            [["school", "source"]],
            id="one removes, the other rearranges",
        ),
        pytest.param(
            cells([*MAIN, ["note"]], [["school", "source"]]),
            cells(MAIN, [["source"], ["school"], ["note"]]),
            [*MAIN, ["note"]],
            [["source"], ["school"]],
            id="a moved cell stands in its new section only",
        ),
    ],
)
def test_layout_is_merged_by_cell(theirs: Change, ours: Change, main: Any, more: Any) -> None:
    found = merged(theirs, ours)
    sections = doc(found, "student_page", "layout")["sections"]
    assert ([s["cells"] for s in sections], found.conflicts) == ([main, more], ())


def test_cell_that_was_moved_and_removed_is_a_conflict() -> None:
    found = merged(cells([*MAIN, ["note"]], [["school", "source"]]), cells(MAIN, [["school", "source"]]))
    conflict = found.conflicts[0]
    assert (conflict.reason, conflict.theirs) == ("both_moved", "main")
    assert all(["note"] not in s["cells"] for s in doc(found, "student_page", "layout")["sections"])
    chosen = merged(
        cells([*MAIN, ["note"]], [["school", "source"]]),
        cells(MAIN, [["school", "source"]]),
        {conflict.key: Side.THEIRS},
    )
    assert ["note"] in doc(chosen, "student_page", "layout")["sections"][0]["cells"]


# -- what does not fit together -----------------------------------------------------------------------------------


def test_changes_that_are_invalid_together_are_a_conflict_at_their_element() -> None:
    found = merged(field("note", type="text", max_length=20), field("note", help="Private"))
    assert found.conflicts == ()
    found = merged(field("grade", min=5), field("grade", max=3))
    assert [(c.path, c.reason) for c in found.conflicts] == [(("fields", "grade"), "does_not_fit")]
    assert named(doc(found, "student")["fields"], "grade") == {"name": "grade", "type": "integer", "min": 1, "max": 3}


# -- security -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "direction"),
    [
        (field("grade", required=True), "tightened"),
        (field("name", required=None), "loosened"),
        (field("name", max_length=20), "tightened"),
        (put("student", "sharing", {"default": "private"}), "tightened"),
        (put("student", "sharing", {"default": "edit"}), "loosened"),
        (add("student", "validation", {"name": "r", "when": "TRUE", "message": "no"}), "tightened"),
        (add("student", "fields", {"name": "id_card", "type": "text", "required": True}), "tightened"),
        (remove("channel", "options", "web"), "tightened"),
    ],
)
def test_vendor_changes_of_security_are_flagged_without_a_conflict(change: Change, direction: str) -> None:
    found = merged(change, nothing)
    assert ([f.direction for f in security_flags(found.outcomes)], found.conflicts) == ([direction], ())


def test_labels_and_own_changes_are_no_matter_of_security() -> None:
    found = merged(put("student", "label", "Pupil"), field("grade", required=True))
    assert security_flags(found.outcomes) == []
