"""Views of fields that are marked ``sensitive``: who was given their values, of which records.

Queries collect what they hand out; it is written before the answer leaves, in few rows: one per person, object and choice of
fields. A masked value counts as not seen.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trellis.access.principal import Principal
from trellis.audit.noting import note_for

if TYPE_CHECKING:
    from trellis.model import ObjectModel
    from trellis.tenant import Tenant

AT_ONCE = 500
"""So many records stand in one row of the audit."""
_Seen = tuple[Principal, str, tuple[str, ...], tuple[int, ...]]


class Views:
    """What was handed out and is not in the audit yet. Shared by the threads of a process."""

    def __init__(self) -> None:
        self._waiting: deque[_Seen] = deque()
        self._lock = threading.Lock()

    def add(self, principal: Principal, object_name: str, fields: Sequence[str], records: Iterable[int]) -> None:
        """Collect one view. ``fields`` are paths from the object; without records (totals by a field) they alone are told."""
        if fields:
            self._waiting.append((principal, object_name, tuple(fields), tuple(records)))

    def write(self, tenant: Tenant) -> None:
        """Write what was collected. An answer must not leave when this fails."""
        if not self._waiting:
            return
        with self._lock, tenant.database.writing() as connection:
            taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                for principal, name, fields, records in _together(taken):
                    about = (name, records[0] if len(records) == 1 else None)
                    ids: dict[str, Any] = {} if len(records) == 1 else {"records": list(records)}
                    note_for(tenant, connection, "sensitive_viewed", principal, about=about, fields=list(fields), **ids)
            except BaseException:
                self._waiting.extendleft(reversed(taken))
                raise


def sensitive_fields(root: ObjectModel) -> tuple[str, ...]:
    """Return the fields of an object whose views are noted."""
    return tuple(f.name for f in root.all_fields if f.doc.get("sensitive"))


def _together(taken: Sequence[_Seen]) -> list[_Seen]:
    found: dict[tuple[Principal, str, tuple[str, ...]], list[int]] = {}
    for principal, name, fields, numbers in taken:
        found.setdefault((principal, name, fields), []).extend(numbers)
    out: list[_Seen] = []
    for (principal, name, fields), seen in found.items():
        unique = list(dict.fromkeys(seen))
        parts = [unique[i : i + AT_ONCE] for i in range(0, len(unique), AT_ONCE)] or [[]]
        out += [(principal, name, fields, tuple(part)) for part in parts]
    return out
