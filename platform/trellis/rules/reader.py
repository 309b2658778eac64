"""Who reads values for rules: a transaction, or a page or request that only looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.model import Model

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class Reader(Protocol):
    """What reading needs. A :class:`~trellis.transaction.Transaction` is one."""

    @property
    def tenant(self) -> Tenant: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def model(self) -> Model: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Onlooker:
    """A reader that writes nothing."""

    tenant: Tenant
    connection: Connection
    model: Model
    principal: Principal
    now: datetime
