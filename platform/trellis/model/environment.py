"""What fields may ask of their tenant while they are compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trellis import record_id
from trellis.fields.base import InvalidValue
from trellis.money import currencies
from trellis_metadata.snapshot import Snapshot

_NEVER = datetime.max.replace(tzinfo=UTC)
"""Without a clock everything that can run out has run out."""


def _no_key(_text: str) -> str:
    raise RuntimeError("this environment has no key for secrets")


@dataclass(frozen=True)
class ModelEnvironment:
    """Implements :class:`trellis.fields.base.Environment` over a snapshot and the tenant's settings."""

    snapshot: Snapshot
    default_currency: str = "USD"
    default_country: str = "US"
    sealer: Callable[[str], str] = _no_key
    unsealer: Callable[[str], str] = _no_key
    now: Callable[[], datetime] = lambda: _NEVER
    """The moment, for what runs out."""

    @property
    def currencies(self) -> Mapping[str, int]:
        return currencies()

    def picklist(self, name: str) -> Mapping[str, Any] | None:
        return self.snapshot.get("picklist", name)

    def document(self, kind: str, name: str) -> Mapping[str, Any] | None:
        return self.snapshot.get(kind, name)

    def seal(self, text: str) -> str:
        return self.sealer(text)

    def unseal(self, sealed: str) -> str:
        return self.unsealer(sealed)

    def parse_id(self, text: str, objects: Sequence[str]) -> tuple[str, int]:
        try:
            return record_id.parse_id(text, objects)
        except record_id.BadRecordId as problem:
            raise InvalidValue("bad_reference", problem.message) from None

    def format_id(self, object_name: str, number: int) -> str:
        return record_id.format_id(object_name, number)
