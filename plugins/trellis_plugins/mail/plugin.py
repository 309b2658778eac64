"""The plug-in: what mail hooks into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from trellis.hookspecs import hookimpl

if TYPE_CHECKING:
    import click
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant


@hookimpl
def trellis_actions() -> Iterable[Any]:
    """Add the action ``send_mail``."""
    from trellis_plugins.mail.action import SendMail

    return [SendMail()]


@hookimpl
def trellis_carriers() -> Iterable[Any]:
    """Carry mails."""
    from trellis_plugins.mail.carrier import MailCarrier

    return [MailCarrier()]


@hookimpl
def trellis_channels() -> Iterable[Any]:
    """Tell people by mail."""
    from trellis_plugins.mail.channel import MailChannel

    return [MailChannel()]


@hookimpl
def trellis_settings() -> Iterable[Any]:
    """Add the pages of outgoing and incoming mail."""
    from trellis_plugins.mail.incoming_settings import INCOMING
    from trellis_plugins.mail.settings import OUTGOING

    return [OUTGOING, INCOMING]


@hookimpl
def trellis_topics() -> Iterable[Any]:
    """Fetch mail now and then."""
    from trellis.jobs.topics import Topic
    from trellis_plugins.mail.fetching import TOPIC, handle

    return [Topic(TOPIC, False, handle)]


@hookimpl
def trellis_commands() -> Iterable[click.Command]:
    """Add ``trellis mail``."""
    from trellis_plugins.mail.commands import command

    return [command]


@hookimpl
def trellis_complaints(tenant: Tenant, connection: Connection) -> Iterator[Any]:
    """Name settings of mail that cannot work."""
    from trellis_plugins.mail.doctor import complaints

    return complaints(tenant, connection)
