"""Scripts act with the rights of the running user; what goes beyond them an administrator must have granted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.kernel import create, field, obj, publish, ref, rows, table, write

from trellis.access import Principal
from trellis.access.accounts import create_token, create_user, principal_of
from trellis.app import create_app
from trellis.jobs import Worker
from trellis.jobs.letters import dead_letters
from trellis.runtime import Runtime
from trellis.storage.tables import scripts as tables
from trellis.tenant import Tenant
from trellis.transaction.errors import RecordsInvalid
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.catalogue import catalogue_of
from trellis_plugins.scripts.host.sandbox import Sandbox

DOCUMENTS = [
    obj(
        "account",
        field("name", required=True),
        field("city"),
        field("salary", "integer"),
        sharing={"default": "private"},
    ),
    obj(
        "deal", field("name", required=True), field("note"), field("margin", "integer"), sharing={"default": "private"}
    ),
    {
        "kind": "permission_set",
        "name": "seller",
        "objects": [
            {
                "name": "account",
                "rights": ["create", "read", "edit", "delete"],
                "fields": [{"name": "salary", "access": "none"}],
            },
            {
                "name": "deal",
                "rights": ["create", "read", "edit"],
                "fields": [{"name": "margin", "access": "read"}],
            },
        ],
    },
]


@dataclass
class World:
    """A tenant with a seller who sees his own records, and an account of somebody else."""

    tenant: Tenant
    seller: int
    foreign: str

    @property
    def person(self) -> Principal:
        with self.tenant.database.reading() as connection:
            found = principal_of(self.tenant, connection, self.seller)
        assert found is not None
        return found

    def deal(self, **values: Any) -> Any:
        """Create a deal as the seller; return its note."""
        [outcome] = write(self.tenant, lambda tx: tx.create("deal", [{"name": "x", **values}]), self.person)
        return outcome.values.get("note")

    def refused(self, **values: Any) -> str:
        """Create a deal that must be refused; return the first message."""
        with pytest.raises(RecordsInvalid) as caught:
            self.deal(**values)
        return str(next(iter((caught.value.errors[0] or {}).values()))[0]["message"])


@pytest.fixture
def world(open_copy: Any, sandbox: Sandbox) -> Iterator[World]:
    def build(tenant: Tenant) -> None:
        publish(tenant, *DOCUMENTS)
        create_user(tenant, login="sam", name="Sam", permission_sets=["seller"])
        create(tenant, "account", {"name": "Foreign", "city": "Oslo", "salary": 9})

    tenant = open_copy("script_rights", build)
    seller = next(r for r in rows(tenant, "user", fields=["name"]) if r["name"] == "Sam")
    [foreign] = rows(tenant, "account", fields=["name"])
    yield World(tenant, tenant.model().env.parse_id(seller["id"], ["user"])[1], foreign["id"])


def on_deal(source: str, *events: str, **more: Any) -> dict[str, Any]:
    events = events or ("before_create",)
    return {"kind": "script", "name": "hook", "object": "deal", "events": list(events), "source": source, **more}


def test_records_of_others_are_not_there(world: World) -> None:
    source = (
        f"found = crm.get('account', '{world.foreign}')\n"
        "record.note = f\"{found}/{crm.count('account')}/{len(crm.query('account'))}\"\n"
    )
    publish(world.tenant, on_deal(source))
    assert world.deal() == "None/0/0"


@pytest.mark.parametrize(
    "call",
    [
        "crm.query('account', fields=['name', 'salary'])",
        "crm.query('account', filters=[['salary', '>', 1]])",
        "crm.query('account', order_by='salary')",
        "crm.count('account', [['salary', '>', 1]])",
    ],
)
def test_hidden_fields_cannot_be_read_filtered_or_sorted_by(world: World, call: str) -> None:
    publish(world.tenant, on_deal(f"try:\n    {call}\nexcept ApiError as e:\n    record.note = e.code"))
    assert world.deal() == "invalid_query"


def test_record_does_not_show_hidden_fields(world: World) -> None:
    source = "record.name = ','.join(sorted(record.keys()))\nrecord.city = str(hasattr(record, 'salary'))"
    publish(world.tenant, {**on_deal(source), "object": "account"})
    [outcome] = write(world.tenant, lambda tx: tx.create("account", [{"name": "x"}]), world.person)
    assert outcome.values["city"] == "False"
    assert "salary" not in outcome.values["name"].split(",")


def test_field_that_the_user_may_not_edit_cannot_be_set(world: World) -> None:
    publish(world.tenant, on_deal("record.margin = 5"))
    assert world.refused() == "You may not change 'margin'."


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("crm.update('account', FOREIGN, {'city': 'x'})", "not_found"),
        ("crm.delete('account', FOREIGN)", "not_found"),
        ("crm.create('account', {'name': 'x', 'salary': 5})", "records_invalid"),
        ("crm.create('user', {'name': 'x'})", "access_denied"),
        ("crm.create('t_credential', {'login': 'x'})", "unknown_object"),
        ("crm.query('t_credential')", "unknown_object"),
    ],
)
def test_writes_beyond_the_users_rights_are_refused(world: World, call: str, code: str) -> None:
    source = (
        f"try:\n    {call.replace('FOREIGN', repr(world.foreign))}\nexcept ApiError as e:\n    record.note = e.code"
    )
    publish(world.tenant, on_deal(source, "before_create"))
    assert world.deal() == code
    assert [r["city"] for r in rows(world.tenant, "account")] == ["Oslo"]


def test_rights_count_only_once_they_are_granted_and_only_as_declared(world: World) -> None:
    source = (
        f"found = crm.get('account', '{world.foreign}')\n"
        "out = [found.city if found else None, crm.count('account')]\n"
        f"try:\n    crm.update('account', '{world.foreign}', {{'city': 'x'}})\nexcept NotFound as e:\n    out.append(e.code)\n"
        "record.note = str(out)\n"
    )
    document = on_deal(source, rights=[{"object": "account", "verbs": ["read"]}])
    publish(world.tenant, document)
    assert world.deal() == "[None, 0, 'not_found']"
    asks = catalogue_of(world.tenant.model()).scripts["hook"].asks
    assert asks is not None
    audit.grant(world.tenant, "hook", asks, None)
    assert world.deal() == "['Oslo', 1, 'not_found']"
    assert [r["mode"] for r in table(world.tenant, tables.run)] == ["user", "system"]
    # A script that asks for more than was approved has nothing of it.
    publish(world.tenant, {**document, "rights": [{"object": "account", "verbs": ["read", "update"]}]})
    assert world.deal() == "[None, 0, 'not_found']"
    assert audit.revoke(world.tenant, "hook")


def test_system_rights_do_not_leak_into_the_users_own_write(world: World) -> None:
    source = f"crm.update('account', '{world.foreign}', {{'city': 'Rome'}})\nrecord.margin = 5"
    publish(world.tenant, on_deal(source, rights=[{"object": "account", "verbs": ["update"]}]))
    audit.grant(world.tenant, "hook", str(catalogue_of(world.tenant.model()).scripts["hook"].asks), None)
    assert world.refused() == "You may not change 'margin'."
    assert rows(world.tenant, "account")[0]["city"] == "Oslo"


def test_old_values_hide_what_the_user_may_not_see(world: World) -> None:
    publish(
        world.tenant,
        {**on_deal("record.city = str(old.get('salary', 'hidden'))", "before_update"), "object": "account"},
    )
    [mine] = write(world.tenant, lambda tx: tx.create("account", [{"name": "Mine"}]), world.person)
    write(world.tenant, lambda tx: tx.update("account", [{"id": mine.id, "salary": 77}]))
    write(world.tenant, lambda tx: tx.update("account", [{"id": mine.id, "name": "z"}]), world.person)
    assert rows(world.tenant, "account")[-1]["city"] == "hidden"


# -- actions and endpoints -----------------------------------------------------------------------------------------------


@pytest.fixture
def web(world: World) -> Any:
    """Answers requests of the seller (or of nobody): method, path, body → status and JSON."""
    runtime = Runtime.__new__(Runtime)
    runtime.__dict__.update(_web_runtime(world))
    http = create_app(runtime, default_tenant="acme").test_client()
    token = create_token(world.tenant, world.seller, "test", scopes=["read", "write"])

    def call(method: str, path: str, body: Any = None, *, with_token: bool = True) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if with_token else {}
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = http.open(f"/api/v1{path}", method=method, headers=headers, **more)
        return answer.status_code, answer.get_json()

    return call


def _web_runtime(world: World) -> dict[str, Any]:
    import threading

    tenant = world.tenant
    home = tenant.files.parent.parent
    return {
        "home": home,
        "clock": tenant.clock,
        "database_url": None,
        "_tenants": {"acme": tenant},
        "_lock": threading.Lock(),
        "_names": ["acme"],
        "_names_at": float("inf"),
    }


def test_button_runs_on_a_record_and_its_changes_are_the_users(world: World, web: Any) -> None:
    publish(
        world.tenant,
        on_deal("record.note = 'pressed by ' + user.name\nresult = {'name': record.name}", "action"),
    )
    world.deal()
    [deal] = rows(world.tenant, "deal")
    status, body = web("POST", f"/records/deal/{deal['id']}/actions/hook", {})
    assert (status, body) == (200, {"changed": ["note"], "result": {"name": "x"}})
    assert rows(world.tenant, "deal")[0]["note"] == "pressed by Sam"
    assert web("POST", f"/records/deal/{deal['id']}/actions/other", {})[0] == 404
    assert web("POST", f"/records/deal/{deal['id']}/actions/hook", {}, with_token=False)[0] == 401


def test_button_does_not_reach_records_of_others(world: World, web: Any) -> None:
    publish(world.tenant, on_deal("record.note = 'x'", "action"))
    [number] = create(world.tenant, "deal", {"name": "foreign"})
    assert web("POST", f"/records/deal/{ref(world.tenant, 'deal', number)}/actions/hook", {})[0] == 404
    assert rows(world.tenant, "deal")[0]["note"] is None


def test_endpoint_answers_with_the_callers_rights(world: World, web: Any) -> None:
    publish(
        world.tenant,
        {
            "kind": "script",
            "name": "quote",
            "pack": "shop",
            "events": ["endpoint"],
            "path": "quote/price",
            "methods": ["GET", "POST"],
            "source": (
                "if request['method'] == 'POST':\n    crm.create('account', {'name': request['body']['name']})\n"
                "result = {'seen': crm.count('account'), 'q': request['parameters'].get('q'), 'total': Decimal('1.50')}\n"
            ),
        },
    )
    assert web("GET", "/apps/shop/quote/price?q=a") == (200, {"result": {"seen": 0, "q": "a", "total": "1.50"}})
    assert web("POST", "/apps/shop/quote/price", {"name": "Mine"})[1]["result"]["seen"] == 1
    assert web("GET", "/apps/shop/quote/price", with_token=False)[0] == 401
    assert web("GET", "/apps/other/quote/price")[0] == 404
    assert web("POST", "/apps/shop/quote/price", {})[1]["error"]["code"] == "script_failed"


def test_queued_action_runs_later_as_the_same_user_and_gives_up_after_three_tries(world: World) -> None:
    publish(
        world.tenant,
        on_deal("enqueue('later', {'n': 1})\nenqueue('never', None)"),
        {
            "kind": "script",
            "name": "later",
            "events": ["action"],
            "source": "crm.create('account', {'name': f\"{user.name} {args['n']}\"})",
        },
        {"kind": "script", "name": "never", "events": ["action"], "source": "1/0"},
    )
    world.deal()
    worker = Worker(world.tenant)
    worker.run_until_idle()
    assert [r["name"] for r in rows(world.tenant, "account")] == ["Foreign", "Sam 1"]
    with world.tenant.database.writing() as connection:
        from trellis.storage import system

        for _ in range(3):
            connection.execute(
                system.outbox.update()
                .where(system.outbox.c.topic == "script_action")
                .values(due_at=world.tenant.clock.now())
            )
    for _ in range(3):
        worker.run_until_idle()
        with world.tenant.database.writing() as connection:
            connection.execute(
                system.outbox.update()
                .where(system.outbox.c.topic == "script_action", system.outbox.c.state == "ready")
                .values(due_at=world.tenant.clock.now())
            )
    [dead] = [d for d in dead_letters(world.tenant) if d["topic"] == "script_action"]
    assert "Script 'never', line 1" in dead["reason"]


def test_action_of_another_pack_cannot_be_queued(world: World) -> None:
    publish(
        world.tenant,
        on_deal("try:\n    enqueue('theirs', None)\nexcept ApiError as e:\n    record.note = e.code", pack="mine"),
        {"kind": "script", "name": "theirs", "events": ["action"], "source": "1", "pack": "other"},
    )
    assert world.deal() == "unknown_script"


def test_script_called_by_a_granted_write_still_has_the_users_rights_only(world: World) -> None:
    spy = (
        "record.city = ','.join(k for k in record.keys() if k == 'salary') + str(crm.count('account'))\n"
        "try:\n    record.salary = 1\nexcept AttributeError:\n    record.name = record.name + '!'\n"
    )
    publish(
        world.tenant,
        on_deal("crm.create('account', {'name': 'made'})", rights=[{"object": "account", "verbs": ["create"]}]),
        {
            "kind": "script",
            "name": "spy",
            "pack": "other",
            "object": "account",
            "events": ["before_create"],
            "source": spy,
        },
    )
    audit.grant(world.tenant, "hook", str(catalogue_of(world.tenant.model()).scripts["hook"].asks), None)
    world.deal()
    made = rows(world.tenant, "account")[-1]
    assert (made["name"], made["city"], made["salary"]) == ("made!", "0", None)
