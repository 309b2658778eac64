"""Where-used finds every place that points at a document or a field."""

from trellis.fields import field_types
from trellis.publishing.where_used import Use, where_used
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language

LANGUAGE = Language(field_types(), system={}, formula_checker=check_formula)
DOCUMENTS = [
    {
        "kind": "object",
        "name": "user",
        "label": "User",
        "fields": [{"name": "name", "type": "text"}, {"name": "email", "type": "email"}],
    },
    {"kind": "picklist", "name": "tier", "label": "Tier", "options": [{"name": "a", "label": "A"}]},
    {
        "kind": "object",
        "name": "account",
        "label": "Account",
        "fields": [{"name": "name", "type": "text"}, {"name": "tier", "type": "picklist", "picklist": "tier"}],
    },
    {
        "kind": "object",
        "name": "deal",
        "label": "Deal",
        "fields": [
            {"name": "name", "type": "text"},
            {"name": "account", "type": "lookup", "target": "account", "relationship": "deals"},
        ],
        "validation": [
            {"name": "v", "when": 'AND(ISPICKVAL(account.tier, "a"), ISBLANK(owner.email))', "message": "x"}
        ],
    },
    {"kind": "list_view", "name": "deals", "label": "Deals", "object": "deal", "columns": ["name", "account.name"]},
]


def uses(kind: str, name: str, field: str | None = None) -> list[tuple[str, str]]:
    snapshot, problems = LANGUAGE.check(DOCUMENTS)
    assert snapshot is not None, problems
    return [(u.name, u.pointer) for u in where_used(LANGUAGE, snapshot, kind, name, field)]


def test_shared_picklist_is_used_by_its_field() -> None:
    assert uses("picklist", "tier") == [("account", "/fields/1/picklist")]


def test_field_is_used_by_columns_over_relations_and_by_rules() -> None:
    assert uses("object", "account", "name") == [("deals", "/columns/1")]
    assert uses("object", "account", "tier") == [("deal", "/validation/0/when")]
    assert uses("object", "user", "email") == [("deal", "/validation/0/when")]


def test_relation_on_the_way_counts_as_used() -> None:
    assert ("deals", "/columns/1") in uses("object", "deal", "account")
    assert ("deal", "/validation/0/when") in uses("object", "deal", "account")


def test_unused_field_has_no_uses() -> None:
    assert uses("object", "user", "name") == []
    assert Use("a", "b", "/c").to_json() == {"kind": "a", "name": "b", "pointer": "/c"}
