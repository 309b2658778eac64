"""The plug-in: what documents hook into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from trellis.hookspecs import hookimpl

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant


@hookimpl
def trellis_actions() -> Iterable[Any]:
    """Add the action ``generate_document``."""
    from trellis_plugins.documents.action import GenerateDocument

    return [GenerateDocument()]


@hookimpl
def trellis_topics() -> Iterable[Any]:
    """Make the documents after the commit."""
    from trellis.jobs.topics import Topic
    from trellis_plugins.documents.making import TOPIC, handle

    return [Topic(TOPIC, False, handle)]


@hookimpl
def trellis_complaints(tenant: Tenant, connection: Connection) -> Iterator[Any]:
    """Say when documents are wanted and none can be made."""
    from trellis_plugins.documents.pdf import complaints

    return complaints(tenant, connection)
