"""The script editor of the setup: errors with lines as one types, test runs, history; for administrators only."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from support.kernel import create, field, obj, publish, ref, rows

from trellis.access import accounts
from trellis.runtime import Runtime
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE
from trellis_plugins.scripts.host.sandbox import Sandbox

SOURCE = "record.name = record.name + '!'\nlog.info('tried', record.name)\nif record.name == 'bad!': reject('No <b>', 'name')"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    tenant = runtime.create_tenant("acme")
    publish(
        tenant,
        obj("deal", field("name")),
        {
            "kind": "script",
            "name": "shout",
            "label": "Shout",
            "object": "deal",
            "events": ["before_create"],
            "source": SOURCE,
        },
    )
    for login, admin in (("ada", True), ("bob", False)):
        accounts.create_user(tenant, login=login, name=login, password="correct horse battery", admin=admin)
    create(tenant, "deal", {"name": "one"})
    yield runtime
    runtime.close()


def client(runtime: Runtime, login: str) -> Any:
    app = Flask("trellis_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(runtime))
    found = app.test_client()
    found.set_cookie(COOKIE, accounts.log_in(runtime.tenant("acme"), login, "correct horse battery").key)
    return found


def test_list_and_editor_show_the_script_and_its_runs(runtime: Runtime) -> None:
    ada = client(runtime, "ada")
    assert "Shout" in ada.get("/setup/scripts").text
    page = ada.get("/setup/scripts/shout").text
    assert SOURCE in html.unescape(page)
    assert "before_create" in page and "tried one!" in page and "1 record" in page
    assert ada.get("/setup/scripts/none").status_code == 404


def test_check_names_lines(runtime: Runtime) -> None:
    ada = client(runtime, "ada")
    found = ada.post("/setup/scripts/check", data={"source": "x = 1\r\nimport os\r\n"}).text
    assert "Line 2, character 1" in found and "Module &#39;os&#39;" in found
    assert "It compiles." in ada.post("/setup/scripts/check", data={"source": "x = 1"}).text


def test_trial_shows_changes_log_and_gauges_and_keeps_nothing(runtime: Runtime) -> None:
    tenant = runtime.tenant("acme")
    [deal] = rows(tenant, "deal")
    ada = client(runtime, "ada")
    found = ada.post("/setup/scripts/shout/try", data={"source": SOURCE, "record": deal["id"]}).text
    assert "<code>name</code> = one!!" in found and "tried one!!" in found
    assert re.search(r"<progress[^>]*aria-label=\"steps\"", found) and "/ 1,000,000" in found
    assert rows(tenant, "deal") == [deal]
    bad = SOURCE.replace("'bad!'", "'one!!'")
    assert "No &lt;b&gt;" in ada.post("/setup/scripts/shout/try", data={"source": bad, "record": deal["id"]}).text
    wrong = ada.post("/setup/scripts/shout/try", data={"source": "1/0", "record": deal["id"]}).text
    assert "division by zero" in wrong and "line 1" in wrong
    assert "<progress" not in ada.post("/setup/scripts/shout/try", data={"source": "1", "record": "nonsense"}).text
    missing = ref(tenant, "deal", 999_999)
    assert "no such record" in ada.post("/setup/scripts/shout/try", data={"source": "1", "record": missing}).text


def test_save_makes_a_draft_and_refuses_what_does_not_compile(runtime: Runtime) -> None:
    ada = client(runtime, "ada")
    assert "shout" in ada.post("/setup/scripts/shout", data={"source": "record.name = 'x'"}).text
    refused = ada.post("/setup/scripts/shout", data={"source": "class A: pass"})
    assert refused.status_code == 422 and "Classes are not available" in refused.text
    stored = runtime.tenant("acme").model().snapshot.get("script", "shout")
    assert stored is not None and stored["source"] == SOURCE


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rec", ["record", "records"]),
        ("record.na", ["record.name"]),
        ("RECORD.na", []),
        ("record.chan", ["record.changed"]),
        ("old.nam", ["old.name"]),
        ("crm.", ["crm.count", "crm.create", "crm.delete", "crm.get", "crm.query", "crm.update"]),
        ("rej", ["reject"]),
        ("crm.query.x", []),
        ("__class", []),
        ("record.__", []),
    ],
)
def test_names_of_fields_and_of_the_api_are_completed(runtime: Runtime, word: str, expected: list[str]) -> None:
    found = client(runtime, "ada").get("/setup/scripts/shout/words.json", query_string={"word": word}).json
    assert found is not None and [w["value"] for w in found] == expected
    assert all(w["hint"] for w in found)


@pytest.mark.parametrize("path", ["/setup/scripts", "/setup/scripts/shout", "/setup/scripts/shout/words.json"])
def test_others_do_not_see_the_setup(runtime: Runtime, path: str) -> None:
    assert client(runtime, "bob").get(path).status_code == 403
    assert client(runtime, "bob").post("/setup/scripts/check", data={"source": "1"}).status_code == 403
    assert (
        client(runtime, "bob").post("/setup/scripts/shout/try", data={"source": "1", "record": "x"}).status_code == 403
    )
