"""Options: inactive ones, labels in files, shared picklists, dependent picklists."""

from __future__ import annotations

from typing import Any

import pytest
from fields.environment import Tenant
from fields.samples import OBJECTS, codec_of, doc_of

from trellis.fields import InvalidValue, field_types
from trellis.fields.picklist import dependent_problem


@pytest.mark.parametrize(
    ("name", "wrap"), [("picklist", lambda x: x), ("stage", lambda x: x), ("multi_picklist", lambda x: (x,))]
)
def test_inactive_option_stays_but_is_not_chosen_anew(name: str, wrap: Any) -> None:
    check = codec_of(name).check_change
    assert check is not None
    check(wrap("arctic"), wrap("arctic"))
    check(wrap("hot"), wrap("arctic"))
    check(None, wrap("arctic"))
    for old in (None, wrap("hot")):
        with pytest.raises(InvalidValue) as refusal:
            check(wrap("arctic"), old)
        assert refusal.value.code == "not_allowed"


def test_unknown_option_is_answered_with_the_closest() -> None:
    with pytest.raises(InvalidValue) as refusal:
        codec_of("picklist").parse("colld")
    assert refusal.value.message == "Found 'colld', expected one of hot, cold. Did you mean 'cold'?"


def test_label_of_two_options_means_the_active_one() -> None:
    options = [
        {"name": "a", "label": "Same", "active": False},
        {"name": "b", "label": "Same"},
        {"name": "c", "label": "Same two"},
    ]
    read = codec_of("picklist", options=options).from_text
    assert read is not None and read("same") == "b"


def test_label_of_two_active_options_is_refused() -> None:
    read = codec_of("picklist", options=[{"name": "a", "label": "Same"}, {"name": "b", "label": "Same"}]).from_text
    assert read is not None
    with pytest.raises(InvalidValue, match="several options: a, b"):
        read("Same")


def test_shared_picklist_judges_the_default_as_far_as_it_is_known() -> None:
    kind = field_types()["picklist"]
    doc = {"name": "industry", "type": "picklist", "picklist": "industry", "default": "stel"}
    found = list(kind.check_default(doc, "/fields/0/default", OBJECTS))
    assert [(d.code, d.pointer) for d in found] == [("bad_default", "/fields/0/default")]
    assert "Did you mean 'steel'?" in found[0].message
    assert list(kind.check_default(doc, "/fields/0/default", None)) == []


def test_shared_picklist_gives_the_options() -> None:
    doc = {"name": "industry", "type": "picklist", "picklist": "industry"}
    kind = field_types()["picklist"]
    codec = kind.compile(doc, Tenant())
    assert list(kind.check(doc, "", OBJECTS)) == []
    assert codec.parse("retail") == "retail"
    assert codec.from_text is not None and codec.from_text("零售") == "retail"


def test_full_text_finds_a_choice_by_its_labels() -> None:
    search = codec_of("picklist").search_text
    assert search is not None and search("hot") == "Hot lead 高意向"


@pytest.mark.parametrize(
    ("value", "controlling", "message"),
    [
        ("a", True, None),
        ("b", True, "Found 'b' while 'vip' is 'true', expected one of a."),
        ("b", None, "Found 'b' while 'vip' is blank, expected no value."),
        ("b", False, "Found 'b' while 'vip' is 'false', expected no value."),
        (("a", "b"), True, "Found 'b' while 'vip' is 'true', expected one of a."),
        (None, None, None),
    ],
)
def test_dependent_choice_is_judged_by_its_controlling_value(value: Any, controlling: Any, message: str | None) -> None:
    doc = {"name": "x", "type": "picklist", "depends_on": "vip", "values_by": {"true": ["a"]}}
    assert dependent_problem(doc, value, controlling) == message


def test_options_without_an_active_one_are_refused() -> None:
    doc = doc_of("picklist", options=[{"name": "a", "active": False}])
    assert [d.code for d in field_types()["picklist"].check(doc, "", OBJECTS)] == ["no_active_option"]


def test_choices_are_kept_in_order_of_definition_in_the_database_form() -> None:
    codec = codec_of("multi_picklist")
    assert codec.compare is not None and codec.compare(codec.parse(["cold", "hot"])) == ";hot;cold;"
