"""Messages from outside that start automations.

The address holds the tenant's name and a secret of the automation, of which only a digest is kept. A message whose key was seen
before does nothing. The steps are done by the worker: who sends is not kept waiting, and learns nothing of their outcome.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.automation import traces
from trellis.automation.catalogue import Automation, AutomationGone, Trigger, catalogue_of
from trellis.automation.finding import matches
from trellis.automation.flow import FAILED, Case, Flow
from trellis.automation.session import Session
from trellis.automation.starting import new_run, start
from trellis.automation.values import work_out
from trellis.formula import ErrorValue
from trellis.storage.tables.automation import hook
from trellis.transaction.statements import statements_of
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

LONGEST_BODY = 1_000_000
_H = hook.c


class UnknownHook(TrellisError):
    """There is no such address, or its secret is wrong. The two are not told apart."""

    code = "unknown_hook"


class BadDelivery(TrellisError):
    """A message from outside cannot be read: it has no key, or names no record or several."""

    code = "bad_delivery"


def new_token(tx: Transaction, name: str) -> str:
    """Give an automation a new secret and return the token of its address; it is told this once. The old one ends.

    Raises ``AutomationGone`` where there is no such automation, :class:`BadDelivery` where it waits for no message.
    """
    automation = catalogue_of(tx.model).get(name)
    if automation.trigger("webhook") is None:
        raise BadDelivery(f"'{name}' waits for no message from outside: it has no trigger 'webhook'.")
    secret = secrets.token_urlsafe(32)
    tx.connection.execute(hook.delete().where(_H.automation == name))
    tx.connection.execute(
        hook.insert(),
        {"automation": name, "token_hash": _digest(secret), "made_at": tx.now, "made_by": tx.principal.user},
    )
    return f"{tx.tenant.name}.{secret}"


def has_token(connection: Connection, name: str) -> bool:
    """Say whether an automation has an address."""
    return connection.execute(sa.select(_H.automation).where(_H.automation == name)).first() is not None


def tenant_of(token: str) -> tuple[str, str]:
    """Return the name of the tenant and the secret of a token. Raises :class:`UnknownHook`."""
    name, dot, secret = token.partition(".")
    if not (name and dot and secret):
        raise UnknownHook("There is no such address.")
    return name, secret


def receive(tenant: Tenant, name: str, secret: str, body: str, key: str | None) -> dict[str, Any]:
    """Take a message; ``key`` is the sender's ``Idempotency-Key``. Returns ``accepted`` and, if not, the ``reason``.

    Raises :class:`UnknownHook` and :class:`BadDelivery`.
    """
    with tenant.database.reading() as connection:
        stored = connection.execute(sa.select(_H.token_hash).where(_H.automation == name)).scalar_one_or_none()
    if not hmac.compare_digest(stored or _digest(""), _digest(secret)) or stored is None:
        raise UnknownHook("There is no such address.")
    cause = Cause("webhook", {"automation": name})
    return tenant.run(SYSTEM, cause, lambda tx: _receive(tx, name, body, key))


def _receive(tx: Transaction, name: str, body: str, key: str | None) -> dict[str, Any]:
    try:
        automation = catalogue_of(tx.model).get(name)
    except AutomationGone:
        raise UnknownHook("There is no such address.") from None
    trigger = automation.trigger("webhook")
    if trigger is None or not automation.definition.active:
        return {"accepted": False, "reason": "inactive"}
    given = {"body": body}
    probe = Case(new_run(tx, automation, "webhook", {}, None, given), None, {})
    flow = Flow(tx, Session.of(tx), False)
    cause = _key(flow, trigger, probe, key)
    record = _record(flow, automation, trigger, probe)
    found = start(
        tx,
        automation,
        "webhook",
        [record],
        key=None if cause is None else lambda r: cause,
        given=given,
        later=True,
    )
    if automation.object is not None:
        traces.note_idle(tx, automation, automation.object, found)
    reason = found.idle.get(record.get("id"))
    return {"accepted": True} if reason is None else {"accepted": False, "reason": reason}


def _key(flow: Flow, trigger: Trigger, probe: Case, header: str | None) -> str | None:
    """Return what tells this message from others; None: every message is new."""
    text = header
    if trigger.key is not None:
        ((value,),) = flow.evaluate([trigger.key], [probe])
        if isinstance(value, ErrorValue) or value is None:
            raise BadDelivery("The message has no key.")
        text = str(value)
    return None if text is None else f"hook:{_digest(text)}"


def _record(flow: Flow, automation: Automation, trigger: Trigger, probe: Case) -> dict[str, Any]:
    """Return the stored record that the message is about; an empty one where the automation has no object."""
    if automation.object is None:
        return {}
    model = flow.tx.model.object(automation.object)
    (wanted,) = work_out(flow, trigger.match, [probe], model)
    ids = matches(flow, model, [(probe, wanted)])[0] if wanted is not None else []
    if probe.run.state == FAILED or len(ids) != 1:
        several = f"More than one record of '{model.name}' fits the message."
        raise BadDelivery(several if len(ids) > 1 else f"No record of '{model.name}' fits the message.")
    return statements_of(model).fetch(flow.tx.connection, ids)[ids[0]]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
