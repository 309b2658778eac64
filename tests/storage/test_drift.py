"""``trellis doctor`` finds every way in which the tables differ from the catalogue, and says what to do."""

from __future__ import annotations

import pytest
from support.app import World
from support.copies import OpenWorld

from trellis.cli.checks import Complaint, examinations
from trellis.tenant import Tenant


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    """A tenant with a field of nearly every type."""
    return open_world()


def complaints(tenant: Tenant) -> list[Complaint]:
    with tenant.database.reading() as connection:
        return list(examinations()["drift"](tenant, connection))


def index_of(tenant: Tenant, purpose: str) -> str:
    from trellis.publishing import catalogue

    with tenant.database.reading() as connection:
        return catalogue.read(connection, ["account"])["account"].indexes[purpose].split("|")[0]


def test_sound_tenant_has_no_complaints(world: World) -> None:
    assert complaints(world.tenant) == []


@pytest.mark.parametrize(
    ("damage", "said", "remedy"),
    [
        ("DROP TABLE o_notice", "Table 'o_notice' is missing", "Restore"),
        ("CREATE TABLE o_stray (id INTEGER)", "Table 'o_stray' belongs to no object", "remove"),
        ("ALTER TABLE o_account DROP COLUMN f_staff", "Column 'f_staff' of table 'o_account' is missing", "Restore"),
        ("ALTER TABLE o_account ADD COLUMN stray INTEGER", "Column 'stray' of table 'o_account' is in no", "remove"),
        ("DROP INDEX {code}", "for 'unique:code' is missing", "put it back"),
        ("CREATE INDEX ix_stray ON o_account (version)", "Index 'ix_stray' of table 'o_account' is in no", "remove"),
    ],
)
def test_what_is_missing_or_strange_is_named_with_a_remedy(world: World, damage: str, said: str, remedy: str) -> None:
    with world.tenant.database.writing() as connection:
        connection.exec_driver_sql(damage.format(code=index_of(world.tenant, "unique:code")))
    (found,) = complaints(world.tenant)
    assert said in found.message
    assert remedy in found.remedy


def test_column_of_a_wrong_type_is_named_with_both_types(world: World) -> None:
    statements = (
        ["ALTER TABLE o_account DROP COLUMN f_staff", "ALTER TABLE o_account ADD COLUMN f_staff TEXT"]
        if world.tenant.database.is_sqlite
        else ["ALTER TABLE o_account ALTER COLUMN f_staff TYPE text"]
    )
    with world.tenant.database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    (found,) = complaints(world.tenant)
    assert "Column 'f_staff' of table 'o_account' is of type TEXT, expected BIGINT" in found.message
    assert "BIGINT" in found.remedy
