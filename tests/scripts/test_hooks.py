"""Scripts in the write path, on both databases: what they change, refuse, see and may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.kernel import ADMIN, counting, create, field, obj, publish, ref, rows, table, write

from trellis.access import Principal
from trellis.publishing.errors import InvalidMetadata
from trellis.storage.tables import scripts as tables
from trellis.tenant import Tenant
from trellis.transaction.errors import RecordsInvalid
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.host.sandbox import Sandbox

DEAL = obj(
    "deal",
    field("name", required=True),
    field("price", "number", scale=2),
    field("quantity", "integer"),
    field("total", "number", scale=2),
    field("amount", "currency"),
    field("close_date", "date"),
    field("grade", "picklist", options=[{"name": "a"}, {"name": "b"}]),
    field("account", "lookup", target="account", relationship="deals"),
)
ACCOUNT = obj("account", field("name", required=True), field("score", "integer"), field("secret_note"))


def script(name: str, source: str, *events: str, **more: Any) -> dict[str, Any]:
    """A script document for deals."""
    return {"kind": "script", "name": name, "object": "deal", "events": list(events), "source": source, **more}


@pytest.fixture
def acme(open_copy: Any, sandbox: Sandbox) -> Iterator[Tenant]:
    """A tenant with deals and accounts."""
    yield open_copy("scripts", lambda tenant: publish(tenant, ACCOUNT, DEAL) and None)


def refused(tenant: Tenant, values: dict[str, Any], principal: Principal = ADMIN) -> dict[str, Any]:
    """Create a deal that must be refused; return the errors of the row."""
    with pytest.raises(RecordsInvalid) as caught:
        write(tenant, lambda tx: tx.create("deal", [values]), principal)
    return caught.value.errors[0] or {}


def test_before_script_sets_fields_by_type(acme: Tenant) -> None:
    source = (
        "record.total = record.price * record.quantity\n"
        "record.close_date = today() + timedelta(days=30)\n"
        "record.grade = 'a' if record.total > 100 else 'b'\n"
    )
    publish(acme, script("totals", source, "before_create", "before_update"))
    [number] = create(acme, "deal", {"name": "x", "price": "60.50", "quantity": 2})
    [stored] = rows(acme, "deal")
    assert (stored["total"], stored["grade"]) == ("121.00", "a")
    assert stored["close_date"] > acme.clock.now().date().isoformat()
    write(acme, lambda tx: tx.update("deal", [{"id": number, "quantity": 1}]))
    assert rows(acme, "deal")[0]["total"] == "60.50"


def test_amount_keeps_its_currency(acme: Tenant) -> None:
    publish(acme, script("doubles", "record.amount = record.amount * 2", "before_update"))
    acme.rates  # noqa: B018
    [number] = create(acme, "deal", {"name": "x", "amount": {"amount": "10.00", "currency": "USD"}})
    write(acme, lambda tx: tx.update("deal", [{"id": number, "name": "y"}]))
    assert rows(acme, "deal")[0]["amount"] == {"amount": "20.00", "currency": "USD"}


def test_old_values_and_changed_are_seen(acme: Tenant) -> None:
    source = "if record.changed('price'):\n    record.name = f'{old.price} > {record.price}'"
    publish(acme, script("notes", source, "before_update"))
    [number] = create(acme, "deal", {"name": "x", "price": "1.00"})
    write(acme, lambda tx: tx.update("deal", [{"id": number, "price": "2.50"}]))
    assert rows(acme, "deal")[0]["name"] == "1.00 > 2.50"


def test_validation_refuses_at_the_field_and_keeps_everything_unsaved(acme: Tenant) -> None:
    publish(acme, script("positive", "if record.price < 0: reject('Too low', 'price')", "validation"))
    assert refused(acme, {"name": "x", "price": "-1"}) == {"price": [{"code": "rejected", "message": "Too low"}]}
    assert rows(acme, "deal") == []
    create(acme, "deal", {"name": "x", "price": "1"})


def test_validation_cannot_change(acme: Tenant) -> None:
    publish(acme, script("sneaky", "record.name = 'changed'", "validation"))
    found = refused(acme, {"name": "x"})
    assert found["_record"][0]["code"] == "script_failed"
    assert "cannot be assigned" in found["_record"][0]["message"]


def test_error_names_script_line_and_reason(acme: Tenant) -> None:
    publish(acme, script("broken", "x = 1\ny = x / 0\n", "before_create"))
    message = refused(acme, {"name": "x"})["_record"][0]["message"]
    assert message == "Script 'broken', line 2: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("while True: pass", "line 1: steps is limited to 1000000."),
        ("t = ()\nfor i in range(64): t = (t, t)\n{t: 1}", "CPU time is limited to 0.3 s."),
        ("a = []\nwhile True: a.append([None] * 90000)", "is limited to"),
    ],
)
def test_limit_refuses_the_save(acme: Tenant, source: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis_plugins.scripts import session
    from trellis_plugins.scripts.jail.limits import Limits

    monkeypatch.setattr(session, "SYNCHRONOUS", Limits(cpu_s=0.3))
    publish(acme, script("hostile", source, "before_create"))
    message = refused(acme, {"name": "x"})["_record"][0]["message"]
    assert message.startswith("Script 'hostile'") and told in message and message.endswith("Nothing was saved.")
    assert rows(acme, "deal") == []
    [run] = table(acme, tables.run)
    assert run["outcome"] == "limit"


def test_source_that_does_not_compile_cannot_be_published(acme: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(acme, script("bad", "x = 1\nimport os\nclass A: pass\n", "before_create"))
    assert [d.message.split(":")[0] for d in caught.value.diagnostics] == ["Line 2", "Line 3"]


def test_inactive_script_does_not_run_and_order_decides(acme: Tenant) -> None:
    publish(
        acme,
        script("late", "record.name = record.name + 'c'", "before_create", order=30),
        script("early", "record.name = record.name + 'b'", "before_create", order=20),
        script("never", "record.name = 'never'", "before_create", order=40, active=False),
    )
    create(acme, "deal", {"name": "a"})
    assert rows(acme, "deal")[0]["name"] == "abc"


def test_batch_script_runs_once_for_all(acme: Tenant) -> None:
    publish(acme, script("batch", "for r in records: r.quantity = len(records)", "before_create"))
    create(acme, "deal", {"name": "first"})
    with counting(acme) as few:
        create(acme, "deal", *[{"name": str(i)} for i in range(3)])
    with counting(acme) as many:
        create(acme, "deal", *[{"name": str(i)} for i in range(40)])
    assert [r["quantity"] for r in rows(acme, "deal")] == [1] + [3] * 3 + [40] * 40
    assert len(many) == len(few)
    assert [r["records"] for r in table(acme, tables.run)] == [1, 3, 40]


def test_partial_batch_refuses_only_the_rows_meant(acme: Tenant) -> None:
    publish(
        acme,
        script("some", "if record.quantity == 1: reject('no')\nif record.quantity == 2: 1/0", "before_create"),
        script("batch", "for r in records:\n    if r.quantity == 3: r.reject('three', 'quantity')", "validation"),
    )
    given = [{"name": str(q), "quantity": q} for q in range(5)]
    outcomes = write(acme, lambda tx: tx.create("deal", given, mode="partial"))
    assert [o.action for o in outcomes] == ["created", "refused", "refused", "refused", "created"]
    assert outcomes[3].errors == {"quantity": [{"code": "rejected", "message": "three"}]}


def test_after_script_creates_and_updates_other_records(acme: Tenant) -> None:
    source = (
        "account = crm.get('account', record.account)\n"
        "crm.update('account', record.account, {'score': (account.score or 0) + 1})\n"
        "crm.create('account', {'name': 'From ' + record.name})\n"
    )
    publish(acme, script("follows", source, "after_create"))
    [account] = create(acme, "account", {"name": "A"})
    create(acme, "deal", {"name": "x", "account": ref(acme, "account", account)})
    assert [(r["name"], r["score"]) for r in rows(acme, "account")] == [("A", 1), ("From x", None)]
    [run] = table(acme, tables.run)
    assert (run["outcome"], run["queries"], run["rows"], run["writes"]) == ("ok", 1, 1, 2)


def test_refused_call_can_be_caught_and_leaves_nothing(acme: Tenant) -> None:
    source = (
        "try:\n    crm.create('account', [{'name': 'good'}, {'score': 5}])\n"
        "except InvalidRecord as e:\n    record.name = e.field\n"
    )
    publish(acme, script("catches", source, "before_create"))
    create(acme, "deal", {"name": "x"})
    assert rows(acme, "deal")[0]["name"] == "name"
    assert rows(acme, "account") == []


def test_failing_after_script_takes_the_record_back(acme: Tenant) -> None:
    publish(acme, script("fails", "crm.create('account', {'name': 'x'})\n1/0", "after_create"))
    refused(acme, {"name": "x"})
    assert (rows(acme, "deal"), rows(acme, "account")) == ([], [])
    [run] = table(acme, tables.run)
    assert (run["outcome"], run["line"]) == ("error", 2)


def test_queries_beyond_the_limit_end_the_run(acme: Tenant) -> None:
    publish(
        acme,
        script(
            "asks",
            "for i in range(10):\n    try: crm.count('account')\n    except: pass",
            "before_create",
            limits={"queries": 3},
        ),
    )
    assert "queries is limited to 3" in refused(acme, {"name": "x"})["_record"][0]["message"]


def test_scripts_that_call_each_other_are_stopped(acme: Tenant) -> None:
    publish(acme, script("loops", "crm.create('deal', {'name': record.name})", "after_create"))
    message = refused(acme, {"name": "x"})["_record"][0]["message"]
    assert "deep" in message or "limited" in message
    assert rows(acme, "deal") == []


def test_query_takes_no_formula_text(acme: Tenant) -> None:
    publish(acme, script("texts", "crm.query('account', {'formula': 'score > 1'})", "before_create"))
    assert "structured" in refused(acme, {"name": "x"})["_record"][0]["message"]


def test_query_returns_typed_columns_and_related_fields(acme: Tenant) -> None:
    source = (
        "r = crm.query('deal', filters=[['price', '>', Decimal('1')]], fields=['name', 'price', 'close_date', 'account.name'],"
        " order_by='-price', limit=1)[0]\n"
        "record.name = f\"{r.price + 1}/{r.close_date.year}/{r['account.name']}\"\n"
    )
    [account] = create(acme, "account", {"name": "A"})
    create(
        acme,
        "deal",
        {"name": "d", "price": "7.50", "close_date": "2027-01-02", "account": ref(acme, "account", account)},
    )
    publish(acme, script("reads", source, "before_create"))
    create(acme, "deal", {"name": "x"})
    assert rows(acme, "deal")[1]["name"] == "8.50/2027/A"


def test_five_limits_suspend_a_script_until_it_is_resumed(acme: Tenant) -> None:
    publish(acme, script("heavy", "while record.quantity == 1: pass", "before_create", limits={"steps": 1000}))
    for _ in range(5):
        assert "steps" in refused(acme, {"name": "x", "quantity": 1})["_record"][0]["message"]
    assert "suspended" in refused(acme, {"name": "x", "quantity": 2})["_record"][0]["message"]
    assert audit.resume(acme, "heavy")
    create(acme, "deal", {"name": "x", "quantity": 2})
    assert "steps" in refused(acme, {"name": "x", "quantity": 1})["_record"][0]["message"]
    create(acme, "deal", {"name": "x", "quantity": 2})


def test_successful_runs_are_pruned_after_thirty_days(acme: Tenant) -> None:
    publish(acme, script("fine", "log.info('hello', record.name)", "before_create"))
    create(acme, "deal", {"name": "x"})
    [run] = audit.history(acme, "fine")
    assert run["log"] == [["info", "hello x"]]
    assert (audit.prune(acme), len(audit.history(acme))) == (0, 1)
    with acme.database.writing() as connection:
        from datetime import timedelta

        connection.execute(tables.run.update().values(at=run["at"] - timedelta(days=31)))
    assert (audit.prune(acme), audit.history(acme)) == (1, [])


def test_no_worker_outlives_its_transaction(acme: Tenant, sandbox: Sandbox) -> None:
    from pathlib import Path

    publish(
        acme,
        script("fine", "record.name = 'y'", "before_create", pack="one"),
        script("other", "x = 1", "after_create", pack="two"),
    )
    create(acme, "deal", {"name": "x"})
    assert sandbox._zygote is not None
    with pytest.raises(RecordsInvalid):
        write(acme, lambda tx: tx.create("deal", [{"name": "x", "grade": "unknown"}]))
    children = Path(f"/proc/{sandbox._zygote.pid}/task/{sandbox._zygote.pid}/children").read_text().split()
    assert len(children) <= sandbox._wanted_spares + 1


def test_delete_scripts_refuse_and_follow(acme: Tenant) -> None:
    publish(
        acme,
        script("keeps", "if record.name == 'keep': reject('It stays')", "before_delete"),
        script("notes", "crm.create('account', {'name': 'Gone: ' + record.name})", "after_delete"),
    )
    kept, gone = create(acme, "deal", {"name": "keep"}, {"name": "go"})
    outcomes = write(acme, lambda tx: tx.delete("deal", [kept, gone], mode="partial"))
    assert [o.action for o in outcomes] == ["refused", "deleted"]
    assert outcomes[0].errors == {"_record": [{"code": "rejected", "message": "It stays"}]}
    assert [r["name"] for r in rows(acme, "deal")] == ["keep"]
    assert [r["name"] for r in rows(acme, "account")] == ["Gone: go"]
    with pytest.raises(RecordsInvalid):
        write(acme, lambda tx: tx.delete("deal", [kept]))


STAGED = [
    obj("ticket", field("name", required=True), field("note"), field("stage", "stage", pipelines=["flow"])),
    {
        "kind": "pipeline",
        "name": "flow",
        "object": "ticket",
        "field": "stage",
        "stages": [{"name": "new"}, {"name": "open"}, {"name": "done"}],
        "moves": [["new", "open"], ["open", "done"]],
    },
]


def test_stage_move_scripts_see_moves_only(acme: Tenant) -> None:
    publish(
        acme,
        *STAGED,
        {
            **script("moves", "record.note = f'{old.stage}>{record.stage}'", "before_stage_move"),
            "object": "ticket",
        },
    )
    [number] = create(acme, "ticket", {"name": "x", "stage": "new"})
    write(acme, lambda tx: tx.update("ticket", [{"id": number, "name": "y"}]))
    assert rows(acme, "ticket")[0]["note"] is None
    write(acme, lambda tx: tx.update("ticket", [{"id": number, "stage": "open"}]))
    assert rows(acme, "ticket")[0]["note"] == "new>open"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"object": None}, "missing_key"),
        ({"events": ["endpoint"]}, "endpoint_path"),
        ({"path": "a"}, "endpoint_path"),
        ({"methods": ["GET"]}, "endpoint_path"),
        ({"events": ["endpoint", "validation"], "path": "a"}, "endpoint_alone"),
        ({"object": "nothing"}, "unknown_reference"),
        ({"rights": [{"object": "nothing", "verbs": ["read"]}]}, "unknown_reference"),
        ({"events": ["sometimes"]}, None),
        ({"schedule": "daily"}, None),
    ],
)
def test_documents_that_make_no_sense_are_refused(acme: Tenant, change: dict[str, Any], code: str | None) -> None:
    document = {k: v for k, v in {**script("odd", "1", "validation"), **change}.items() if v is not None}
    with pytest.raises(InvalidMetadata) as caught:
        publish(acme, document)
    assert code is None or code in {d.code for d in caught.value.diagnostics}


def test_two_endpoints_cannot_share_an_address(acme: Tenant) -> None:
    one = {"kind": "script", "name": "one", "events": ["endpoint"], "path": "a", "source": "1", "pack": "p"}
    with pytest.raises(InvalidMetadata) as caught:
        publish(acme, one, {**one, "name": "two"})
    assert "same_path" in {d.code for d in caught.value.diagnostics}
    publish(acme, one, {**one, "name": "two", "pack": "q"})
