"""Flask's signed session, for pages only: the API has no use for it and does not pay for it."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

API = "/api/"


class PageSessions(SecureCookieSessionInterface):
    """Opens no session for requests to the API; writing to one there is an error."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith(API):
            return None
        return super().open_session(app, request)
