"""Every document of the catalogue is refused for the reason and at the place that the catalogue names."""

from __future__ import annotations

from functools import cache

import pytest
from language.catalogue import Case, load_broken_documents

from trellis.fields import field_types
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.language import Language

LANGUAGE = Language(field_types())
CASES = {case.name: case for case in load_broken_documents()}


@cache
def judged(name: str) -> tuple[bool, tuple[Diagnostic, ...]]:
    """Say whether the documents of a case are accepted, and what is found; some cases are large, so each is judged once."""
    snapshot, found = LANGUAGE.check(CASES[name].documents)
    return snapshot is not None, tuple(found)


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_broken_document_is_refused_with_reason_and_place(case: Case) -> None:
    accepted, found = judged(case.name)
    assert not accepted
    assert case.expect <= {(d.code, d.pointer) for d in found}


@pytest.mark.parametrize("case", [c for c in CASES.values() if len(c.expect) == 1], ids=lambda case: case.name)
def test_one_mistake_is_reported_at_one_place(case: Case) -> None:
    _, found = judged(case.name)
    if case.expect == {("too_many_findings", "")}:
        return
    pointers = {pointer for _, pointer in case.expect}
    assert {d.pointer for d in found} == pointers or case.name in SEVERAL


SEVERAL = {
    "empty field",
    "three objects own each other",
    "two objects are each other's master",
    "filter with two heads",
    "document is empty",
    "picklist with both sources",
    "validation rule at an unknown field",
}


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_every_finding_says_what_is_wrong_in_a_sentence(case: Case) -> None:
    _, found = judged(case.name)
    assert [d for d in found if not d.message or "\n" in d.message or len(d.message) > 600 or not d.document] == []
