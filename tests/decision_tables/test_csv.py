"""Decision tables as CSV: over HTTP, at the command line, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.app import World
from support.copies import OpenWorld
from support.kernel import field, obj

from trellis.cli import root
from trellis.decision_tables.csv_form import BadTableFile, read_csv, write_csv
from trellis.runtime import Runtime

TABLE: dict[str, Any] = {
    "kind": "decision_table",
    "name": "discount",
    "label": "Discount",
    "keys": [
        {"name": "tier", "type": "text"},
        {"name": "amount", "type": "number", "match": "range"},
        {"name": "vip", "type": "boolean"},
    ],
    "values": [{"name": "rate", "type": "number"}, {"name": "note", "type": "text"}],
    "rows": [
        {
            "name": "a",
            "when": {"tier": "gold, old", "amount": {"from": "0", "to": "10"}, "vip": True},
            "then": {"rate": "-0.1"},
        },
        {"name": "b", "when": {"amount": {"from": "10"}}, "then": {"note": 'say "hi"'}},
        {"name": "c"},
    ],
}
TEXT = (
    "name,tier,amount.from,amount.to,vip,rate,note\r\n"
    'a,"gold, old",0,10,true,-0.1,\r\n'
    'b,,10,,,,"say ""hi"""\r\n'
    "c,,,,,,\r\n"
)


def test_table_comes_back_from_csv_as_it_was() -> None:
    assert write_csv(TABLE) == TEXT
    assert read_csv(TABLE, TEXT.encode()) == TABLE
    assert read_csv(TABLE, b"\xef\xbb\xbf" + TEXT.encode()) == TABLE


def test_columns_may_stand_in_any_order_and_rows_without_name_get_one() -> None:
    data = b"note,rate,vip,amount.to,amount.from,tier\nx,1,,,,\n\ny,2,,,,\n"
    assert [(r["name"], r["then"]["note"]) for r in read_csv(TABLE, data)["rows"]] == [("row_1", "x"), ("row_2", "y")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "not UTF-8"),
        (TEXT.replace("tier", "teir").encode(), "no column 'teir'"),
        (TEXT.replace(",note", "").encode(), "'note' is missing"),
        (TEXT.replace("tier", "vip").encode(), "stands twice"),
        (TEXT.replace("c,,,,,,", "c,,,,,,,,").encode(), "Line 4: found 9 cells, expected 7"),
    ],
)
def test_wrong_file_is_refused_with_its_line(data: bytes, words: str) -> None:
    with pytest.raises(BadTableFile) as caught:
        read_csv(TABLE, data)
    assert words in caught.value.message


@pytest.fixture
def app(open_world: OpenWorld) -> World:
    return open_world([obj("deal", field("name")), TABLE])


def test_table_is_exported_and_imported_over_http(app: World) -> None:
    url = "/metadata/decision-tables/discount.csv"
    found = app.ada.get(url)
    assert (found.mimetype, found.get_data(as_text=True)) == ("text/csv", TEXT)
    changed = TEXT.replace("-0.1", "0.25")
    answer = app.ada.call("PUT", url, data=changed.encode(), content_type="text/csv")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert app.ada.get(url).get_data(as_text=True) == changed
    wrong = app.ada.call("PUT", url, data=TEXT.replace("-0.1", "x").encode(), content_type="text/csv")
    assert wrong.status_code == 422 and "expected a number" in wrong.get_data(as_text=True)
    torn = app.ada.call("PUT", url, data=b"nme\n", content_type="text/csv")
    assert torn.status_code == 422 and torn.get_json()["error"]["code"] == "bad_table_file"
    assert app.ada.call("PUT", url, data=b"{}", content_type="application/json").status_code == 415
    assert app.bob.get(url).status_code == 403
    assert app.bob.call("PUT", url, data=TEXT.encode(), content_type="text/csv").status_code == 403
    assert app.ada.get("/metadata/decision-tables/discuont.csv").status_code == 400


def test_table_is_exported_and_imported_at_the_command_line(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "home")
    tenant = runtime.create_tenant("acme")
    tenant.publisher.apply(tenant.publisher.plan_documents([TABLE]))
    runtime.close()

    def run(*words: str) -> Any:
        return CliRunner().invoke(root, ["--home", str(tmp_path / "home"), "decision-table", *words])

    file = tmp_path / "t.csv"
    assert run("export", "discount", str(file)).exit_code == 0
    assert file.read_bytes().decode() == TEXT
    assert "Nothing changes" in run("import", "discount", str(file)).output
    file.write_text(TEXT.replace("-0.1", "0.25"))
    assert run("import", "discount", str(file)).exit_code != 0
    done = run("import", "discount", str(file), "--yes", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["operations"], done.output
    assert "0.25" in run("export", "discount").output
    missing = run("export", "discuont")
    assert missing.exit_code != 0 and "Did you mean 'discount'" in missing.output
