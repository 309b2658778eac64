"""Serves the product: granian in front of the WSGI application, one process with threads by default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from trellis.api.limits import RateLimits
from trellis.app import create_app
from trellis.runtime import Runtime
from trellis.worker import start_beside

_ENV = ("TRELLIS_HOME", "TRELLIS_DATABASE_URL", "TRELLIS_TENANT")


def from_environment() -> Flask:
    """Build the application in a server process from ``TRELLIS_HOME``, ``TRELLIS_DATABASE_URL`` and ``TRELLIS_TENANT``.

    Rate limits are those of ``TRELLIS_API_LIMIT`` and ``TRELLIS_LOGIN_LIMIT``; behind proxies ``TRELLIS_PROXIES`` says how
    many there are, so that the visitor's address is read from what they forward. Background work runs in a thread of the process unless ``TRELLIS_WORKER=0`` says that a worker runs elsewhere.
    """
    runtime = Runtime(
        Path(os.environ.get("TRELLIS_HOME", "var/trellis")), database_url=os.environ.get("TRELLIS_DATABASE_URL") or None
    )
    if os.environ.get("TRELLIS_WORKER", "1") == "1":
        start_beside(runtime)
    app = create_app(
        runtime,
        default_tenant=os.environ.get("TRELLIS_TENANT") or None,
        rate_limits=RateLimits.from_environment(),
    )
    proxies = int(os.environ.get("TRELLIS_PROXIES") or 0)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    return app


def serve(
    home: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    database_url: str | None = None,
    tenant: str | None = None,
    workers: int = 1,
    threads: int = 4,
) -> None:
    """Run the web server until it is told to stop (SIGINT or SIGTERM)."""
    from granian import Granian
    from granian.constants import Interfaces

    values: tuple[Any, ...] = (str(home), database_url or "", tenant or "")
    os.environ.update({k: str(v) for k, v in zip(_ENV, values, strict=True)})
    Granian(
        "trellis.server:from_environment",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_access=False,
        websockets=False,
    ).serve()
