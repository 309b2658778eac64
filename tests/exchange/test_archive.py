"""Archives: what is restored, cloned or moved is what was there; what is damaged is refused whole."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.access.accounts import create_token, create_user, log_in
from trellis.cli.checks import examinations
from trellis.exchange.archive import (
    CannotMove,
    backup,
    clone_tenant,
    move_tenant,
    places,
    read_manifest,
    restore_tenant,
)
from trellis.exchange.archive.tables import all_tables, to_plain
from trellis.exchange.errors import BadArchive
from trellis.runtime import Runtime, TenantExists
from trellis.storage import system
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

ADMIN = Principal("system", None, "test", admin=True)


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    def body(tx: Any) -> None:
        account = tx.create(
            "account", [{"name": "瑞恒科技", "code": "C1", "address": {"city": "Berlin", "country": "DE"}}]
        )[0].id
        deals = tx.create(
            "deal",
            [
                {
                    "name": "D",
                    "amount": "9999999999999999.99",
                    "close_date": "2026-01-02",
                    "number": "N1",
                    "account": tx.model.env.format_id("account", account),
                },
                {"name": "gone"},
            ],
        )
        tx.delete("deal", [deals[1].id])

    tenant.run(ADMIN, Cause("test"), body)
    user = create_user(tenant, login="ann", name="Ann", password="correct horse")
    create_token(tenant, user, "t")
    # A removed field leaves a column that only an undo shows: it belongs to the tenant all the same.
    model = tenant.model().snapshot.of_kind("object")["deal"]
    plan = tenant.publisher.plan_documents(
        [{**model, "fields": [f for f in model["fields"] if f["name"] != "close_date"]}]
    )
    tenant.publisher.apply(plan, confirm=plan.hash)
    tenant.files.mkdir(parents=True, exist_ok=True)
    (tenant.files / "ab").mkdir()
    (tenant.files / "ab" / "abcd").write_bytes(b"\x00\x01file")
    return tenant


def content(tenant: Tenant) -> dict[str, list[Any]]:
    """Every row of every table."""
    with tenant.database.reading() as connection:
        return {
            t.name: sorted([[to_plain(v) for v in r] for r in connection.execute(sa.select(t))], key=repr)
            for t in all_tables(connection)
        }


def complaints(tenant: Tenant) -> list[Any]:
    with tenant.database.reading() as connection:
        return [c for examine in examinations().values() for c in examine(tenant, connection)]


def test_a_restored_tenant_is_the_archived_one(runtime: Runtime, shop: Tenant, tmp_path: Path) -> None:
    before = content(shop)
    backup(shop, tmp_path / "shop.zip")
    restored = restore_tenant(runtime, tmp_path / "shop.zip", "again")
    assert content(restored) == before
    assert (restored.files / "ab" / "abcd").read_bytes() == b"\x00\x01file"
    assert restored.key_file.read_bytes() == shop.key_file.read_bytes()
    assert complaints(restored) == []
    assert log_in(restored, "ann", "correct horse").principal.name == "Ann"


def test_a_restored_tenant_goes_on(runtime: Runtime, shop: Tenant, tmp_path: Path) -> None:
    backup(shop, tmp_path / "shop.zip")
    restored = restore_tenant(runtime, tmp_path / "shop.zip", "again")
    restored.publisher.undo(confirm=restored.publisher.plan_undo().hash)
    assert "close_date" in restored.model().object("deal").fields
    made = restored.run(ADMIN, Cause("test"), lambda tx: tx.create("deal", [{"name": "new", "number": "N2"}]))
    assert made[0].id not in {r[0] for r in content(shop)["o_deal"]}
    with pytest.raises(RecordsInvalid):
        restored.run(ADMIN, Cause("test"), lambda tx: tx.create("deal", [{"name": "twice", "number": "n1"}]))


def test_an_archive_is_one_moment_and_private(shop: Tenant, tmp_path: Path) -> None:
    backup(shop, tmp_path / "shop.zip")
    assert (tmp_path / "shop.zip").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob(".*.part"))


def test_a_name_that_is_taken_is_refused_unless_replaced(runtime: Runtime, shop: Tenant, tmp_path: Path) -> None:
    before = content(shop)
    backup(shop, tmp_path / "shop.zip")
    with pytest.raises(TenantExists):
        restore_tenant(runtime, tmp_path / "shop.zip")
    shop.run(ADMIN, Cause("test"), lambda tx: tx.create("deal", [{"name": "later"}]))
    assert content(restore_tenant(runtime, tmp_path / "shop.zip", replace=True)) == before


def test_replaced_tenant_comes_back_when_the_restore_fails_in_the_middle(
    runtime: Runtime, shop: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(shop, tmp_path / "shop.zip")
    before = content(shop)
    real, calls = places.restore, []

    def failing(path: Path, tenant: Tenant) -> object:
        calls.append(path)
        if len(calls) == 1:
            raise OSError("the disk is full")
        return real(path, tenant)

    monkeypatch.setattr(places, "restore", failing)
    with pytest.raises(OSError, match="disk"):
        restore_tenant(runtime, tmp_path / "shop.zip", "shop", replace=True)
    assert content(runtime.tenant("shop")) == before
    assert len(list((runtime.home / "backups").glob("shop-before-restore-*.zip"))) == 1


def _rewrite(path: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = [(n, archive.read(n)) for n in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts:
            archive.writestr(*change(name, data))


def _manifest(**values: Any) -> Callable[[str, bytes], tuple[str, bytes]]:
    return lambda name, data: (
        name,
        json.dumps({**json.loads(data), **values}).encode() if name == "manifest.json" else data,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda n, d: (n, d.replace(b"9999999999999999.99", b"1.00") if n == "tables/o_deal.ndjson" else d),
            "does not have the digest",
        ),
        (lambda n, d: ("x/" + n if n == "tables/t_change.ndjson" else n, d), "damaged"),
        (_manifest(format=2), "format 2"),
        (_manifest(revision="tenant_9999"), "another version"),
        (_manifest(files=[{"name": "../../x", "size": 1, "sha256": ""}]), "outside its folder"),
        (lambda n, d: (n, b"[]" if n == "manifest.json" else d), "cannot be read"),
    ],
)
def test_a_damaged_archive_is_refused_and_nothing_is_replaced(
    runtime: Runtime, shop: Tenant, tmp_path: Path, change: Any, message: str
) -> None:
    before = content(shop)
    backup(shop, tmp_path / "shop.zip")
    _rewrite(tmp_path / "shop.zip", change)
    with pytest.raises(BadArchive, match=message):
        restore_tenant(runtime, tmp_path / "shop.zip", "shop", replace=True)
    assert content(shop) == before
    assert runtime.names() == ["shop"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(BadArchive, match="not an archive"):
        read_manifest(tmp_path / "x.zip")


def test_a_clone_has_the_records_but_no_sessions_tokens_or_messages(runtime: Runtime, shop: Tenant) -> None:
    log_in(shop, "ann", "correct horse")
    clone = clone_tenant(runtime, "shop", "copy")
    copied, original = content(clone), content(shop)
    for name in ("t_session", "t_token", "t_known_browser", "t_outbox"):
        assert copied.pop(name) == [] and original.pop(name) != []
    assert copied == original
    assert not list(runtime.home.glob("*.zip"))


def test_a_tenant_moves_between_databases_and_back(
    runtime: Runtime, shop: Tenant, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    before, home_url = content(shop), runtime.database_url
    other = None
    if home_url is None:
        cluster = request.getfixturevalue("postgres_cluster")
        other = cluster.create_database()
    moved = move_tenant(runtime, "shop", other)
    assert moved.database.is_sqlite == (other is None)
    after = content(moved)
    assert {n: r for n, r in after.items() if before[n] != r} == {n: r for n, r in before.items() if after[n] != r}
    assert complaints(moved) == []
    moved.run(ADMIN, Cause("test"), lambda tx: tx.create("deal", [{"name": "after"}]))
    back = move_tenant(runtime, "shop", home_url)
    assert back.database.is_sqlite == (home_url is None)
    assert len(content(back)["o_deal"]) == len(before["o_deal"]) + 1
    assert (back.files / "ab" / "abcd").exists()


def test_a_move_to_where_it_is_or_where_something_stands_is_refused(runtime: Runtime, shop: Tenant) -> None:
    with pytest.raises(CannotMove, match="is there already"):
        move_tenant(runtime, "shop", runtime.database_url)
    if runtime.database_url is not None:
        (runtime.home / "tenants").mkdir(exist_ok=True)
        (runtime.home / "tenants" / "shop.db").write_bytes(b"precious")
        with pytest.raises(CannotMove, match="already"):
            move_tenant(runtime, "shop", None)
        assert (runtime.home / "tenants" / "shop.db").read_bytes() == b"precious"


def test_doctor_names_what_is_broken(shop: Tenant) -> None:
    table = shop.model().object("deal").table
    with shop.database.writing() as connection:
        connection.execute(table.update().values(f_account=1))
        connection.execute(system.search.delete().where(system.search.c.object == "account"))
        connection.exec_driver_sql("CREATE TABLE o_stray (id INTEGER)")
        connection.exec_driver_sql("ALTER TABLE o_deal DROP COLUMN f_note")
    found = {(c.subject, c.message.split(",")[0]) for c in complaints(shop)}
    assert ("deal.account", "1 record(s) point at a account that does not exist") in found
    assert ("account", "1 record(s) of 'account' are not in the search index.") in found
    assert ("o_stray", "Table 'o_stray' belongs to no object.") in found
    assert ("deal", "Column 'f_note' of table 'o_deal' is missing.") in found
