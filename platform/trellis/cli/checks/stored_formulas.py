"""The stored copies of indexed formulas are what the formulas give. ``repair`` writes the right values.

INVARIANT: repairs run in the order of their names, so that roll-ups, which formulas may read, are right before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.publishing.filling import next_ids
from trellis.ripples.shadows import shadow_ripples

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Evaluate every indexed formula again, in batches, and compare. Deleted records too: they may come back."""
    for shadows in shadow_ripples(tenant, tenant.model_in(connection)):
        wrong: dict[str, list[tuple[int, object, object]]] = {}
        last = 0
        while ids := next_ids(connection, shadows.owner, last):
            for change in shadows.wrong(connection, ids):
                for name in sorted(change.fields or ()):
                    wrong.setdefault(name, []).append((change.id, (change.old or {})[name], change.new[name]))
            last = ids[-1]
        for name, cases in sorted(wrong.items()):
            record, held, right = cases[0]
            yield Complaint(
                f"{shadows.target}.{name}",
                f"{len(cases)} record(s) of '{shadows.target}' hold a wrong copy of '{name}'; the first is "
                f"{shadows.model.env.format_id(shadows.target, record)}: {_text(held)} instead of {_text(right)}.",
                "Run trellis doctor --repair.",
                len(cases),
            )


def repair(tenant: Tenant) -> int:
    """Write the right copies, one transaction per batch; return how many records were wrong."""
    count = 0
    for position in range(len(shadow_ripples(tenant, tenant.model()))):
        last: int | None = 0
        while last is not None:
            with tenant.publishing_lock() as connection:
                shadows = shadow_ripples(tenant, tenant.model_in(connection))[position]
                ids = next_ids(connection, shadows.owner, last)
                changes = shadows.wrong(connection, ids) if ids else []
                shadows.write(connection, changes)
                count += len(changes)
                last = ids[-1] if ids else None
    return count


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)
