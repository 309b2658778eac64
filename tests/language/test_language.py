"""What the language accepts, and that nothing makes it fail."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from language.catalogue import load_broken_documents
from language.strategies import LANGUAGE, documents

from trellis.fields import field_types
from trellis_metadata import kind as kind_module
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kinds.picklist import PicklistKind
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot

generous = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
SCHEMA_CODES = {
    "wrong_type",
    "missing_key",
    "unknown_key",
    "unknown_type",
    "bad_name",
    "too_long",
    "too_short",
    "out_of_range",
}
DEAL = {"kind": "object", "name": "deal", "fields": [{"name": "name", "type": "text"}]}


def codes(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(d.code, d.pointer) for d in found]


@generous
@given(json_values)
def test_any_json_value_is_judged(value: object) -> None:
    snapshot, found = LANGUAGE.check([value])
    assert (snapshot is None) == bool(found)


@generous
@given(documents(), json_values, st.randoms())
def test_a_document_with_any_value_anywhere_is_judged(given_documents: list[Any], value: object, random: Any) -> None:
    damaged = copy.deepcopy(given_documents)
    places: list[tuple[Any, Any]] = []
    stack: list[Any] = [damaged]
    while stack:
        node = stack.pop()
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            if isinstance(child, dict | list):
                stack.append(child)
    if places:
        node, key = random.choice(places)
        node[key] = value
    snapshot, found = LANGUAGE.check(damaged)
    assert (snapshot is None) == bool(found)
    assert all(d.code != "field_type_failed" for d in found), found


@generous
@given(documents())
def test_published_schema_accepts_what_the_language_accepts(given_documents: list[Any]) -> None:
    for document in given_documents:
        jsonschema.Draft202012Validator(LANGUAGE.schema(document["kind"])).validate(document)


@pytest.mark.parametrize("case", load_broken_documents(), ids=lambda c: c.name)
def test_published_schema_refuses_what_is_wrong_in_shape(case: Any) -> None:
    if case.built or not all(code in SCHEMA_CODES for code, _ in case.expect):
        return
    known = [d for d in case.documents if isinstance(d, dict) and d.get("kind") in LANGUAGE.kinds()]
    # Operators and their values depend on the field: the schema of a filter says less than the language.
    if not known or any("/filter" in pointer or "/relationship" in pointer for _, pointer in case.expect):
        return
    validators = [(jsonschema.Draft202012Validator(LANGUAGE.schema(d["kind"])), d) for d in known]
    # To Python "$" means less than to ECMA-262, and to JSON Schema 1.0 is an integer.
    if case.name.endswith(("a line break at the end", "1.0")):
        return
    assert not all(validator.is_valid(document) for validator, document in validators)


@pytest.mark.parametrize("kind", LANGUAGE.kinds())
def test_schema_describes_every_property_and_says_how_every_list_merges(kind: str) -> None:
    schema = LANGUAGE.schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    wanting = list(_wanting(schema, schema["$defs"], kind))
    assert wanting == []


def _wanting(node: Any, defs: Any, place: str) -> Any:
    if isinstance(node, list):
        for index, part in enumerate(node):
            yield from _wanting(part, defs, f"{place}/{index}")
    if not isinstance(node, dict):
        return
    if node.get("type") == "array" and node.get("x-merge") not in ("named", "set", "ordered", "atomic"):
        yield f"{place}: x-merge"
    closed = node.get("additionalProperties", True) is False
    if (
        node.get("type") == "object"
        and "properties" in node
        and "allOf" not in node
        and "if" not in place
        and not closed
    ):
        yield f"{place}: additionalProperties"
    for key, part in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
        target = {**defs[part["$ref"].rpartition("/")[2]], **part} if "$ref" in part else part
        if "/if" not in place and ("description" not in target or "examples" not in target):
            yield f"{place}.{key}: description, examples"
    for key, part in node.items():
        if key != "examples":
            yield from _wanting(part, defs, f"{place}/{key}")


def test_every_example_of_a_kind_has_the_right_shape() -> None:
    for kind in LANGUAGE.kinds():
        for example in LANGUAGE.schema(kind)["examples"]:
            jsonschema.Draft202012Validator(LANGUAGE.schema(kind)).validate(example)


def test_html_in_a_label_is_a_text_like_any_other() -> None:
    snapshot, found = LANGUAGE.check([{**DEAL, "label": "<script>alert(1)</script>'; DROP TABLE deal"}])
    assert (snapshot is not None, found) == (True, [])


def test_words_of_sql_and_python_are_names_like_any_other() -> None:
    fields = [{"name": name, "type": "text"} for name in ("select", "order", "class", "group", "from", "self", "table")]
    snapshot, found = LANGUAGE.check([{"kind": "object", "name": "order", "fields": fields}])
    assert (snapshot is not None, found) == (True, [])


def test_document_that_changes_after_the_check_does_not_change_the_snapshot() -> None:
    document = copy.deepcopy(DEAL)
    snapshot, _ = LANGUAGE.check([document])
    document["fields"].clear()  # type: ignore[attr-defined]
    assert snapshot is not None and snapshot.get("object", "deal") == DEAL


def test_base_is_judged_again_when_what_it_needs_goes() -> None:
    view = {"kind": "list_view", "name": "v", "object": "deal", "columns": ["name"]}
    base, _ = LANGUAGE.check([DEAL, view])
    snapshot, found = LANGUAGE.check([{**DEAL, "fields": []}], base)
    assert (snapshot, codes(found), found[0].document) == (None, [("unknown_field", "/columns/0")], "list_view/v")


def test_validate_judges_only_the_named_documents() -> None:
    view = {"kind": "list_view", "name": "v", "object": "deal", "columns": ["nmae"]}
    snapshot = Snapshot.of([DEAL, view])
    assert LANGUAGE.validate(snapshot, [("object", "deal")]) == []
    assert codes(LANGUAGE.validate(snapshot)) == [("unknown_field", "/columns/0")]


def test_formula_checker_is_asked_about_every_formula() -> None:
    asked: list[tuple[str, str, str]] = []

    def checker(text: str, object_name: str, *, snapshot: Snapshot, pointer: str) -> list[Diagnostic]:
        asked.append((text, object_name, pointer))
        return [Diagnostic("bad_formula", pointer, "Refused.")] if text == "bad" else []

    rules = [{"name": "v", "when": "good", "message": "No"}, {"name": "w", "when": "bad", "message": "No"}]
    language = Language(field_types(), formula_checker=checker)
    _, found = language.check([{**DEAL, "validation": rules}])
    assert asked == [("good", "deal", "/validation/0/when"), ("bad", "deal", "/validation/1/when")]
    assert codes(found) == [("bad_formula", "/validation/1/when")]


def test_path_leads_over_relations_and_to_users() -> None:
    fields = [{"name": "name", "type": "text"}, {"name": "parent", "type": "lookup", "target": "deal"}]
    view = {
        "kind": "list_view",
        "name": "v",
        "object": "deal",
        "columns": ["parent.parent.name", "owner.name", "parent.owner.email"],
    }
    _, found = LANGUAGE.check([{**DEAL, "fields": fields}, view])
    assert found == []


def test_kind_defined_twice_names_both_files() -> None:
    with pytest.raises(kind_module.DuplicateKind, match=r"first\.py.*second\.py"):
        kind_module.by_name([("first.py", PicklistKind()), ("second.py", PicklistKind())])


def test_one_language_judges_in_several_threads_at_once() -> None:
    broken = {**DEAL, "fields": [{"name": "name", "type": "text", "max_length": 0}]}
    view = {"kind": "list_view", "name": "v", "object": "deal", "columns": ["name.x"]}
    expected = codes(LANGUAGE.check([broken, view])[1])
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: codes(LANGUAGE.check([broken, view])[1]), range(400)))
    assert results == [expected] * 400
