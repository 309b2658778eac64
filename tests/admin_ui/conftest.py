"""A Flask application with the UI over a real runtime; a test server and a browser for the tests that need one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parent))

import sample
from application import make_app, session_key

from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    sample.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def app(runtime) -> Flask:
    return make_app(runtime, TRELLIS_CSRF=False)


@pytest.fixture
def anonymous(app):
    return app.test_client()


@pytest.fixture
def admin(app, runtime):
    client = app.test_client()
    client.set_cookie(COOKIE, session_key(runtime, "ada"))
    return client


@pytest.fixture
def rep(app, runtime):
    client = app.test_client()
    client.set_cookie(COOKIE, session_key(runtime, "rep"))
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
