"""A small tenant behind the REST API: three objects of many field types, an administrator, two ordinary users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from trellis.access.accounts import create_token, create_user
from trellis.app import create_app
from trellis.runtime import Runtime
from trellis.tenant import Tenant

DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "object",
        "name": "account",
        "label": {"en": "Account", "zh": "客户"},
        "sharing": {"default": "private"},
        "features": {"search": ["name", "code"]},
        "fields": [
            {"name": "name", "type": "text", "required": True, "max_length": 80},
            {"name": "code", "type": "text", "unique": True},
            {"name": "amount", "type": "currency"},
            {"name": "ratio", "type": "number", "scale": 6},
            {"name": "staff", "type": "integer", "min": 0},
            {"name": "share", "type": "percent"},
            {"name": "active", "type": "boolean", "default": True},
            {"name": "founded", "type": "date"},
            {"name": "seen_at", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "lasts", "type": "duration"},
            {"name": "email", "type": "email"},
            {"name": "phone", "type": "phone"},
            {"name": "site", "type": "url"},
            {"name": "kind_of", "type": "picklist", "options": [{"name": "hot"}, {"name": "cold"}]},
            {"name": "topics", "type": "multi_picklist", "options": [{"name": "a"}, {"name": "b"}]},
            {"name": "labels", "type": "tags"},
            {"name": "notes", "type": "long_text", "max_length": 2000},
            {"name": "html", "type": "rich_text"},
            {"name": "extra", "type": "json"},
            {"name": "stars", "type": "rating"},
            {"name": "place", "type": "geolocation"},
            {"name": "address", "type": "address"},
            {"name": "logo", "type": "image"},
            {"name": "number", "type": "auto_number", "format": "A-{0000}"},
            {"name": "parent", "type": "lookup", "target": "account", "relationship": "children"},
            {"name": "manager", "type": "user"},
        ],
    },
    {
        "kind": "object",
        "name": "contact",
        "label": "Contact",
        "sharing": {"default": "edit"},
        "features": {"search": ["name"]},
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": "account", "type": "lookup", "target": "account", "relationship": "contacts"},
            {"name": "full_name", "type": "person_name"},
        ],
    },
    {
        "kind": "object",
        "name": "notice",
        "label": "Notice",
        "sharing": {"default": "read"},
        "fields": [{"name": "name", "type": "text", "required": True}],
    },
]


@dataclass
class Client:
    """Speaks to the API as one user."""

    http: FlaskClient
    token: str | None
    user: int = 0

    def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Send a request to an address below ``/api/v1``; ``body`` is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            more.update(data=json.dumps(body), content_type="application/json")
        return self.http.open(f"/api/v1{path}", method=method, headers={**sent, **(headers or {})}, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("PATCH", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)

    def create(self, object_name: str, **values: Any) -> dict[str, Any]:
        """Create a record and return it."""
        response = self.post(f"/records/{object_name}", values)
        assert response.status_code == 201, response.get_data(as_text=True)
        found: dict[str, Any] = response.get_json()
        return found


@dataclass
class World:
    """The tenant and who speaks to it. ``ada`` is an administrator, ``bob`` and ``eve`` are not."""

    runtime: Runtime
    tenant: Tenant
    ada: Client
    bob: Client
    eve: Client
    nobody: Client

    def rows(self, table: str) -> int:
        """Count the rows of a table."""
        with self.tenant.database.reading() as connection:
            return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())

    def token(self, user: int, *scopes: str) -> Client:
        """Return a client with a token of fewer scopes."""
        return Client(self.ada.http, create_token(self.tenant, user, "test", scopes), user)


@dataclass(frozen=True, slots=True)
class Account:
    """A user's number and token."""

    user: int
    token: str


def people(documents: list[dict[str, Any]], runtime: Runtime) -> dict[str, Account]:
    """Make the tenant ``demo`` with the documents and three users; return their accounts by log-in name."""
    tenant = runtime.create_tenant("demo")
    tenant.publisher.apply(tenant.publisher.plan_documents(documents))

    def account(login: str, admin: bool) -> Account:
        user = create_user(tenant, login=login, name=login.capitalize(), admin=admin)
        return Account(user, create_token(tenant, user, "test"))

    return {login: account(login, login == "ada") for login in ("ada", "bob", "eve")}


def world_of(runtime: Runtime, accounts: dict[str, Account]) -> World:
    """Return the tenant that :func:`people` made, behind the API."""
    http = create_app(runtime, default_tenant="demo").test_client()
    clients = {login: Client(http, a.token, a.user) for login, a in accounts.items()}
    return World(runtime, runtime.tenant("demo"), **clients, nobody=Client(http, None))


@contextmanager
def world(database_url: str, home: Path, documents: list[dict[str, Any]] | None = None) -> Iterator[World]:
    """Build the tenant anew and remove its connections at the end; the fixture ``open_world`` is ten times cheaper."""
    runtime = Runtime(home, database_url=None if database_url.startswith("sqlite") else database_url)
    try:
        yield world_of(runtime, people(documents or DOCUMENTS, runtime))
    finally:
        runtime.close()
