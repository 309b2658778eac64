"""The notifications centre: a person's messages, the number of unread ones, and the stream by which pages learn of new ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, g, request

from trellis.notifications import Notification, mark_read, notifications_of
from trellis.record_id import format_id
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_metadata.labels import text_of

SHOWN = 100
RETRY_MS = 10_000
"""How long a page waits before it asks again: the answer ends at once, so that no waiting page holds a thread."""


@dataclass(frozen=True)
class Message:
    """One line of the centre."""

    id: int
    text: str
    url: str
    at: datetime
    when: str
    unread: bool


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/notifications", "notifications", show)
    blueprint.add_url_rule("/notifications/read", "notifications_read", read, methods=["POST"])
    blueprint.add_url_rule("/notifications/stream", "notifications_stream", stream)


def _messages(limit: int, after: int = 0) -> Sequence[Message]:
    with g.tenant.database.reading() as connection:
        found = notifications_of(connection, g.model, g.person, limit=limit, after=after)
    made = context()
    return [
        Message(n.id, text_of(n.text, language().code), _url(n), n.at, relative(n.at, made), n.read_at is None)
        for n in found
    ]


def _url(n: Notification) -> str:
    if n.object is not None and n.record is not None:
        return f"/o/{n.object}/{format_id(n.object, n.record)}"
    return n.url or ""


@needs_person
def show() -> Response:
    """The page."""
    return render("pages/notifications.html", messages=_messages(SHOWN))


@needs_person
def read() -> Response:
    """Note that all messages were read, or the one whose number was sent; go where that one leads."""
    number = request.form.get("id", type=int)
    mark_read(g.tenant, g.person, None if number is None else [number])
    target = next((m.url for m in _messages(SHOWN) if m.id == number), "") if number is not None else ""
    return go(target or "/notifications")


@needs_person
def stream() -> Response:
    """Server-sent events (WHATWG HTML, 9.2): the number of unread messages, and the messages behind ``Last-Event-ID``."""
    last = request.headers.get("Last-Event-ID", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
    messages = _messages(SHOWN)
    newest = max((m.id for m in messages), default=after or 0)
    lines = [f"retry: {RETRY_MS}", "", "event: unread", f"data: {sum(m.unread for m in messages)}", f"id: {newest}", ""]
    for message in reversed(messages if after is not None else ()):
        if after is not None and message.id > after and message.unread:
            told = json.dumps({"text": message.text, "url": message.url}, ensure_ascii=False)
            lines += ["event: message", f"data: {told}", f"id: {message.id}", ""]
    return Response("\n".join([*lines, ""]), 200, {"Cache-Control": "no-store"}, mimetype="text/event-stream")
