"""Installing a pack: its documents become part of the tenant's metadata by one plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trellis.packs.folders import pack_documents
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class MissingPack(TrellisError):
    """A pack that this one requires is not installed."""

    code = "missing_pack"


def install(tenant: Tenant, name: str, author: int | None = None, *, confirm: str | None = None) -> int:
    """Install or update a pack and return the number of the metadata version that has it.

    ``author`` is the number of the user who installs; ``confirm`` the hash of the plan where an update destroys
    something. A pack that is installed already changes nothing. Documents that the tenant added itself stay. Raises
    :class:`UnknownPack`, :class:`MissingPack`, and what the publisher raises.
    """
    documents = pack_documents(name)
    _require(tenant, name, documents)
    plan = tenant.publisher.plan_documents(documents)
    return tenant.publisher.apply(plan, confirm=confirm, author=author, note=f"pack {name}")


def _require(tenant: Tenant, name: str, documents: Sequence[Any]) -> None:
    installed = tenant.model().snapshot.of_kind("pack")
    for document in documents:
        for needed in document.get("requires", ()) if document["kind"] == "pack" else ():
            if needed["name"] not in installed:
                raise MissingPack(f"Pack '{name}' requires pack '{needed['name']}'. Install that one first.")
