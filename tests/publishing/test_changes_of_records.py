"""What a published change does to the records that exist, and that undo gives back what they were."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import create, field, obj, page, publish, ref, rows, undo, values, write

from trellis.publishing import publication as publishing
from trellis.publishing.indexes import DuplicateValues
from trellis.publishing.publisher import CannotUndo, InvalidMetadata, NotConfirmed, StalePlan
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

NAME = field("name", required=True)


def hash_of(tenant: Tenant) -> str:
    return tenant.model().snapshot.hash


@pytest.fixture(params=["inline", "in phases"])
def phases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with few records converted in one transaction, and with many converted in phases."""
    if request.param == "in phases":
        monkeypatch.setattr(publishing, "INLINE_ROWS", 1)
        monkeypatch.setattr("trellis.publishing.filling.BATCH_ROWS", 2)
    return str(request.param)


def test_added_object_and_field_are_written_and_removed_ones_are_refused(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME))
    create(tenant, "deal", {"name": "a"})
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "b", "size": 3})
    assert values(tenant, "deal", "size") == [None, 3]
    publish(tenant, obj("deal", NAME))
    with pytest.raises(RecordsInvalid):
        create(tenant, "deal", {"name": "c", "size": 3})
    publish(tenant, removed=[("object", "deal")])
    assert "deal" not in tenant.model().object_names


def test_undo_gives_the_same_snapshot_and_a_removed_field_its_values_back(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 1}, {"name": "b", "size": 2})
    before = hash_of(tenant)
    publish(tenant, obj("deal", NAME))
    undo(tenant)
    assert (hash_of(tenant), values(tenant, "deal", "size")) == (before, [1, 2])


def test_fresh_field_of_the_same_name_does_not_see_old_data(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 1})
    publish(tenant, obj("deal", NAME))
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    assert values(tenant, "deal", "size") == [None]


def test_undo_of_undo_revives_the_newer_of_two_fields_of_one_name(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    [record] = create(tenant, "deal", {"name": "a", "size": 1})
    publish(tenant, obj("deal", NAME))
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "size": 7}]))
    undo(tenant)
    undo(tenant)
    assert values(tenant, "deal", "size") == [7]


def test_undo_of_removing_a_renamed_field_finds_its_values(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 1})
    publish(tenant, obj("deal", NAME, field("volume", "integer", was=["size"])))
    publish(tenant, obj("deal", NAME))
    undo(tenant)
    assert values(tenant, "deal", "volume") == [1]


def test_renamed_field_keeps_values_and_undo_renames_back(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer", indexed=True)))
    create(tenant, "deal", {"name": "a", "size": 1})
    before = hash_of(tenant)
    publish(
        tenant,
        obj("deal", NAME, field("volume", "integer", indexed=True)),
        renames=[("object", "deal", ("fields", "size"), "volume")],
    )
    assert values(tenant, "deal", "volume") == [1]
    create(tenant, "deal", {"name": "b", "volume": 2})
    undo(tenant)
    assert (hash_of(tenant), values(tenant, "deal", "size")) == (before, [1, 2])


def test_renamed_object_keeps_records_history_and_references(tenant: Tenant) -> None:
    publish(tenant, obj("account", NAME), obj("deal", NAME, field("account", "lookup", target="account")))
    [account] = create(tenant, "account", {"name": "Acme"})
    create(tenant, "deal", {"name": "d", "account": ref(tenant, "account", account)})
    before = hash_of(tenant)
    publish(
        tenant,
        obj("company", NAME, was=["account"]),
        obj("deal", NAME, field("account", "lookup", target="company")),
        removed=[("object", "account")],
    )
    assert values(tenant, "deal", "account.name") == ["Acme"]
    assert [r["name"] for r in rows(tenant, "company", search="acm")] == ["Acme"]
    undo(tenant)
    assert (hash_of(tenant), values(tenant, "deal", "account.name")) == (before, ["Acme"])


def test_removed_object_comes_back_with_its_records(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME))
    create(tenant, "deal", {"name": "a"})
    plan = tenant.publisher.plan_documents([], removed=[("object", "deal")])
    assert [(f.code, f.count) for f in plan.findings] == [("records_hidden", 1)]
    publish(tenant, removed=[("object", "deal")])
    undo(tenant)
    assert values(tenant, "deal", "name") == ["a"]


