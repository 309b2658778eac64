"""Every hook, executed through a package that is installed with an entry point."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.kernel import create, publish, rows, table, write

from trellis import deliveries, file_stores, files, plugins
from trellis.access.principal import SYSTEM
from trellis.app import create_app
from trellis.cli import root
from trellis.cli.checks import examinations
from trellis.cli.discovery import commands
from trellis.exchange.source import open_source
from trellis.exchange.source import readers as importers
from trellis.fields import DuplicateFieldType, field_types
from trellis.formula.functions import DuplicateFunction, functions
from trellis.jobs import Worker
from trellis.jobs.topics import topics
from trellis.notifications import notify
from trellis.plugins import PluginFailed
from trellis.publishing.errors import InvalidMetadata
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.storage.tables.outgoing import delivery
from trellis.storage.tables.schedules import schedule
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

ROOT = Path(__file__).parents[2]
CAR: dict[str, Any] = {
    "kind": "object",
    "name": "car",
    "label": "Car",
    "features": {"search": ["plate"]},
    "fields": [
        {"name": "name", "type": "text", "required": True},
        {"name": "plate", "type": "plate", "unique": True},
        {"name": "loud", "type": "text", "default": {"formula": "SHOUT(name)"}},
    ],
}


@pytest.fixture
def garage(sample: Any, database_url: str, tmp_path: Path) -> Any:
    """A tenant that was opened with the sample plug-in."""
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    tenant = runtime.create_tenant("sampled")
    publish(tenant, CAR)
    yield tenant
    runtime.close()


def test_field_type_function_step_action_and_topic_of_a_plugin_work_together(garage: Tenant, sample: Any) -> None:
    steps = [{"name": "shout", "action": "shout", "with": {"text": "New"}}]
    triggers = [{"on": "created"}]
    publish(garage, {"kind": "automation", "name": "loud", "object": "car", "triggers": triggers, "steps": steps})
    create(garage, "car", {"name": "vw", "plate": "a-b 12"})
    (car,) = rows(garage, "car", filter={"field": "plate", "op": "=", "value": "A-B 12"})
    assert (car["plate"], car["loud"]) == ("A-B 12", "VW!")
    assert ("New", "vw") in sample.HEARD
    for values, codes in (({"name": "x", "plate": "!"}, "pattern"), ({"name": "forbidden"}, "sample")):
        with pytest.raises(RecordsInvalid) as caught:
            create(garage, "car", values)
        assert codes in json.dumps(caught.value.errors)
    write(garage, lambda tx: tx.trail.enqueue("sample_topic", {"text": "Hey"}))
    Worker(garage).run_until_idle()
    assert ("topic", "Hey") in sample.HEARD


def test_carrier_and_channel_of_a_plugin_tell_a_person(garage: Tenant, sample: Any) -> None:
    from trellis.access.accounts import create_user, principal_of
    from trellis.preferences import prefer

    user = create_user(garage, login="ann", name="Ann", language="zh")
    with garage.database.reading() as connection:
        ann = principal_of(garage, connection, user)
    assert ann is not None
    prefer(garage, ann, {"channels": "pigeon"})
    with garage.database.writing() as connection:
        notify(garage, connection, [user], "job_done", {"en": "Done", "zh": "完成"})
    Worker(garage).run_until_idle()
    assert ("flew", "Ann", "完成") in sample.HEARD
    assert [(d["state"], d["note"]) for d in table(garage, delivery)] == [("sent", "It landed.")]
    with (
        garage.database.reading() as connection,
        pytest.raises(deliveries.UnknownCarrier, match="Nothing carries 'owl'"),
    ):
        deliveries.send(connection, garage.clock.now(), deliveries.Outgoing("owl", "x", "x", {}))


def test_file_store_of_a_plugin_holds_new_files_and_old_ones_stay_where_they_are(garage: Tenant, sample: Any) -> None:
    def put(text: bytes) -> files.StoredFile:
        return files.store(garage, SYSTEM, io.BytesIO(text), name="a.txt", media_type="text/plain")

    old = put(b"old")
    garage.change_settings(file_store="attic")
    garage.model()
    new = put(b"new")
    assert (old.store, new.store) == (None, "attic")
    assert sample.ATTIC.kept == {f"sampled/{new.id}": b"new"}
    fetched = files.content_of(garage, new)
    fetched.unlink()  # what was fetched may go at any time
    assert files.content_of(garage, new).read_bytes() == b"new"
    assert files.content_of(garage, old).read_bytes() == b"old"
    fetched.unlink()
    sample.ATTIC.kept[f"sampled/{new.id}"] = b"fake"
    with pytest.raises(file_stores.FileStoreFailed, match="other bytes"):
        files.content_of(garage, new)
    files.remove(garage, new.id)
    assert sample.ATTIC.kept == {} and [f["id"] for f in table(garage, system.file)] == [old.id]
    garage.change_settings(file_store="cellar")
    garage.model()
    with pytest.raises(file_stores.UnknownFileStore, match="there is local, attic"):
        put(b"x")


def test_importer_of_a_plugin_reads_its_format(sample: Any, tmp_path: Path) -> None:
    (tmp_path / "cars.pipe").write_text("name|plate\nvw|a-1\n")
    source = open_source(tmp_path / "cars.pipe")
    assert (source.format, source.headers, list(source.rows())) == ("pipe", ("name", "plate"), [(2, ["vw", "a-1"])])
    assert "pipe" in importers()


def test_document_that_a_plugin_forbids_is_not_published_and_a_failing_plugin_is_named(garage: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(garage, {**CAR, "name": "bad_thing"})
    assert [d.code for d in caught.value.diagnostics] == ["sample"]
    with pytest.raises(
        PluginFailed, match="The plug-in 'sample' failed in 'trellis_check_document': ZeroDivisionError"
    ):
        publish(garage, {**CAR, "name": "broken_thing"})


def test_api_and_pages_show_what_a_plugin_adds(garage: Tenant, sample: Any) -> None:
    from trellis.access.accounts import create_token, create_user, log_in
    from trellis_admin.session import COOKIE

    user = create_user(garage, login="boss", name="Boss", password="correct horse battery", admin=True)
    (car,) = create(garage, "car", {"name": "vw", "plate": "a1"})
    number = garage.model().env.format_id("car", car)
    runtime = Runtime(garage.files.parent.parent, database_url=str(garage.database.url))
    try:
        app = create_app(runtime, default_tenant="sampled")
        app.config["TRELLIS_CSRF"] = False
        client = app.test_client()
        token = create_token(garage, user, "t")
        answer = client.get("/api/v1/sample/hello", headers={"Authorization": f"Bearer {token}"})
        assert answer.json == {"name": "Boss"}
        assert client.get("/api/v1/sample/hello").status_code == 401
        client.set_cookie(COOKIE, log_in(garage, "boss", "correct horse battery").key)
        page = client.get(f"/o/car/{number}").text
        assert f"Sample sees <em>car</em> {car}" in page
        assert "&lt;not markup&gt;" in client.get("/").text
        assert 'href="/setup/settings/sample"' in client.get("/setup/settings").text
        client.post("/setup/settings/sample", data={"greeting": "Servus"})
        assert 'value="Servus"' in client.get("/setup/settings/sample").text
        assert "Tried for None." in client.post("/setup/settings/sample/test").text
        assert client.get("/o/car").status_code == 200 and "A1" in client.get("/o/car").text
        # Nothing is written here: the workbench of the plug-in stands before the shipped one only for its own tenant.
    finally:
        runtime.close()


def test_schedules_of_a_plugin_become_jobs_when_a_document_is_published(garage: Tenant) -> None:
    publish(garage, {"kind": "role", "name": "sample_role"})
    assert ("role", "sample_role", "sample_topic") in [
        (s["kind"], s["owner"], s["topic"]) for s in table(garage, schedule)
    ]


def test_workbench_of_a_plugin_answers_before_the_shipped_one(garage: Tenant, sample: Any) -> None:
    assert isinstance(plugins.manager().hook.trellis_script_workbench(tenant=garage), sample.Bench)


def test_doctor_and_command_line_show_what_a_plugin_adds(garage: Tenant) -> None:
    with garage.database.reading() as connection:
        found = list(examinations()["plugins"](garage, connection))
    assert "The sample complains." in [c.message for c in found]
    assert CliRunner().invoke(root, ["sample"]).stdout.strip() == "Hello from the sample."
    listed = CliRunner().invoke(root, ["plugin", "list", "--json"])
    (entry,) = [p for p in json.loads(listed.stdout) if p["name"] == "sample"]
    assert (entry["package"], entry["version"], entry["shipped"]) == ("trellis-sample", "1.0", False)
    shipped = [p for p in json.loads(listed.stdout) if p["shipped"]]
    assert {"scripts", "mail", "webhooks", "documents"} <= {p["name"] for p in shipped}


def test_sample_uses_every_hook(sample: Any) -> None:
    """A hook without an executed test is no hook: this package is what the tests above run."""
    (found,) = [p for p in plugins.installed() if p.name == "sample"]
    assert sorted(found.hooks) == plugins.hook_names()


@pytest.mark.parametrize("hook", plugins.hook_names())
def test_every_hook_has_a_section_of_its_own_in_the_documentation(hook: str) -> None:
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    section = page.partition(f"\n### `{hook}`\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    assert len(section) > 120 and "```python" in section, f"docs/plugins.md says too little about {hook}."


# -- plug-ins that fail ------------------------------------------------------------------------------------------------

Write = Callable[..., Path]
HEAD = "from trellis.hookspecs import hookimpl\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        (HEAD + "@hookimpl\ndef trellis_nonsense(): return []", "unknown hook 'trellis_nonsense'"),
        (HEAD + "@hookimpl\ndef trellis_topics(wrong): return []", "trellis_topics"),
    ],
    ids=["raises", "misses a module", "unknown hook", "wrong argument"],
)
def test_plugin_that_cannot_be_loaded_stops_the_product_by_name_and_the_list_tells(
    install: Any, write_plugin: Write, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    install(write_plugin("broken", code))
    with pytest.raises(PluginFailed) as caught:
        plugins.manager()
    assert "The plug-in 'broken' (trellis-sample-broken) cannot be loaded" in caught.value.message
    assert told in caught.value.message and "TRELLIS_WITHOUT_PLUGINS=broken" in caught.value.message
    listed = CliRunner().invoke(root, ["plugin", "list"])
    assert listed.exit_code == 1 and "broken" in listed.stdout and "cannot be loaded" in listed.stdout
    monkeypatch.setenv("TRELLIS_WITHOUT_PLUGINS", "broken")
    plugins._loaded.cache_clear()
    assert plugins.manager().get_plugin("broken") is None
    assert [p.left_out for p in plugins.installed() if p.name == "broken"] == [True]


@pytest.mark.parametrize(
    ("code", "call", "error"),
    [
        (
            "@hookimpl\ndef trellis_field_types():\n    from trellis.fields.text import TextField\n    return [TextField()]",
            field_types,
            DuplicateFieldType,
        ),
        (
            "@hookimpl\ndef trellis_functions():\n    from trellis.formula.functions.abs import FUNCTION\n    return [FUNCTION]",
            functions,
            DuplicateFunction,
        ),
        (
            "@hookimpl\ndef trellis_topics():\n    from trellis.jobs.topics import Topic\n    return [Topic('bulk', False, print)]",
            topics,
            RuntimeError,
        ),
        (
            "@hookimpl\ndef trellis_commands():\n    import click\n    return [click.Command('init')]",
            commands,
            RuntimeError,
        ),
        (
            "@hookimpl\ndef trellis_carriers():\n    class C: name = 'mail'\n    return [C()]",
            deliveries.carriers,
            deliveries.UnknownCarrier,
        ),
    ],
    ids=["field type", "function", "topic", "command", "carrier"],
)
def test_name_that_stands_twice_is_an_error_that_names_both(
    install: Any, write_plugin: Write, code: str, call: Callable[[], Any], error: type[Exception]
) -> None:
    install(write_plugin("twice", HEAD + code))
    with pytest.raises(error, match="plug-in 'twice'"):
        call()


def test_plugin_that_raises_where_it_is_asked_is_named(install: Any, write_plugin: Write) -> None:
    install(write_plugin("raising", HEAD + "@hookimpl\ndef trellis_functions():\n    yield 1 / 0"))
    with pytest.raises(PluginFailed, match="The plug-in 'raising' failed in 'trellis_functions': ZeroDivisionError"):
        functions()
