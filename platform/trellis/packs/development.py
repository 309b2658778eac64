"""``pack dev``: a scratch tenant that follows a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trellis.packs.checking import check_pack, errors_of, load_order
from trellis.packs.installing import apply
from trellis.packs.planning import plan_install
from trellis.packs.source import PackSource, read_pack
from trellis.publishing.publisher import InvalidMetadata
from trellis.runtime import Runtime
from trellis.tenant import Tenant


class Workbench:
    """Applies the pack in ``folder`` to the tenant ``dev_<name>``, which it makes with the packs that are required."""

    def __init__(self, runtime: Runtime, folder: Path, packs: Mapping[str, PackSource]) -> None:
        self.runtime, self.folder, self.packs = runtime, folder, packs

    def stamp(self) -> frozenset[tuple[str, int, int]]:
        """Return what changes when a file of the folder does."""
        files = (f for f in self.folder.rglob("*.json") if f.is_file())
        return frozenset((str(f), s.st_mtime_ns, s.st_size) for f in files for s in [f.stat()])

    def apply(self) -> dict[str, Any]:
        """Check the folder and bring the tenant to it; return tenant, version and number of changes.

        Raises :class:`InvalidMetadata` with every problem; the tenant stays as it was.
        """
        source = read_pack(self.folder)
        errors = errors_of(check_pack(source, self.packs)[1])
        if errors:
            raise InvalidMetadata(errors)
        tenant = self._tenant(source)
        plan = plan_install(tenant, source)
        number = apply(tenant, plan, confirm=plan.hash)
        return {"tenant": tenant.name, "version": number, "changes": len(plan.tenant_plan.plan.operations)}

    def _tenant(self, source: PackSource) -> Tenant:
        name = f"dev_{source.name}"[:40]
        if name in self.runtime.names():
            return self.runtime.tenant(name)
        tenant = self.runtime.create_tenant(name)
        for needed in load_order(source.name, {**self.packs, source.name: source})[:-1]:
            plan = plan_install(tenant, self.packs[needed])
            apply(tenant, plan, confirm=plan.hash)
        return tenant
