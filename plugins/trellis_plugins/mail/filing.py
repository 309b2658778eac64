"""Files a mail under the record that it is about: by the thread first, then by the addresses."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis import files
from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.model import Model
from trellis.storage import system
from trellis.storage.tables.outgoing import delivery, incoming_mail
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError
from trellis_plugins.mail.letter import Letter
from trellis_plugins.mail.message import deliveries_named

if TYPE_CHECKING:
    from trellis.tenant import Tenant

About = tuple[str, int]
CAUSE = "incoming_mail"
_I = incoming_mail.c


class NoMailObject(TrellisError):
    """The object of the settings is not there, or has no fields for a mail."""

    code = "no_mail_object"


def targets_of(model: Model, object_name: str) -> Sequence[str]:
    """Return the objects that a mail can be about. Raises :class:`NoMailObject`."""
    if object_name not in model.object_names:
        raise NoMailObject(f"There is no object '{object_name[:40]}' for incoming mail.")
    fields = model.object(object_name).fields
    missing = [n for n in ("subject", "regarding") if n not in fields]
    if missing:
        raise NoMailObject(f"The object '{object_name}' has no field '{missing[0]}', which incoming mail needs.")
    return tuple(fields["regarding"].codec.targets)


def file_letter(
    tenant: Tenant, letter: Letter, object_name: str, *, keep_unknown: bool, box: int | None, uid: int | None
) -> int | None:
    """Make a record of a mail, once; return its number. None: it is there already, or nobody knows the people in it.

    The record and the note that the mail was taken are one transaction; its files are stored before and dropped with it.
    """
    if _known(tenant, letter):
        return None
    stored = [_store(tenant, f.name, f.media_type, f.content) for f in letter.files]
    taken = False

    def body(tx: Transaction) -> int | None:
        if tx.connection.execute(sa.select(_I.message).where(_I.message == letter.digest)).first():
            return None
        about, outgoing = find_record(tx.tenant, tx.connection, tx.model, letter, targets_of(tx.model, object_name))
        note = {"message": letter.digest, "received_at": tx.now, "box": box, "uid": uid}
        name, record = about or (None, None)
        tx.connection.execute(incoming_mail.insert(), {**note, "object": name, "record": record})
        if about is None and not keep_unknown:
            return None
        values = _values(tx.model, object_name, letter, about, outgoing, stored)
        made = tx.create(object_name, [values])[0].id
        if stored:
            attached = system.file.update().where(system.file.c.id.in_(stored))
            tx.connection.execute(attached.values(object=object_name, record=made))
        return made

    try:
        number = tenant.run(SYSTEM, Cause(CAUSE), body)
        taken = number is not None
        return number
    finally:
        if not taken:
            for file_id in stored:
                files.remove(tenant, file_id)


def find_record(
    tenant: Tenant, connection: Connection, model: Model, letter: Letter, targets: Sequence[str]
) -> tuple[About | None, bool]:
    """Return what a mail is about (None: nothing is known), and whether one of our own people wrote it."""
    ours = bool(_with_address(connection, model, "user", [letter.sender]))
    found = _by_thread(tenant, connection, model, letter, targets)
    if found is None:
        people = letter.recipients if ours else [letter.sender]
        found = next((a for t in targets if (a := _with_address(connection, model, t, people))), None)
    return found, ours


def _by_thread(
    tenant: Tenant, connection: Connection, model: Model, letter: Letter, targets: Sequence[str]
) -> About | None:
    numbers = deliveries_named(tenant, letter.references)
    d = delivery.c
    sent = sa.select(d.object, d.record).where(d.id.in_(numbers), d.record.isnot(None)).order_by(d.id.desc())
    came = sa.select(_I.object, _I.record).where(_I.message.in_(letter.earlier), _I.record.isnot(None))
    rows = [*(connection.execute(sent) if numbers else ()), *(connection.execute(came) if letter.earlier else ())]
    return next(((n, r) for n, r in rows if n in targets and _lives(connection, model, n, r)), None)


def _lives(connection: Connection, model: Model, name: str, record: int) -> bool:
    t = model.object(name).table
    query = sa.select(t.c.id).where(t.c.id == record, t.c.deleted_at.is_(None))
    return connection.execute(query).first() is not None


def _with_address(connection: Connection, model: Model, name: str, addresses: Sequence[str]) -> About | None:
    """Return the record of an object that has one of the addresses; of several the one that changed last."""
    if name not in model.object_names or not addresses:
        return None
    owner = model.object(name)
    columns = [f.column for f in owner.fields.values() if f.doc["type"] == "email"]
    if not columns:
        return None
    t = owner.table
    fits = sa.or_(*(sa.func.lower(c).in_(list(addresses)) for c in columns))
    query = sa.select(t.c.id).where(fits, t.c.deleted_at.is_(None)).order_by(t.c.modified_at.desc(), t.c.id).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else (name, int(found))


def _values(
    model: Model, object_name: str, letter: Letter, about: About | None, outgoing: bool, stored: Sequence[str]
) -> Mapping[str, Any]:
    fields = model.object(object_name).fields
    found: dict[str, Any] = {
        "subject": letter.subject or "(no subject)",
        "regarding": model.env.format_id(*about) if about else None,
        "direction": "outgoing" if outgoing else "incoming",
        "from_address": letter.sender or None,
        "to_address": letter.recipients[0] if letter.recipients else None,
        "sent_at": letter.sent_at.isoformat() if letter.sent_at else None,
        "body": letter.body or None,
        "attachment": stored[0] if stored else None,
    }
    return {n: v for n, v in found.items() if n in fields and _fits(fields[n], v)}


def _fits(field: Any, value: Any) -> bool:
    """Whether a field takes a value: what a stranger wrote as his address does not keep his mail out."""
    try:
        return value is not None and field.codec.parse(value) is not None
    except TrellisError:
        return False


def _known(tenant: Tenant, letter: Letter) -> bool:
    with tenant.database.reading() as connection:
        return connection.execute(sa.select(_I.message).where(_I.message == letter.digest)).first() is not None


def _store(tenant: Tenant, name: str, media_type: str, content: bytes) -> str:
    return files.store(tenant, SYSTEM, io.BytesIO(content), name=name, media_type=media_type).id