def test_object_made_and_removed_again_and_again_starts_empty_each_time(tenant: Tenant) -> None:
    for _ in range(4):
        publish(tenant, obj("deal", NAME))
        assert rows(tenant, "deal") == []
        create(tenant, "deal", {"name": "a"})
        publish(tenant, removed=[("object", "deal")])
    undo(tenant)
    assert values(tenant, "deal", "name") == ["a"]


def test_changed_type_converts_values_and_names_those_that_are_lost(tenant: Tenant, phases: str) -> None:
    publish(tenant, obj("deal", NAME, field("size")))
    create(
        tenant, "deal", *({"name": n, "size": s} for n, s in zip("abcde", ["1", "two", None, "-4", "5.5"], strict=True))
    )
    plan = tenant.publisher.plan_documents([obj("deal", NAME, field("size", "integer"))])
    assert [(f.code, f.subject, f.count) for f in plan.findings] == [("values_lost", "deal.size", 2)]
    assert plan.destructive
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    assert values(tenant, "deal", "size") == [1, None, None, -4, None]


def test_undo_of_a_changed_type_gives_the_old_values_back_and_keeps_later_ones(tenant: Tenant, phases: str) -> None:
    publish(tenant, obj("deal", NAME, field("size")))
    ids = create(tenant, "deal", {"name": "a", "size": "007"}, {"name": "b", "size": "two"}, {"name": "c", "size": "3"})
    before = hash_of(tenant)
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    write(tenant, lambda tx: tx.update("deal", [{"id": ids[2], "size": 33}]))
    create(tenant, "deal", {"name": "d", "size": 4})
    undo(tenant)
    assert (hash_of(tenant), values(tenant, "deal", "size")) == (before, ["007", "two", "33", "4"])


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        (field("x", "json"), [None, None]),
        (field("x", "email"), [None, None]),
        (field("x", "url"), [None, None]),
        (field("x", "rich_text"), None),
        (field("x", "picklist", options=[{"name": "twelve"}]), [None, "twelve"]),
        (field("x", "tags"), [["<b onclick=x>hi</b>"], ["twelve"]]),
        (field("x", "long_text"), ["<b onclick=x>hi</b>", "twelve"]),
    ],
    ids=lambda v: v["type"] if isinstance(v, dict) else "",
)
def test_type_that_is_stored_alike_is_still_converted(tenant: Tenant, new: dict[str, Any], kept: Any) -> None:
    """Both forms are text in the database; what the new type cannot hold must not stand in it."""
    publish(tenant, obj("deal", NAME, field("x")))
    create(tenant, "deal", {"name": "a", "x": "<b onclick=x>hi</b>"}, {"name": "b", "x": "twelve"})
    publish(tenant, obj("deal", NAME, new))
    found = values(tenant, "deal", "x")
    assert "onclick" not in str(found) or kept is not None
    if kept is not None:
        assert found == kept
    undo(tenant)
    assert values(tenant, "deal", "x") == ["<b onclick=x>hi</b>", "twelve"]


def test_lookup_that_gets_another_target_does_not_point_at_strangers(tenant: Tenant) -> None:
    targets = [obj("account", NAME), obj("contact", NAME)]
    publish(tenant, *targets, obj("deal", NAME, field("who", "lookup", target="account")))
    [account] = create(tenant, "account", {"name": "Acme"})
    create(tenant, "deal", {"name": "d", "who": ref(tenant, "account", account)})
    publish(tenant, obj("deal", NAME, field("who", "lookup", target="contact")))
    assert values(tenant, "deal", "who") == [None]
    undo(tenant)
    assert values(tenant, "deal", "who.name") == ["Acme"]


