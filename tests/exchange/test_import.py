"""Import: mapping, formats, keys, lookups, refusals, resumption; on both databases."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from trellis.access import AccessDenied, Cause, Principal
from trellis.exchange.errors import BadMapping, BadSource, CannotResume, SourceTooLarge, UnknownFormat
from trellis.exchange.importing import Importer, Report
from trellis.exchange.source import open_source
from trellis.query import run_query
from trellis.query.query import read_query
from trellis.storage import system
from trellis.tenant import Tenant

ADMIN = Principal("system", None, "test", admin=True)


def records(tenant: Tenant, object_name: str, *fields: str, **raw: Any) -> list[dict[str, Any]]:
    query = read_query(object_name, {"fields": list(fields), "sort": ["id"], **raw})
    with tenant.database.reading() as connection:
        rows = run_query(tenant, connection, tenant.model_in(connection), ADMIN, query).rows
    return [{f: r[f] for f in fields} for r in rows]


def written(folder: Path, text: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def importer(
    tenant: Tenant, path: Path, object_name: str = "deal", mapping: dict[str, str] | None = None, **options: Any
) -> Importer:
    return Importer(tenant, options.pop("principal", ADMIN), object_name, open_source(path), mapping, **options)


def reasons(report: Report) -> dict[int, str]:
    return dict(report.errors)


def accounts(tenant: Tenant, *names: str) -> None:
    tenant.run(ADMIN, Cause("test"), lambda tx: tx.create("account", [{"name": n} for n in names]))


# -- mapping -----------------------------------------------------------------------------------------------------------


def test_headers_are_guessed_by_name_label_and_part(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "客户名称,CODE,AddressCity,Parent__c,Mystery\nA,1,Berlin,,x\n")
    assert importer(tenant, path, "account").mapping == {
        "客户名称": "name",
        "CODE": "code",
        "AddressCity": "address.city",
        "Parent__c": "parent",
        "Mystery": "",
    }


def test_a_mapping_overrides_the_guess_and_is_checked_as_a_whole(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "Name,Other,Third\nA,1,2\n")
    wrong = importer(
        tenant,
        path,
        "deal",
        {"Name": "nam", "Other": "account.amoun", "Nmae": "name", "Third": "created_at"},
        key=["number"],
    )
    problems = " ".join(wrong.check())
    for part in (
        "no field 'nam'. Did you mean 'name'?",
        "no field 'amoun'",
        "no column 'Nmae'. Did you mean 'Name'?",
        "cannot be imported",
        "key 'number' is filled from no column",
    ):
        assert part in problems
    with pytest.raises(BadMapping):
        wrong.run()
    assert records(tenant, "deal", "name") == []


def test_two_columns_for_one_field_are_refused(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "Name,Title\nA,B\n")
    assert importer(tenant, path, "deal", {"Title": "name"}).check() == [
        "Columns 'Name' and 'Title' both go to 'name'. Leave one of them out."
    ]


# -- formats -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", "\t"), ("gb18030", "|")]
)
def test_encoding_and_delimiter_of_csv_are_found(tenant: Tenant, tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [["name", "stage", "note"], ["瑞恒科技", "赢单", 'two\nlines, "quoted"']]
    text = "\r\n".join(delimiter.join('"' + c.replace('"', '""') + '"' for c in line) for line in lines)
    importer(tenant, written(tmp_path, text, encoding=encoding)).run()
    assert records(tenant, "deal", "name", "stage", "note") == [
        {"name": "瑞恒科技", "stage": "won", "note": 'two\nlines, "quoted"'}
    ]


def test_a_workbook_gives_texts_numbers_and_days(tenant: Tenant, tmp_path: Path) -> None:
    from datetime import datetime

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Name", "Number", "Amount", "Close date"])
    sheet.append(["A", 7, 12.5, datetime(2026, 3, 4)])
    book.save(tmp_path / "book.xlsx")
    importer(tenant, tmp_path / "book.xlsx").run()
    assert records(tenant, "deal", "name", "number", "amount", "close_date") == [
        {"name": "A", "number": "7", "amount": {"amount": "12.50", "currency": "USD"}, "close_date": "2026-03-04"}
    ]


def test_json_numbers_keep_every_digit(tenant: Tenant, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[{"name": "A", "amount": 9999999999999999.99, "account": null}, {"name": "B", "amount": {"amount": "0.10", "currency": "USD"}}]',
        "deals.json",
    )
    importer(tenant, path).run()
    assert [r["amount"]["amount"] for r in records(tenant, "deal", "amount")] == ["9999999999999999.99", "0.10"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"name,name\n", "two columns 'name'"),
        ("a.csv", b"\xff\xff\xff\xff", "neither UTF-8"),
        ("a.csv", b"name\nA,B\n", "Row 2"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"a": 1}', "not a list"),
        ("a.json", b"[1]", "Record 1"),
        ("a.json", b'[{"name": NaN}]', "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.xlsx", b"PK no zip", "not a workbook"),
        ("a.json", b'{"records": [{"attributes": {}, "Kids": {"records": []}}]}', "child records under 'Kids'"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(
    tenant: Tenant, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadSource, match=message):
        importer(tenant, tmp_path / name, mapping={}).run()


def test_a_format_without_reader_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="csv, json, xlsx"):
        open_source(written(tmp_path, "x", "data.pdf"))


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 5_000_000)
    monkeypatch.setattr("trellis.exchange.limits.check_unpacked.__defaults__", (1_000_000,), raising=False)
    from trellis.exchange.limits import check_unpacked

    with pytest.raises(SourceTooLarge, match="5,000,000 bytes"):
        check_unpacked(tmp_path / "bomb.xlsx", 1_000_000)


def test_a_cell_without_end_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="field larger than field limit"):
        importer(tenant, written(tmp_path, 'name\n"' + "x" * 1_100_000)).run()


# -- rows --------------------------------------------------------------------------------------------------------------


def test_good_rows_are_written_and_bad_ones_come_back_with_every_reason(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "name,amount,close_date,stage\nGood,1.50,2026-01-02,won\n,abc,2026-02-30,lost\nFine,,,\n")
    report = importer(tenant, path, error_file=tmp_path / "errors.csv").run()
    assert report.counts == {"created": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert all(name in reasons(report)[3] for name in ("name:", "amount:", "close_date:", "stage:"))
    with (tmp_path / "errors.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["amount"], r["stage"], r["_row"]) for r in rows] == [("abc", "lost", "3")]
    assert [r["name"] for r in records(tenant, "deal", "name")] == ["Good", "Fine"]


def test_an_error_file_can_be_mended_and_imported(tenant: Tenant, tmp_path: Path) -> None:
    importer(
        tenant, written(tmp_path, "name,close_date,note\nA,never,=1+1\n"), error_file=tmp_path / "errors.csv"
    ).run()
    mended = (tmp_path / "errors.csv").read_text().replace("never", "2026-01-01")
    report = importer(tenant, written(tmp_path, mended, "mended.csv")).run()
    assert report.counts["created"] == 1
    assert records(tenant, "deal", "name", "note") == [{"name": "A", "note": "=1+1"}]


def test_a_clean_import_leaves_no_error_file(tenant: Tenant, tmp_path: Path) -> None:
    report = importer(
        tenant, written(tmp_path, "name\nA\n"), error_file=tmp_path / "errors.csv", progress_file=tmp_path / "p.json"
    ).run()
    assert (report.error_file, (tmp_path / "errors.csv").exists(), (tmp_path / "p.json").exists()) == (
        None,
        False,
        False,
    )


def test_a_dry_run_judges_everything_and_writes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "name,number\nA,1\nB,1\n")
    dry = importer(tenant, path, chunk=1).run(dry_run=True)
    assert records(tenant, "deal", "name") == []
    real = importer(tenant, path, chunk=1).run()
    assert dry.counts == real.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}


def test_the_cause_of_the_change_names_the_file(tenant: Tenant, tmp_path: Path) -> None:
    importer(tenant, written(tmp_path, "name\nA\n")).run()
    with tenant.database.reading() as connection:
        cause = connection.execute(
            sa.select(system.change.c.cause).order_by(system.change.c.id.desc()).limit(1)
        ).scalar_one()
    assert (cause["kind"], cause["file"]) == ("import", "data.csv")


def test_rights_of_the_importing_person_hold(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied):
        importer(
            tenant, written(tmp_path, "name,login\nX,x\n"), "user", principal=Principal("person", 1, "reader")
        ).run()


def test_stamps_are_kept_in_migration_mode_only(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "name,created_at\nOld,2001-02-03T04:05:06Z\n")
    assert importer(tenant, path).mapping["created_at"] == ""
    importer(tenant, path, migration=True).run()
    assert records(tenant, "deal", "created_at") == [{"created_at": "2001-02-03T04:05:06Z"}]


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_changes_records_that_exist_and_makes_the_others(tenant: Tenant, tmp_path: Path) -> None:
    importer(tenant, written(tmp_path, "number,name\nA1,One\nA2,Two\n")).run()
    report = importer(tenant, written(tmp_path, "number,name\na1,Uno\nA2,Two\nA3,Three\n"), key=["number"]).run()
    assert report.counts == {"created": 1, "updated": 1, "unchanged": 1, "refused": 0}
    assert [r["name"] for r in records(tenant, "deal", "name")] == ["Uno", "Two", "Three"]


@pytest.mark.parametrize("chunk", [1, 2000])
def test_a_key_that_stands_twice_in_the_file_is_refused_wherever_it_stands(
    tenant: Tenant, tmp_path: Path, chunk: int
) -> None:
    report = importer(tenant, written(tmp_path, "number,name\nA1,One\nA1,Uno\n"), key=["number"], chunk=chunk).run()
    assert reasons(report) == {3: "Row 2 has the same key (a1)."}


def test_a_blank_key_and_a_key_of_several_records_are_refused(tenant: Tenant, tmp_path: Path) -> None:
    accounts(tenant, "Twin", "Twin")
    report = importer(tenant, written(tmp_path, "name,code\nTwin,1\n,2\n"), "account", key=["name"]).run()
    assert reasons(report) == {2: "The key (Twin) fits 2 records.", 3: "The key name is blank."}


def test_external_ids_are_remembered_per_system(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "SAP no,name\n100,One\n")
    for expected in ("created", "unchanged"):
        report = importer(tenant, path, mapping={"SAP no": "external:sap"}, key=["external:sap"]).run()
        assert report.counts[expected] == 1
    other = importer(tenant, path, mapping={"SAP no": "external:erp"}, key=["external:erp"]).run()
    assert other.counts["created"] == 1


# -- lookups -----------------------------------------------------------------------------------------------------------


def test_lookups_go_by_name_unique_field_external_id_and_id(tenant: Tenant, tmp_path: Path) -> None:
    importer(tenant, written(tmp_path, "name,code,sap\nAcme,C7,S1\n"), "account", {"sap": "external:sap"}).run()
    acme = records(tenant, "account", "id")[0]["id"]
    for header, target, value in (
        ("account", "account", "Acme"),
        ("account", "account", "c7"),
        ("account", "account", acme),
        ("account.code", "account.code", "C7"),
        ("x", "account.external:sap", "S1"),
    ):
        report = importer(tenant, written(tmp_path, f"name,{header}\nD,{value}\n"), mapping={header: target}).run()
        assert report.errors == []
    assert {r["account.name"] for r in records(tenant, "deal", "account.name")} == {"Acme"}


def test_a_lookup_without_or_with_several_records_says_so(tenant: Tenant, tmp_path: Path) -> None:
    accounts(tenant, "Twin", "Twin")
    report = importer(tenant, written(tmp_path, "name,account\nA,Twin\nB,Nobody\n")).run()
    assert reasons(report)[2] == "account: 'Twin' means 2 records of account. Use the id or a unique field."
    assert reasons(report)[3] == "account: There is no account called 'Nobody'."


def test_a_deleted_record_is_not_found(tenant: Tenant, tmp_path: Path) -> None:
    accounts(tenant, "Gone")
    number = tenant.run(ADMIN, Cause("test"), lambda tx: tx.create("account", [{"name": "Gone"}]))[0].id
    assert number is not None
    tenant.run(ADMIN, Cause("test"), lambda tx: tx.delete("account", [number]))
    report = importer(tenant, written(tmp_path, "name,account\nA,Gone\n")).run()
    assert report.counts["created"] == 1


def test_statements_do_not_grow_with_rows(tenant: Tenant, tmp_path: Path) -> None:
    accounts(tenant, *(f"C{i}" for i in range(10)))

    def statements(rows: int, prefix: str) -> int:
        text = "number,name,account\n" + "".join(f"{prefix}{i},N{i},C{i % 10}\n" for i in range(rows))
        path = written(tmp_path, text, f"{prefix}.csv")
        count = [0]

        def note(*_args: Any) -> None:
            count[0] += 1

        sa.event.listen(tenant.database.engine, "before_cursor_execute", note)
        importer(tenant, path, key=["number"]).run()
        sa.event.remove(tenant.database.engine, "before_cursor_execute", note)
        return count[0]

    statements(10, "warm")
    few, many = statements(20, "few"), statements(400, "many")
    # Keys are compared in blocks of 300 and blocks of numbers are drawn: a few more, not twenty times as many.
    assert many <= few + 8


# -- interruption ------------------------------------------------------------------------------------------------------


class Interrupted(Exception):
    """Stands for a process that dies."""


def test_an_interrupted_import_goes_on_and_no_row_is_twice_or_missing(tenant: Tenant, tmp_path: Path) -> None:
    lines = [f"N{i},{'bad' if i % 10 == 3 else '2026-01-01'}" for i in range(50)]
    path = written(tmp_path, "name,close_date\n" + "\n".join(lines) + "\n")
    options: dict[str, Any] = {"chunk": 10, "error_file": tmp_path / "e.csv", "progress_file": tmp_path / "p.json"}

    def stop(done: int, _total: int) -> None:
        if done == 30:
            raise Interrupted

    with pytest.raises(Interrupted):
        importer(tenant, path, **options).run(stop)
    assert len(records(tenant, "deal", "name", limit=100)) == 27
    report = importer(tenant, path, **options).run(resume=True)
    assert (report.counts["created"], report.counts["refused"], report.resumed_at) == (45, 5, 30)
    assert len({r["name"] for r in records(tenant, "deal", "name", limit=100)}) == 45
    with (tmp_path / "e.csv").open(newline="") as stream:
        assert [r["name"] for r in csv.DictReader(stream)] == ["N3", "N13", "N23", "N33", "N43"]


def test_a_death_between_progress_file_and_commit_repeats_the_chunk(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "name,close_date\n" + "".join(f"N{i},{'bad' if i == 15 else ''}\n" for i in range(30)))
    options: dict[str, Any] = {"chunk": 10, "error_file": tmp_path / "e.csv", "progress_file": tmp_path / "p.json"}
    broken = importer(tenant, path, **options)
    real = broken._write_chunk

    def dies(tx: Any, **rest: Any) -> Any:
        found = real(tx, **rest)
        if rest["position"] == 20:
            raise Interrupted
        return found

    monkeypatch.setattr(broken, "_write_chunk", dies)
    with pytest.raises(Interrupted):
        broken.run()
    report = importer(tenant, path, **options).run(resume=True)
    assert (report.counts["created"], report.counts["refused"]) == (29, 1)
    assert (tmp_path / "e.csv").read_text().count("N15") == 1


def test_another_file_or_mapping_cannot_be_resumed(tenant: Tenant, tmp_path: Path) -> None:
    path, progress = written(tmp_path, "name\nA\nB\n"), tmp_path / "p.json"

    def stop(_done: int, _total: int) -> None:
        raise Interrupted

    with pytest.raises(CannotResume, match="no progress file"):
        importer(tenant, path, progress_file=progress).run(resume=True)
    with pytest.raises(Interrupted):
        importer(tenant, path, progress_file=progress, chunk=1).run(stop)
    written(tmp_path, "name\nA\nC\n")
    with pytest.raises(CannotResume, match="sha256 changed"):
        importer(tenant, path, progress_file=progress, chunk=1).run(resume=True)


def test_references_of_data_trees_are_resolved_between_files(tenant: Tenant, tmp_path: Path) -> None:
    tree = {"records": [{"attributes": {"type": "Account", "referenceId": "AcmeRef"}, "Name": "Acme"}]}
    deals = {
        "records": [
            {"attributes": {}, "Name": "D", "Account__c": "@AcmeRef"},
            {"attributes": {}, "Name": "E", "Account__c": "@Nobody"},
        ]
    }
    references: dict[str, Any] = {}
    importer(tenant, written(tmp_path, json.dumps(tree), "a.json"), "account", references=references).run()
    report = importer(tenant, written(tmp_path, json.dumps(deals), "d.json"), references=references).run()
    assert records(tenant, "deal", "name", "account.name") == [{"name": "D", "account.name": "Acme"}]
    assert reasons(report) == {2: "account: No record with the reference name 'Nobody' was imported before this one."}
