"""Ways to tell a person something outside the product, chosen by the person: mail, chat …

Whoever leaves a message in the notifications centre (``trellis.notifications.notify``) tells it through these too, in the same
transaction. A channel turns it into a delivery (``trellis.deliveries``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis import plugins
from trellis.deliveries import Outgoing, send_many
from trellis.storage.tables.people import preference
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import Label, text_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

PREFERENCE = "channels"
_P = preference.c


class DuplicateChannel(TrellisError):
    """Two plug-ins give a channel of the same name."""

    code = "duplicate_channel"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told. ``mail`` is None for somebody without an address; ``language`` is ``en`` or ``zh``."""

    user: int
    name: str
    mail: str | None
    language: str


@dataclass(frozen=True, slots=True)
class News:
    """What is told, in the reader's language. ``url`` is a path of the user interface, ``about`` the record."""

    kind: str
    text: str
    url: str | None
    about: tuple[str, int] | None


class Channel(Protocol):
    """A way to tell a person something."""

    name: str
    label: Label

    def is_ready(self, tenant: Tenant) -> bool:
        """Say whether the tenant's settings let the channel work; people can choose it only then."""
        ...

    def message(self, tenant: Tenant, connection: Connection, reader: Reader, news: News) -> Outgoing | None:
        """Return what to send; None where this reader cannot be reached."""
        ...


@cache
def channels() -> dict[str, Channel]:
    """Return the channels that plug-ins give, by name."""
    found: dict[str, Channel] = {}
    plugins.add_given(
        "trellis_channels", found, {}, lambda c: c.name, lambda told: DuplicateChannel(f"The channel {told}")
    )
    return found


def ready_channels(tenant: Tenant) -> dict[str, Channel]:
    """Return the channels that a person of the tenant can choose."""
    return {n: c for n, c in channels().items() if c.is_ready(tenant)}


def is_choice(text: str) -> bool:
    """Whether a text is a choice of channels: their names with commas between them, or nothing."""
    return all(name in channels() for name in text.split(",") if name)


def tell(
    tenant: Tenant,
    connection: Connection,
    users: Collection[int],
    kind: str,
    text: Mapping[str, str],
    *,
    about: tuple[str, int] | None,
    url: str | None,
    urls: Mapping[int, str] | None = None,
) -> None:
    """Put messages down for those of ``users`` who chose a channel, in a fixed number of statements.

    ``urls`` are pages for single people instead of ``url``: a link of one's own goes to nobody else.
    """
    chosen = _choices(tenant, connection, users)
    if not chosen:
        return
    ready, messages = ready_channels(tenant), list[tuple[Outgoing, None]]()
    for reader, names in _readers(tenant, connection, chosen):
        news = News(kind, text_of(text, reader.language), (urls or {}).get(reader.user, url), about)
        for name in names:
            found = ready[name].message(tenant, connection, reader, news) if name in ready else None
            if found is not None:
                messages.append((found, None))
    send_many(connection, tenant.clock.now(), messages)


def listeners(tenant: Tenant, connection: Connection, users: Collection[int]) -> set[int]:
    """Return those of ``users`` who chose a channel."""
    return set(_choices(tenant, connection, users))


def _choices(tenant: Tenant, connection: Connection, users: Collection[int]) -> dict[int, Sequence[str]]:
    if not channels():
        return {}
    query = sa.select(_P.user, _P.value).where(_P.name == PREFERENCE, _P.user.in_(sorted(users)))
    found = {user: [n for n in str(value).split(",") if n] for user, value in connection.execute(query)}
    return {user: names for user, names in found.items() if names}


def _readers(
    tenant: Tenant, connection: Connection, chosen: Mapping[int, Sequence[str]]
) -> list[tuple[Reader, Sequence[str]]]:
    person = tenant.model_in(connection).object("user")
    t, f = person.table, person.fields
    query = sa.select(t.c.id, f["name"].column, f["email"].column, f["language"].column).where(
        t.c.id.in_(sorted(chosen)), t.c.deleted_at.is_(None), f["active"].column.isnot(False)
    )
    default = str(tenant.settings.get("language", "en"))
    languages = sa.select(_P.user, _P.value).where(_P.name == "language", _P.user.in_(sorted(chosen)))
    own = {user: str(value) for user, value in connection.execute(languages)}
    return [
        (Reader(row[0], row[1] or "", row[2], own.get(row[0]) or row[3] or default), chosen[row[0]])
        for row in connection.execute(query)
    ]