def test_one_target_becomes_several_and_references_stay(tenant: Tenant, phases: str) -> None:
    publish(
        tenant, obj("account", NAME), obj("contact", NAME), obj("deal", NAME, field("who", "lookup", target="account"))
    )
    accounts = create(tenant, "account", {"name": "Acme"}, {"name": "Bolt"})
    for account in accounts:
        create(tenant, "deal", {"name": "d", "who": ref(tenant, "account", account)})
    publish(tenant, obj("deal", NAME, field("who", "lookup", target=["account", "contact"])))
    assert values(tenant, "deal", "who") == [ref(tenant, "account", a) for a in accounts]


def test_unique_is_added_where_values_differ_and_refused_where_they_clash(tenant: Tenant, phases: str) -> None:
    publish(tenant, obj("deal", NAME))
    create(tenant, "deal", {"name": "Acme"}, {"name": "ACME"}, {"name": "Bolt"})
    unique = obj("deal", field("name", required=True, unique=True))
    plan = tenant.publisher.plan_documents([unique])
    assert [(f.code, f.count) for f in plan.findings] == [("duplicates", 2)]
    before = hash_of(tenant)
    with pytest.raises(DuplicateValues):
        tenant.publisher.apply(plan, confirm=plan.hash)
    assert hash_of(tenant) == before
    assert tenant.publisher.running() is None
    [record] = [r["id"] for r in rows(tenant, "deal", fields=["name"]) if r["name"] == "ACME"]
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "Apex"}]))
    publish(tenant, unique)
    with pytest.raises(RecordsInvalid) as refused:
        create(tenant, "deal", {"name": "apex"})
    assert "not_unique" in str(refused.value.errors)


def test_unique_key_is_right_after_it_was_removed_and_undone(tenant: Tenant) -> None:
    unique = obj("deal", field("name", required=True, unique=True))
    publish(tenant, unique)
    [record] = create(tenant, "deal", {"name": "old"})
    publish(tenant, obj("deal", NAME))
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "new"}]))
    create(tenant, "deal", {"name": "other"})
    undo(tenant)
    for name in ("NEW", "Other"):
        with pytest.raises(RecordsInvalid):
            create(tenant, "deal", {"name": name})
    create(tenant, "deal", {"name": "old"})


def test_unique_field_that_was_removed_and_undone_still_guards_its_old_values(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("code", unique=True)))
    create(tenant, "deal", {"name": "a", "code": "X1"})
    publish(tenant, obj("deal", NAME))
    undo(tenant)
    with pytest.raises(RecordsInvalid):
        create(tenant, "deal", {"name": "b", "code": "x1"})


