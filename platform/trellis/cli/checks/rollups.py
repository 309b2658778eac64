"""Roll-ups hold what their child records give. ``repair`` writes the right values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.publishing.filling import next_ids
from trellis.ripples.ripple import Change
from trellis.ripples.rollups import RollupLevel, rollup_ripples

if TYPE_CHECKING:
    from trellis.tenant import Tenant

Wrong = tuple[int, str, Any, Any]
"""A record, its roll-up, what it holds, what is right."""


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Compute every roll-up again, in batches, and compare. Deleted records are looked at too: they may come back."""
    for ripple in rollup_ripples(tenant, tenant.model_in(connection)):
        found: dict[str, list[Wrong]] = {}
        for wrong in _wrong(ripple, connection):
            found.setdefault(wrong[1], []).append(wrong)
        for name, cases in sorted(found.items()):
            record, _, held, right = cases[0]
            yield Complaint(
                f"{ripple.target}.{name}",
                f"{len(cases)} record(s) of '{ripple.target}' hold a wrong '{name}'; the first is "
                f"{ripple.model.env.format_id(ripple.target, record)}: {_text(held)} instead of {_text(right)}.",
                "Run trellis doctor --repair.",
                len(cases),
            )


def repair(tenant: Tenant) -> int:
    """Write the right values, lowest level first, one transaction per batch; return how many records were wrong."""
    count = 0
    for position in range(len(rollup_ripples(tenant, tenant.model()))):
        last: int | None = 0
        while last is not None:
            with tenant.publishing_lock() as connection:
                ripple = rollup_ripples(tenant, tenant.model_in(connection))[position]
                ids = next_ids(connection, ripple.parent, last)
                changes = list(_changes(ripple, connection, ids))
                ripple.write(connection, changes)
                count += len(changes)
                last = ids[-1] if ids else None
    return count


def _wrong(ripple: RollupLevel, connection: Connection) -> Iterator[Wrong]:
    last = 0
    while ids := next_ids(connection, ripple.parent, last):
        for change in _changes(ripple, connection, ids):
            for name in sorted(change.fields or ()):
                yield change.id, name, (change.old or {})[name], change.new[name]
        last = ids[-1]


def _changes(ripple: RollupLevel, connection: Connection, ids: list[int]) -> Iterator[Change]:
    stored = ripple.stored(connection, ids)
    right = ripple.computed(connection, {r.name: set(ids) for r in ripple.rollups}, stored)
    for record, values in sorted(right.items()):
        new = {k: v for k, v in values.items() if stored[record][k] != v}
        if new:
            yield Change(record, stored[record], {**stored[record], **new}, frozenset(new))


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    amount = getattr(value, "amount", None)
    return f"{amount} {value.currency}" if amount is not None else str(value)
