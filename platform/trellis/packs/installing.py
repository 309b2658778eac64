"""Installing, upgrading and removing packs: applies plans, keeps what was delivered, runs data migrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.packs import migrations
from trellis.packs.folders import pack_folder
from trellis.packs.leftovers import Leftover, dispose
from trellis.packs.pack_plan import PackPlan
from trellis.packs.planning import plan_install, plan_uninstall
from trellis.packs.source import PackSource, read_pack
from trellis.packs.state import write_pristine
from trellis.publishing.publisher import NotConfirmed
from trellis.storage.tables.packs import pack_choice
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Choices
from trellis_metadata.operations import RemoveDocument, RemoveElement

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class BrokenCases(TrellisError):
    """Cases of the pack fail against the metadata as it would be."""

    code = "broken_cases"


def install(
    tenant: Tenant,
    name: str,
    author: int | None = None,
    *,
    confirm: str | None = None,
    options: Mapping[str, Any] | None = None,
    slices: Sequence[str] | None = None,
) -> int:
    """Install or update a shipped pack and return the number of the metadata version that has it.

    ``author`` is the number of the user who installs; ``confirm`` the hash of the plan where an update destroys or
    conflicts. A pack that is installed already changes nothing. What the tenant added or changed itself stays. Raises
    :class:`UnknownPack`, what the planning raises, and what the publisher raises.
    """
    return apply(tenant, plan_install(tenant, source_of(name), options=options, slices=slices), author, confirm=confirm)


def source_of(name: str) -> PackSource:
    """Return a shipped pack. Raises :class:`UnknownPack`."""
    return read_pack(pack_folder(name))


def apply(
    tenant: Tenant,
    plan: PackPlan,
    author: int | None = None,
    *,
    confirm: str | None = None,
    broken_cases: bool = False,
    data: str = "keep",
    export: Path | None = None,
) -> int:
    """Do what a plan says and return the number of the metadata version.

    ``confirm`` is the hash of the plan; it is needed where the plan says so. ``broken_cases`` goes on although cases fail.
    For a removal ``data`` says what becomes of the records: ``keep`` (they come back with the pack), ``export`` (written to
    the folder ``export`` and kept) or ``drop``. Raises :class:`NotConfirmed` or :class:`BrokenCases`.
    """
    if plan.needs_confirmation and confirm != plan.hash:
        raise NotConfirmed("Look at the plan and confirm it by its hash.", plan=plan.to_json())
    failed = [c for c in plan.cases if not c["passed"]]
    if failed and not broken_cases:
        raise BrokenCases(
            f"{len(failed)} of {len(plan.cases)} cases of pack '{plan.name}' fail: {failed[0]['story']}", cases=failed
        )
    gone = [Leftover.of(tenant, o.name) for o in plan.tenant_plan.plan.operations if _removes_object(o)]
    gone += [Leftover.of(tenant, n, fields) for n, fields in _removed_fields(plan).items()]
    if plan.action == "uninstall" and data == "export":
        if export is None:
            raise NotConfirmed("Name the folder to which the records are written.")
        for leftover in gone:
            leftover.export(tenant, export)
    if plan.content is not None:
        with tenant.publishing_lock() as connection:
            write_pristine(connection, plan.content)
        _remember(tenant, plan, author)
        migrations.note(tenant, plan)
    note = f"pack {plan.name}" if plan.action != "uninstall" else f"without pack {plan.name}"
    number = tenant.publisher.apply(plan.tenant_plan, confirm=plan.tenant_plan.hash, author=author, note=note)
    if plan.content is not None:
        migrations.run_pending(tenant, plan.name)
    if plan.action == "uninstall":
        migrations.leave(tenant, plan.name, plan.before if data != "drop" else None)
    if plan.action == "uninstall" and data == "drop":
        dispose(tenant, gone)
    return number


def uninstall(
    tenant: Tenant, name: str, author: int | None = None, *, confirm: str | None = None, **options: Any
) -> int:
    """Remove a pack; see :func:`apply`."""
    return apply(tenant, plan_uninstall(tenant, name), author, confirm=confirm, **options)


def remember_choices(tenant: Tenant, name: str, choices: Choices, author: int | None = None) -> None:
    """Keep answers to conflicts; each is good for its element and its pair of values, in every later plan too."""
    with tenant.database.writing() as connection:
        c = pack_choice.c
        connection.execute(pack_choice.delete().where(c.pack == name, c.key.in_(sorted(choices))))
        if choices:
            rows = [
                {"pack": name, "key": k, "choice": v.value, "author": author, "at": tenant.clock.now()}
                for k, v in sorted(choices.items())
            ]
            connection.execute(sa.insert(pack_choice), rows)


def _remember(tenant: Tenant, plan: PackPlan, author: int | None) -> None:
    remember_choices(tenant, plan.name, {c.key: c.taken for c in plan.conflicts}, author)


def _removed_fields(plan: PackPlan) -> dict[str, tuple[str, ...]]:
    """Return the fields that go from objects that stay."""
    found: dict[str, tuple[str, ...]] = {}
    for o in plan.tenant_plan.plan.operations:
        if isinstance(o, RemoveElement) and o.kind == "object" and len(o.path) == 2 and o.path[0] == "fields":
            found[o.name] = (*found.get(o.name, ()), o.path[1])
    return found


def _removes_object(operation: Any) -> bool:
    return isinstance(operation, RemoveDocument) and operation.kind == "object"
