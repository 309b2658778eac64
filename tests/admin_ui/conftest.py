"""A Flask application with the UI over a real runtime; a test server and a browser for the tests that need one."""
from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from trellis.access import Principal
from trellis.runtime import Runtime
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE, LoginRefused

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class FixedAccounts:
    """Two people with known passwords; the token of a session is the login."""

    people = {"ada": Principal("person", 1, "Ada Park", admin=True), "rep": Principal("person", 2, "陈思远")}

    def log_in(self, login: str, password: str, agent: str) -> str:
        if login not in self.people or password != "correct horse":
            raise LoginRefused
        return login

    def principal(self, token: str) -> Principal | None:
        return self.people.get(token)

    def log_out(self, token: str) -> None:
        return None


def make_app(runtime: Runtime, **config) -> Flask:
    app = Flask("trellis_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, **config)
    app.register_blueprint(create_blueprint(runtime, accounts=lambda tenant: FixedAccounts()))
    return app


@pytest.fixture(scope="session")
def runtime(tmp_path_factory) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    runtime.create_tenant("corvid", settings={"organisation": "Corvid Trading", "currency": "CNY", "country": "CN"})
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def app(runtime) -> Flask:
    return make_app(runtime, TRELLIS_CSRF=False)


@pytest.fixture
def anonymous(app):
    return app.test_client()


@pytest.fixture
def admin(app):
    client = app.test_client()
    client.set_cookie(COOKIE, "ada")
    return client


@pytest.fixture
def rep(app):
    client = app.test_client()
    client.set_cookie(COOKIE, "rep")
    return client


@pytest.fixture(scope="session")
def server(runtime) -> Iterator[str]:
    """The address of the UI on a real port, with the protection of forms on."""
    http = make_server("127.0.0.1", 0, make_app(runtime), threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGS)
        yield browser
        browser.close()
