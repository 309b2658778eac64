"""The UI over a runtime, as the tests of pages open it."""

import sample
from flask import Flask

from trellis.access import accounts
from trellis.runtime import Runtime
from trellis_admin import create_blueprint


def make_app(runtime: Runtime, **config) -> Flask:
    app = Flask("trellis_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, **config)
    app.register_blueprint(create_blueprint(runtime))
    return app


def session_key(runtime: Runtime, login: str) -> str:
    """Log somebody of the sample in."""
    return accounts.log_in(runtime.tenant("corvid"), login, sample.PASSWORD).key
