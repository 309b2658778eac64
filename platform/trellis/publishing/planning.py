"""Makes plans: compares snapshots, works out the physical change, looks at the records that would be affected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.publishing import catalogue, versions
from trellis.publishing.errors import CannotUndo
from trellis.publishing.expansion import Expansion, expand
from trellis.publishing.findings import Finding, examine
from trellis.publishing.tenant_plan import TenantPlan
from trellis.ripples.inputs import recomputed
from trellis.storage import system
from trellis_metadata.operations import RenameElement
from trellis_metadata.plan import Plan, diff
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def plan_change(
    tenant: Tenant, new: Snapshot, *, renames: Sequence[Any] = (), revive: bool = False, undoes: int | None = None
) -> TenantPlan:
    """Compare the visible version with ``new`` and look at the records that would be affected."""
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        plan = diff(model.snapshot, new, tenant.language, renames)
        new = plan.apply(model.snapshot)
        return _examined(tenant, connection, plan, new, revive=revive, undoes=undoes)


def plan_undo(tenant: Tenant, number: int | None = None) -> TenantPlan:
    """Plan the way back to what was before version ``number`` (default: the newest). Raises :class:`CannotUndo`."""
    with tenant.database.reading() as connection:
        newest = versions.current_number(connection)
        number = newest if number is None else number
        if number != newest:
            raise CannotUndo(f"Only the newest version ({newest}) can be undone; undo the later ones first.")
        if number <= 1:
            raise CannotUndo("The first version cannot be undone: it makes the tenant.")
        before = versions.read_version(connection, number - 1)
        after = versions.read_version(connection, number, before)
        stored = connection.execute(
            sa.select(system.version.c.operations).where(system.version.c.number == number)
        ).scalar_one()
        forward = Plan.from_json({"base": before.hash, "target": after.hash, "operations": stored})
        return _examined(tenant, connection, forward.inverse(before), before, revive=True, undoes=number)


def _examined(
    tenant: Tenant, connection: Connection, plan: Plan, new: Snapshot, *, revive: bool, undoes: int | None
) -> TenantPlan:
    model = tenant.model_in(connection)
    expansion = expansion_of(tenant, connection, model.snapshot, new, plan, revive=revive)
    findings = examine(connection, model, new, expansion, plan)
    findings += access_findings(tenant, model.snapshot, new)
    return TenantPlan(plan, new, tuple(findings), revive, undoes, tuple(expansion.fills))


def access_findings(tenant: Tenant, old: Snapshot, new: Snapshot) -> list[Finding]:
    """Return who gains and who loses access to what."""
    from trellis.access.impact import changes_of_access

    return [Finding(code, name, count, text) for code, name, count, text in changes_of_access(tenant, old, new)]


def expansion_of(
    tenant: Tenant,
    connection: Connection,
    old: Snapshot,
    new: Snapshot,
    plan: Plan,
    *,
    revive: bool,
    added: Mapping[str, Sequence[str]] | None = None,
) -> Expansion:
    """Work out the physical change. ``added``: the columns that it added itself already, so that it names them again."""
    objects, fields = renames_of(plan)
    touched = {k[1] for k, d in new.digests.items() if k[0] == "object" and old.digests.get(k) != d}
    storages = catalogue.read(connection, touched | set(objects) | set(recomputed(old, new)))
    for name, columns in (added or {}).items():
        if name in storages:
            used = {c: s for c, s in storages[name].used.items() if c not in columns}
            storages[name] = replace(storages[name], used=used)
    return expand(
        old,
        new,
        storages,
        catalogue.table_names(connection),
        tenant.environment(new),
        renamed_objects=objects,
        renamed_fields=fields,
        revive=revive,
    )


def renames_of(plan: Plan) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return renamed objects (old → new) and renamed fields (by new object name: old → new) of a plan."""
    objects: dict[str, str] = {}
    fields: dict[str, dict[str, str]] = {}
    for op in plan.operations:
        if not isinstance(op, RenameElement) or op.kind != "object":
            continue
        if not op.path:
            objects[op.name] = op.to
        elif len(op.path) == 2 and op.path[0] == "fields":
            fields.setdefault(op.name, {})[op.path[1]] = op.to
    return objects, {objects.get(name, name): pairs for name, pairs in fields.items()}
