"""One validator stands behind every door: what the language refuses, API, command line, UI and packs refuse too."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from language.catalogue import load_broken_documents

from trellis.access.accounts import create_token, create_user, log_in
from trellis.app import create_app
from trellis.cli import root
from trellis.packs.installing import install
from trellis.publishing.drafts import BadDraft, Drafts
from trellis.runtime import Runtime
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE
from trellis_metadata.errors import TrellisError


def written(case: Any) -> bytes | None:
    """Return the documents of a case as JSON bytes; None for those that no JSON file can hold."""
    try:
        return json.dumps(case.documents, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        return None


CASES = [(case.name, data) for case in load_broken_documents() if (data := written(case)) and len(data) < 2_000_000]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Any:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    tenant = runtime.create_tenant("acme")
    create_user(tenant, login="ada", name="Ada", password="correct horse", admin=True)
    yield runtime
    runtime.close()


def test_the_catalogue_is_large_enough() -> None:
    assert len(CASES) >= 200


def test_api_accepts_none_of_the_broken_documents(runtime: Runtime) -> None:
    tenant = runtime.tenant("acme")
    before = tenant.model().snapshot.hash
    client = create_app(runtime).test_client()
    headers = {"Authorization": f"Bearer {create_token(tenant, tenant_user(tenant), 'test')}"}
    for name, data in CASES:
        body = b'{"documents":' + data + b"}"
        answer = client.post("/api/v1/metadata/apply", data=body, headers=headers, content_type="application/json")
        assert 400 <= answer.status_code < 500, (name, answer.status_code, answer.text[:300])
        assert "Traceback" not in answer.text
    assert tenant.model().snapshot.hash == before


@pytest.mark.slow
def test_command_line_accepts_none_of_the_broken_documents(runtime: Runtime, tmp_path: Path) -> None:
    before = runtime.tenant("acme").model().snapshot.hash
    for number, (name, data) in enumerate(CASES):
        folder = tmp_path / str(number) / "objects"
        folder.mkdir(parents=True)
        for position, document in enumerate(json.loads(data)):
            (folder / f"d{position}.json").write_text(json.dumps(document), encoding="utf-8")
        options = ["--home", str(runtime.home), "metadata", "apply", str(folder.parent), "--yes"]
        result = CliRunner().invoke(root, options)
        assert result.exit_code in (1, 2), (name, result.exit_code, result.output[-300:])
        assert "Traceback" not in result.output
    assert runtime.tenant("acme").model().snapshot.hash == before


@pytest.fixture
def page(runtime: Runtime) -> FlaskClient:
    """Somebody who may change the metadata, at the UI."""
    app = Flask("trellis_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(runtime))
    client = app.test_client()
    client.set_cookie(COOKIE, log_in(runtime.tenant("acme"), "ada", "correct horse").key)
    return client


def test_json_editor_accepts_none_of_the_broken_documents_and_keeps_no_draft_of_them(
    runtime: Runtime, page: FlaskClient
) -> None:
    tenant = runtime.tenant("acme")
    before = tenant.model().snapshot.hash
    assert page.get("/setup/documents/new").status_code == 200
    for name, data in CASES:
        answer = page.post("/setup/documents", data={"text": data.decode()})
        assert answer.status_code == 422, (name, answer.status_code, answer.text[:300])
        assert 'role="alert"' in answer.text, name
    assert Drafts(tenant).list() == []
    assert tenant.model().snapshot.hash == before


def test_drafts_of_the_broken_documents_are_published_by_no_form_and_no_request(
    runtime: Runtime, page: FlaskClient
) -> None:
    tenant = runtime.tenant("acme")
    before, drafts = tenant.model().snapshot.hash, Drafts(tenant)
    client = create_app(runtime).test_client()
    headers = {"Authorization": f"Bearer {create_token(tenant, tenant_user(tenant), 'test')}"}
    kept = 0
    for name, data in CASES:
        try:
            draft = drafts.create(json.loads(data), name="broken")
        except BadDraft:
            continue
        kept += 1
        answer = page.post("/setup/publish", data={"draft": "broken", "hash": "0" * 64})
        assert answer.status_code == 422, (name, answer.status_code)
        answer = client.post(f"/api/v1/metadata/drafts/{draft.name}/publish", json={}, headers=headers)
        assert answer.status_code == 422, (name, answer.status_code, answer.text[:300])
        drafts.delete("broken")
    assert kept >= 150
    assert tenant.model().snapshot.hash == before


@pytest.mark.slow
def test_packs_bring_none_of_the_broken_documents(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = runtime.tenant("acme")
    before = tenant.model().snapshot.hash
    packs: dict[str, Path] = {}
    monkeypatch.setattr("trellis.packs.folders.find_packs", lambda: packs)
    pack = {"kind": "pack", "name": "sound", "label": "Sound", "version": "1.0.0", "prefix": "snd"}
    for number, (name, data) in enumerate([("sound", b"[]"), *CASES]):
        folder = packs["sound"] = tmp_path / str(number)
        (folder / "objects").mkdir(parents=True)
        (folder / "pack.json").write_text(json.dumps(pack))
        for position, document in enumerate(json.loads(data)):
            (folder / "objects" / f"d{position}.json").write_text(json.dumps(document), encoding="utf-8")
        if name == "sound":
            # Without broken documents the very same pack is taken.
            assert install(tenant, "sound") == tenant.model().version
            before = tenant.model().snapshot.hash
            continue
        with pytest.raises(TrellisError):
            install(tenant, "sound")
    assert tenant.model().snapshot.hash == before


def tenant_user(tenant: Any) -> int:
    import sqlalchemy as sa

    from trellis.storage import system

    with tenant.database.reading() as connection:
        return int(connection.execute(sa.select(system.credential.c.user)).scalar_one())
