"""Loads demo records: in bulk, in one transaction, with the stamps of the time they tell of.

Each record is remembered under the external id ``demo`` / ``<pack>/<key>``, by which it is found again for removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.clock import today as today_of
from trellis.packs.demo.generators import SEED, generate
from trellis.packs.demo.rates import set_rates
from trellis.packs.demo.record import DemoRecord, Ref
from trellis.packs.folders import pack_folder
from trellis.storage import system
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SYSTEM_NAME = "demo"
CAUSE = Cause("demo")
Known = dict[Ref, int]


class DemoLoaded(TrellisError):
    """The demo data of the pack are there already."""

    code = "demo_loaded"


def load_demo(tenant: Tenant, name: str, *, today: date | None = None, seed: int = SEED) -> dict[str, int]:
    """Generate and write the demo data of an installed pack; return the number of records by object.

    ``today`` is the day on which the story ends (default: today in the organisation's zone). Exchange rates that are
    missing are set. Raises :class:`NoDemo`, or :class:`DemoLoaded` when they are there already.
    """
    day = today or today_of(tenant.clock, tenant.time_zone)
    records = generate(name, day, seed)
    rates = pack_folder(name) / "demo" / "rates.json"

    def body(tx: Transaction) -> dict[str, int]:
        _refuse_second(tx, name)
        set_rates(tx, rates, day)
        known = _write(tx, records)
        _remember(tx, name, known)
        counts: dict[str, int] = {}
        for ref in known:
            counts[ref.object] = counts.get(ref.object, 0) + 1
        return dict(sorted(counts.items()))

    return tenant.run(SYSTEM, CAUSE, body, migration=True)


def _refuse_second(tx: Transaction, name: str) -> None:
    c = system.external_id.c
    query = sa.select(c.record).where(c.system == SYSTEM_NAME, c.key.startswith(f"{name}/")).limit(1)
    if tx.connection.execute(query).first():
        raise DemoLoaded(f"The demo data of pack '{name}' are loaded already. Remove them first to load them anew.")


def _write(tx: Transaction, records: Sequence[DemoRecord]) -> Known:
    """Write in waves: each takes the records whose references are known by then."""
    known: Known = {}
    pending = list(records)
    while pending:
        ready = [r for r in pending if all(ref in known for ref in r.references())]
        if not ready:
            lost = next(ref for r in pending for ref in r.references() if ref not in known)
            raise LookupError(f"demo record {lost.object} {lost.key} is missing or refers to itself in a circle")
        for name in dict.fromkeys(r.object for r in ready):
            batch = [r for r in ready if r.object == name]
            outcomes = tx.create(name, [_row(r, known, tx.model.env.format_id) for r in batch])
            known.update((r.ref, o.id) for r, o in zip(batch, outcomes, strict=True) if o.id is not None)
        pending = [r for r in pending if r.ref not in known]
    return known


def _row(record: DemoRecord, known: Known, format_id: Callable[[str, int], str]) -> Mapping[str, Any]:
    return {k: format_id(v.object, known[v]) if isinstance(v, Ref) else v for k, v in record.values.items()}


def _remember(tx: Transaction, name: str, known: Known) -> None:
    rows = [
        {"object": ref.object, "system": SYSTEM_NAME, "key": f"{name}/{ref.key}", "record": record}
        for ref, record in known.items()
    ]
    tx.connection.execute(system.external_id.insert(), rows)
