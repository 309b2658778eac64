"""Who is at the other end: the session cookie, the principal behind it, and the frame of pages for that person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Response, current_app, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from trellis.access import Principal, rights
from trellis.access.accounts import Session, session_of
from trellis.accounts.browsers import COOKIE as BROWSER
from trellis.accounts.browsers import LIFE
from trellis.accounts.origin import Origin
from trellis.model import Model
from trellis.preferences import preferences_of
from trellis.tenant import Tenant
from trellis_admin.i18n import LANGUAGES, language
from trellis_admin.page import go
from trellis_admin.shell import App, Command, Shell, app_for, apps_of, setup_sections

COOKIE = "trellis_session"
APP_COOKIE = "app"
LIFETIME_S = 14 * 24 * 3600


def load_person() -> Response | None:
    """Before each request: find the person, or send them to the log-in page."""
    if request.endpoint == "trellis_admin.asset":
        return None
    g.tenant = ui().tenant()
    key = request.cookies.get(COOKIE)
    g.session = session = session_of(g.tenant, key) if key else None
    g.person = person = session.principal if session else None
    if person is None:
        return None
    with g.tenant.database.reading() as connection:
        g.preferences = preferences_of(connection, person.user)
    chosen = g.preferences.get("language") or request.cookies.get("lang") or person.language
    if chosen in LANGUAGES:
        g.language = LANGUAGES[chosen]
    # Messages of rules are in the language of the page.
    g.person = replace(person, language=language().code)
    return None


def note_views(response: Response) -> Response:
    """After each request: put views of sensitive fields into the audit before the page leaves."""
    if "tenant" in g:
        g.tenant.views.write(g.tenant)
    return response


def origin() -> Origin:
    """Return where the request comes from."""
    return Origin(request.remote_addr or "", request.headers.get("User-Agent", ""), request.cookies.get(BROWSER, ""))


def organisation() -> str:
    """Return the name that pages before the log-in show."""
    return str(g.tenant.settings.get("organisation") or "Trellis")


def keep_session(session: Session, target: str, response: Response | None = None) -> Response:
    """Give the browser the session's key and go on: to ``target``, or to what the session waits for."""
    from trellis_admin.views.log_in_steps import STEPS

    if response is None:
        step = STEPS.get(session.pending or "")
        response = go(target if step is None else step if target == "/" else f"{step}?next={quote(target)}")
    safe = {"httponly": True, "samesite": "Lax", "secure": request.is_secure}
    response.set_cookie(COOKIE, session.key, max_age=LIFETIME_S, **safe)
    if session.browser:
        response.set_cookie(BROWSER, session.browser, max_age=int(LIFE.total_seconds()), **safe)
    return response


def needs_person(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a view ask for a log-in and build the frame."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.get("person") is None:
            here = _page_on_screen()
            return go("/login" if here == "/" else f"/login?next={quote(here)}")
        g.model = g.tenant.model()
        g.shell = shell_for(g.tenant, g.model, g.person)
        return view(*args, **kwargs)

    return guarded


def _page_on_screen() -> str:
    """Return where to go back to after logging in: the page, also when only a part of it was asked for."""
    shown = request.headers.get("HX-Current-URL")
    if shown:
        parts = urlsplit(shown)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def needs_admin(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a view refuse everybody but administrators."""

    @needs_person
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not g.person.admin:
            raise Forbidden
        return view(*args, **kwargs)

    return guarded


def ui() -> Any:
    """Return the settings of the UI of this application (see ``blueprint.Ui``)."""
    return current_app.extensions["trellis_admin"]


def readable_objects(model: Model, person: Principal) -> list[str]:
    """Return the names of the objects of which the person may read something."""
    objects = model.display.of_kind("object")
    return [name for name, doc in objects.items() if rights(person, doc).read != "none"]


def shell_for(tenant: Tenant, model: Model, person: Principal) -> Shell:
    """Build the frame of pages for one person."""
    code = language().code
    readable = readable_objects(model, person)
    apps = apps_of(model.display, code, readable)
    app = app_for(apps, request.cookies.get(APP_COOKIE), _object_on_screen())
    return Shell(
        organisation=tenant.settings.get("organisation") or tenant.name,
        person=person.name,
        login=_("Administrator") if person.admin else "",
        admin=person.admin,
        app=app,
        apps=apps,
        setup=setup_sections() if person.admin else (),
        create=_create_commands(model, person, app),
        behind=person.behind_name,
    )


def _object_on_screen() -> str | None:
    """Return the name of the object that the page is about."""
    return (request.view_args or {}).get("name") if request.path.startswith("/o/") else None


def _create_commands(model: Model, person: Principal, app: App) -> list[Command]:
    names = [item.url.rpartition("/")[2] for item in app.items]
    code = language().code
    return [
        Command(_("New: %(object)s", object=model.object(name).label(code)), f"/o/{name}/new", "plus", _("Create"))
        for name in names
        if rights(person, model.object(name).doc).create
    ]


def time_zone() -> ZoneInfo:
    """Return the person's time zone, else the organisation's."""
    for name in (g.get("preferences", {}).get("time_zone"), g.person.time_zone, g.tenant.time_zone):
        try:
            if name:
                return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return ZoneInfo("UTC")