def test_field_that_becomes_required_is_asked_for_at_the_next_change(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    ids = create(tenant, "deal", {"name": "a"}, {"name": "b", "size": 1}, {"name": "c"})
    plan = tenant.publisher.plan_documents([obj("deal", NAME, field("size", "integer", required=True))])
    assert [(f.code, f.subject, f.count) for f in plan.findings] == [("required_but_blank", "deal.size", 2)]
    publish(tenant, obj("deal", NAME, field("size", "integer", required=True)))
    with pytest.raises(RecordsInvalid):
        write(tenant, lambda tx: tx.update("deal", [{"id": ids[0], "name": "z"}]))
    assert len(rows(tenant, "deal")) == 3


@pytest.mark.parametrize("kind", ["picklist", "multi_picklist"])
@pytest.mark.parametrize("shared", [False, True], ids=["own options", "shared list"])
def test_removed_option_in_use_is_counted_and_kept(tenant: Tenant, kind: str, shared: bool) -> None:
    def documents(*options: str) -> list[dict[str, Any]]:
        listed = [{"name": o} for o in options]
        if not shared:
            return [obj("deal", NAME, field("heat", kind, options=listed))]
        return [
            {"kind": "picklist", "name": "heats", "label": "Heats", "options": listed},
            obj("deal", NAME, field("heat", kind, picklist="heats")),
        ]

    publish(tenant, *documents("hot", "cold"))
    of = (lambda v: [v]) if kind == "multi_picklist" else (lambda v: v)
    create(tenant, "deal", {"name": "a", "heat": of("hot")}, {"name": "b", "heat": of("cold")})
    plan = tenant.publisher.plan_documents(documents("cold"))
    assert [(f.code, f.subject, f.count) for f in plan.findings] == [("option_in_use", "deal.heat", 1)]
    assert plan.destructive
    tenant.publisher.apply(plan, confirm=plan.hash)
    assert values(tenant, "deal", "heat") == [of("hot"), of("cold")]


def test_removed_values_are_counted(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 1}, {"name": "b"}, {"name": "c", "size": 3})
    plan = tenant.publisher.plan_documents([obj("deal", NAME)])
    assert [(f.code, f.subject, f.count) for f in plan.findings] == [("values_hidden", "deal.size", 2)]


def test_destructive_plan_needs_its_very_hash(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 1})
    plan = tenant.publisher.plan_documents([obj("deal", NAME)])
    create(tenant, "deal", {"name": "b", "size": 2})
    later = tenant.publisher.plan_documents([obj("deal", NAME)])
    for confirm in (None, "", plan.hash, plan.plan.hash):
        with pytest.raises(NotConfirmed):
            tenant.publisher.apply(later, confirm=confirm)
    assert values(tenant, "deal", "size") == [1, 2]


def test_plan_is_refused_when_the_metadata_moved_on(tenant: Tenant) -> None:
    publish(tenant, obj("deal", NAME))
    plan = tenant.publisher.plan_documents([obj("deal", NAME, field("a"))])
    publish(tenant, obj("deal", NAME, field("b")))
    with pytest.raises(StalePlan):
        tenant.publisher.apply(plan)
    assert list(tenant.model().object("deal").fields) == ["name", "b"]


def test_undo_of_undo_is_the_change_again_and_only_the_newest_is_undone(tenant: Tenant) -> None:
    first = publish(tenant, obj("deal", NAME))
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", {"name": "a", "size": 5})
    with_size = hash_of(tenant)
    with pytest.raises(CannotUndo):
        tenant.publisher.plan_undo(first)
    undo(tenant)
    without = hash_of(tenant)
    undo(tenant)
    assert (hash_of(tenant), values(tenant, "deal", "size")) == (with_size, [5])
    undo(tenant)
    assert hash_of(tenant) == without


def test_first_version_cannot_be_undone(tenant: Tenant) -> None:
    with pytest.raises(CannotUndo):
        tenant.publisher.plan_undo()


def test_wrong_documents_publish_nothing(tenant: Tenant) -> None:
    before = hash_of(tenant)
    with pytest.raises(InvalidMetadata):
        tenant.publisher.plan_documents([obj("deal", field("x", "lookup", target="nowhere")), obj("good", NAME)])
    assert hash_of(tenant) == before


def test_records_deleted_before_a_conversion_come_back_converted(tenant: Tenant, phases: str) -> None:
    publish(tenant, obj("deal", NAME, field("size")))
    ids = create(tenant, "deal", {"name": "a", "size": "1"}, {"name": "b", "size": "2"}, {"name": "c", "size": "3"})
    write(tenant, lambda tx: tx.delete("deal", [ids[1]]))
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    write(tenant, lambda tx: tx.restore("deal", [ids[1]]))
    assert values(tenant, "deal", "size") == [1, 2, 3]
    assert page(tenant, "deal", filter={"field": "size", "op": "=", "value": 2}, total=True).total == 1
