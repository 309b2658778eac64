"""Export: formats, rights, guarded cells, and the way back in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from support.kernel import person

from trellis.access import AccessDenied, Cause, Principal
from trellis.exchange.cells import guard, unguard
from trellis.exchange.errors import UnknownFormat
from trellis.exchange.exporting import Export, export
from trellis.exchange.importing import Importer
from trellis.exchange.source import open_source
from trellis.query import InvalidQuery
from trellis.tenant import Tenant

ADMIN = Principal("system", None, "test", admin=True)
FIELDS = ("name", "amount", "stage", "account.name", "note")


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    def body(tx: Any) -> None:
        account = tx.create("account", [{"name": "瑞恒科技"}])[0].id
        reference = tx.model.env.format_id("account", account)
        tx.create(
            "deal",
            [
                {"name": "=1+1", "amount": "9999999999999999.99", "stage": "won", "account": reference, "note": "a\nb"},
                {"name": "-5", "amount": "0.10"},
                {"name": "'=quoted"},
            ],
        )

    tenant.run(ADMIN, Cause("test"), body)
    return tenant


def exported(tenant: Tenant, format: str = "csv", principal: Principal = ADMIN, **wanted: Any) -> bytes:
    return b"".join(export(tenant, principal, Export(**{"object": "deal", "fields": FIELDS, **wanted}), format))


def test_csv_guards_texts_that_look_like_formulas(shop: Tenant) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(shop).decode("utf-8-sig"))))
    assert [r["name"] for r in rows] == ["'=1+1", "-5", "''=quoted"]
    assert (rows[0]["amount"], rows[0]["account.name"], rows[0]["note"]) == (
        "9999999999999999.99 USD",
        "瑞恒科技",
        "a\nb",
    )


@given(st.text(alphabet="'=+-@\t\ra1.", max_size=6))
def test_a_guarded_text_comes_back_and_never_starts_a_formula(text: str) -> None:
    cell = guard(text)
    assert unguard(cell) == text
    assert cell[:1] not in tuple("=@\t\r") and (cell[:1] not in ("+", "-") or float(cell) is not None)


def test_json_and_ndjson_hold_json_values(shop: Tenant) -> None:
    records = json.loads(exported(shop, "json"))
    assert records == [json.loads(line) for line in exported(shop, "ndjson").splitlines()]
    assert records[0]["amount"] == {"amount": "9999999999999999.99", "currency": "USD"}
    assert records[1]["account.name"] is None


def test_an_empty_export_is_a_whole_file(tenant: Tenant) -> None:
    assert json.loads(exported(tenant, "json")) == []
    assert exported(tenant).decode("utf-8-sig") == "id," + ",".join(FIELDS) + "\r\n"


def test_no_cell_of_a_workbook_is_a_formula(shop: Tenant, tmp_path: Path) -> None:
    (tmp_path / "deals.xlsx").write_bytes(exported(shop, "xlsx"))
    sheet = load_workbook(tmp_path / "deals.xlsx").active
    assert sheet is not None
    names = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert [(c.value, c.data_type) for c in names] == [("=1+1", "s"), (-5, "n"), ("'=quoted", "s")]


def test_pages_follow_each_other_without_gap_or_repeat(tenant: Tenant) -> None:
    tenant.run(ADMIN, Cause("test"), lambda tx: tx.create("deal", [{"name": f"N{i}"} for i in range(2500)]))
    names = [json.loads(line)["name"] for line in exported(tenant, "ndjson").splitlines()]
    assert names == [f"N{i}" for i in range(2500)]
    assert len(exported(tenant, "ndjson", limit=1001).splitlines()) == 1001


def test_filter_and_labels(shop: Tenant) -> None:
    text = exported(
        shop, fields=("stage", "owner"), filter={"field": "stage", "op": "=", "value": "won"}, labels="zh"
    ).decode("utf-8-sig")
    assert text.splitlines()[0] == "id,Stage,负责人"
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize("format", ["csv", "json", "xlsx"])
def test_an_export_comes_back_as_the_same_records(shop: Tenant, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"deals.{format}"
    path.write_bytes(exported(shop, format, fields=("name", "amount", "stage", "account", "note")))
    report = Importer(shop, ADMIN, "deal", open_source(path)).run()
    assert report.counts == {"created": 0, "updated": 0, "unchanged": 3, "refused": 0}, report.errors


def test_only_what_the_reader_may_see_is_exported(shop: Tenant) -> None:
    assert exported(shop, "ndjson", person(shop, 999)) == b""
    with pytest.raises(AccessDenied):
        exported(shop, "ndjson", Principal("portal", None, "visitor"))


def test_unknown_fields_and_formats_are_refused_with_the_likely_name(shop: Tenant) -> None:
    with pytest.raises(InvalidQuery, match="Did you mean 'name'"):
        exported(shop, fields=("nam",))
    with pytest.raises(UnknownFormat, match="csv, json, ndjson, xlsx"):
        exported(shop, "pdf")
