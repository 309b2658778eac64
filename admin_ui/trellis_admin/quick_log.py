"""Noting something down about a record without leaving its page: a call, a visit, a mail, a note, with people named and a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import g, request
from markupsafe import Markup, escape

from trellis import files, mentions
from trellis.access import rights
from trellis.model import FieldModel
from trellis.transaction import Transaction
from trellis_admin.forms import may_enter
from trellis_admin.i18n import language
from trellis_admin.reading import label_of
from trellis_admin.session import time_zone
from trellis_admin.timeline import Subject
from trellis_admin.timeline.activities import Kind, kinds_of
from trellis_admin.writing import write

PREFERRED = ("note", "call", "visit", "mail", "task")
"""The order in which kinds of activity are offered; others follow by name."""
TITLE = 80


def offered(subject: Subject) -> list[dict[str, str]]:
    """Return name, label and icon of the activities that the person may note down about the record."""
    code = language().code
    found = [k for k in kinds_of(subject.root) if _can_log(k)]
    found.sort(key=lambda k: PREFERRED.index(k.root.name) if k.root.name in PREFERRED else len(PREFERRED))
    return [
        {
            "name": k.root.name,
            "label": k.root.label(code),
            "icon": k.root.doc.get("icon", "message"),
            "at": k.at,
            "file": "1" if _file_field(k) else "",
        }
        for k in found
    ]


def _can_log(kind: Kind) -> bool:
    text = kind.root.fields.get(kind.text)
    return rights(g.person, kind.root.doc).create and text is not None and may_enter(kind.root, text)


def log(subject: Subject, name: str, row: Mapping[str, Any]) -> list[int]:
    """Write the activity ``name`` about the record from the form that was sent; return those named who learn nothing of it.

    Raises ``LookupError`` for what is no activity of the record, and what the write path raises.
    """
    kind = next((k for k in kinds_of(subject.root) if k.root.name == name and _can_log(k)), None)
    text = request.form.get("text", "").strip()
    if kind is None:
        raise LookupError(name)
    values = {**_about(kind, subject), **_texts(kind, text), **_moment(kind), **_file(kind)}
    title = label_of(row, subject.root)

    def body(tx: Transaction) -> list[int]:
        tx.create(name, [values])
        people = mentions.named_in(tx.connection, tx.model, text)
        return mentions.tell(tx, people, subject.root.name, subject.number, title)

    return write(body)


def _about(kind: Kind, subject: Subject) -> dict[str, str]:
    several = [f for f in kind.fields if len(kind.root.fields[f].codec.targets) > 1]
    return {(several or list(kind.fields))[0]: subject.id}


def _texts(kind: Kind, text: str) -> dict[str, Any]:
    """Return the text as its field takes it, and its first line as the name of the activity."""
    field, name = kind.root.fields[kind.text], kind.root.name_field
    values: dict[str, Any] = {field.name: _paragraphs(text) if field.doc["type"] == "rich_text" else text}
    if name and name != field.name and kind.root.fields[name].doc["type"] == "text":
        first = text.splitlines()[0] if text else ""
        limit = min(TITLE, int(kind.root.fields[name].doc.get("max_length", TITLE)))
        values[name] = (first if len(first) <= limit else f"{first[: limit - 1].rstrip()}…") or None
    return values


def _paragraphs(text: str) -> Markup:
    return Markup("").join(Markup("<p>{}</p>").format(escape(line)) for line in text.splitlines() if line.strip())


def _moment(kind: Kind) -> dict[str, Any]:
    """Return when it takes place, and the values of what is done: all but what lies ahead, or is a task without a day."""
    done, at = dict(kind.activity.get("done", {})), kind.root.fields.get(kind.at)
    if at is None:
        return done
    typed, now = _typed(), g.tenant.clock.now()
    if at.doc["type"] == "date":
        return {at.name: typed.astimezone(time_zone()).date().isoformat()} if typed else {}
    ahead = typed is not None and typed > now
    return {at.name: (typed or now).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **({} if ahead else done)}


def _typed() -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(request.form.get("when", "")).replace(tzinfo=time_zone())
    except ValueError:
        return None


def _file(kind: Kind) -> dict[str, str]:
    """Store the file that was sent and return its field; the form offers files only where there is one."""
    sent, field = request.files.get("file"), _file_field(kind)
    if sent is None or not sent.filename or field is None:
        return {}
    stored = files.store(g.tenant, g.person, sent.stream, name=sent.filename, media_type=sent.mimetype)
    return {field.name: stored.id}


def _file_field(kind: Kind) -> FieldModel | None:
    return next((f for f in kind.root.fields.values() if f.doc["type"] == "file" and may_enter(kind.root, f)), None)


def attach(subject: Subject) -> list[str]:
    """Attach the files that were sent to the record; return their names."""
    sent = [f for f in request.files.getlist("file") if f.filename]
    to = (subject.root.name, subject.number)
    return [
        files.store(g.tenant, g.person, f.stream, name=f.filename, media_type=f.mimetype, attach=to).name for f in sent
    ]


def tick(kind: Kind, record: str) -> None:
    """Note that an activity is done."""
    write(lambda tx: tx.update(kind.root.name, [{"id": record, **kind.activity["done"]}]))
