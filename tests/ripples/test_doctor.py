"""``trellis doctor`` computes roll-ups again, names what is wrong, and mends it when asked."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from click.testing import CliRunner
from ripples.model import rollup
from ripples.test_values import deal, read, spend, usd
from support.kernel import create, field, obj, publish, ref

from trellis.cli import root
from trellis.cli.checks.rollups import check, repair
from trellis.runtime import Runtime
from trellis.tenant import Tenant


def complaints(tenant: Tenant) -> list[tuple[str, int, str]]:
    with tenant.database.reading() as connection:
        return [(c.subject, c.count, c.message) for c in check(tenant, connection)]


def test_corrupted_values_are_found_named_and_mended_on_every_level(books: Tenant) -> None:
    [account] = create(books, "account", {"name": "a"})
    one, two = (deal(books, account=ref(books, "account", account)) for _ in range(2))
    spend(books, one, "5.00", status="approved")
    spend(books, two, "6.00", status="approved")
    assert complaints(books) == []
    model = books.model().object("deal")
    cost = model.fields["cost"].columns
    with books.database.writing() as connection:
        wrong = model.table.update().where(model.table.c.id == two)
        connection.execute(wrong.values({cost[0]: sa.null(), cost[1]: sa.null(), cost[2]: sa.null()}))
    name = ref(books, "deal", two)
    [found, above] = complaints(books)
    assert found == (
        "deal.cost",
        1,
        f"1 record(s) of 'deal' hold a wrong 'cost'; the first is {name}: nothing instead of 6.00 USD.",
    )
    assert above[:2] == ("account.total_cost", 1)
    assert repair(books) == 1
    assert complaints(books) == []
    assert read(books, two, "cost") == [usd("6.00")]


def test_the_command_finds_without_changing_and_mends_when_asked(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    tenant = runtime.create_tenant("acme")
    box = obj("box", field("name"), rollup("things", "thing.box", "count"))
    publish(tenant, box, obj("thing", field("box", "lookup", target="box")))
    create(tenant, "box", {"name": "red"})
    with tenant.database.writing() as connection:
        connection.execute(tenant.model().object("box").table.update().values(f_things=7))
    runtime.close()

    def doctor(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(root, ["--home", str(tmp_path), "doctor", *options])
        return result.exit_code, result.output

    for _ in range(2):
        code, text = doctor()
        assert (code, "7 instead of 0" in " ".join(text.split())) == (1, True)
    code, text = doctor("--repair")
    assert (code, "1 record(s) mended" in text) == (0, True)
    assert doctor()[0] == 0
