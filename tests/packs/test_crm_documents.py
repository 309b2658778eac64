"""The documents of the pack ``crm``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from trellis.automation.checking import CHECKER
from trellis.core import core_documents
from trellis.fields import field_types
from trellis.packs import UnknownPack, find_packs, pack_documents
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language

OBJECTS = [
    "account",
    "call",
    "campaign",
    "campaign_member",
    "contact",
    "deal",
    "lead",
    "mail",
    "note",
    "product",
    "task",
    "visit",
]
TEXTS = ("label", "plural", "description", "help", "message", "relationship_label", "pattern_message")
LABELLED = ("fields", "options", "sections", "related", "record_types")


@pytest.fixture(scope="module")
def documents() -> list[Any]:
    return pack_documents("crm")


def of_kind(documents: list[Any], kind: str) -> dict[str, Any]:
    return {d["name"]: d for d in documents if d["kind"] == kind}


def elements(value: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of a document with its place."""
    if isinstance(value, dict):
        yield at, value
        for key, inner in value.items():
            yield from elements(inner, f"{at}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from elements(inner, f"{at}/{index}")


def test_pack_is_found_by_its_name() -> None:
    assert "crm" in find_packs()


def test_unknown_pack_is_refused_with_the_likely_name() -> None:
    with pytest.raises(UnknownPack, match="crm"):
        pack_documents("crmm")


def test_documents_are_valid_without_a_warning(documents: list[Any]) -> None:
    language = Language(field_types(), system={}, formula_checker=check_formula, automation_checker=CHECKER)
    assert language.check([*core_documents(), *documents])[1] == []


def test_pack_has_its_objects(documents: list[Any]) -> None:
    assert sorted(of_kind(documents, "object")) == OBJECTS


def test_every_text_is_in_both_languages(documents: list[Any]) -> None:
    missing = [
        f"{d['kind']}/{d['name']}{at}/{key}"
        for d in documents
        for at, element in elements(d)
        for key in TEXTS
        if key in element and set(element[key]) != {"en", "zh"}
    ]
    assert missing == []


def test_everything_that_people_see_has_a_label(documents: list[Any]) -> None:
    unlabelled = [f"{d['kind']}/{d['name']}" for d in documents if "label" not in d]
    # In a permission set the fields are rights to fields, which have their labels where they are defined.
    for document in (d for d in documents if d["kind"] != "permission_set"):
        for at, element in elements(document):
            for key in LABELLED:
                listed = [e for e in element.get(key, ()) if isinstance(e, dict)]
                unlabelled += [f"{document['name']}{at}/{key}/{e['name']}" for e in listed if "label" not in e]
    assert unlabelled == []


def test_every_object_has_a_layout_with_highlights_and_a_list_view(documents: list[Any]) -> None:
    laid_out = {d["object"] for d in of_kind(documents, "layout").values() if d.get("highlights")}
    listed = {d["object"] for d in of_kind(documents, "list_view").values()}
    assert (sorted(laid_out), sorted(listed)) == (OBJECTS, OBJECTS)


def test_every_field_stands_on_the_layout(documents: list[Any]) -> None:
    hidden = []
    for layout in of_kind(documents, "layout").values():
        shown = {path for section in layout["sections"] for row in section["cells"] for path in row}
        fields = of_kind(documents, "object")[layout["object"]]["fields"]
        hidden += [f"{layout['object']}.{f['name']}" for f in fields if f["name"] not in shown]
    assert hidden == []


def test_every_object_is_in_an_app(documents: list[Any]) -> None:
    shown = {item["object"] for app in of_kind(documents, "app").values() for item in app["items"] if "object" in item}
    assert sorted(shown) == OBJECTS
