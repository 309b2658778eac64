"""One validator stands behind every door: what the language refuses, the API and the command line refuse too."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from language.catalogue import load_broken_documents

from trellis.access.accounts import create_token, create_user
from trellis.app import create_app
from trellis.cli import root
from trellis.runtime import Runtime


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


def tenant_user(tenant: Any) -> int:
    import sqlalchemy as sa

    from trellis.storage import system

    with tenant.database.reading() as connection:
        return int(connection.execute(sa.select(system.credential.c.user)).scalar_one())
