"""Compare the metadata of two tenants, and take over a chosen part of the differences.

The source is a snapshot: another tenant's visible version, or documents that came from elsewhere. What the source has not is
a removal; removals are taken over only when they are asked for, so that a tenant keeps what it made itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis.publishing.errors import InvalidMetadata
from trellis.publishing.tenant_plan import TenantPlan
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.operations import CannotApply, Operation, RemoveDocument, RemoveElement
from trellis_metadata.plan import diff
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class UnknownDifference(TrellisError):
    """A name was chosen at which the two do not differ."""

    code = "unknown_difference"


class CannotPromote(TrellisError):
    """The chosen differences cannot stand without others that were not chosen."""

    code = "cannot_promote"


@dataclass(frozen=True)
class Difference:
    """One element at which source and target differ: the operation that would make the target like the source."""

    operation: Operation

    @property
    def name(self) -> str:
        """How the element is chosen: ``object/deal``, ``object/deal/fields/amount``, ``object/deal/label``."""
        return "/".join((self.operation.kind, self.operation.name, *getattr(self.operation, "path", ())))

    @property
    def removes(self) -> bool:
        """Whether the source does not have what the target has."""
        return isinstance(self.operation, RemoveDocument | RemoveElement)

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return name, words and danger."""
        return {
            "name": self.name,
            "text": self.operation.describe(language),
            "danger": self.operation.danger.value,
            "removes": self.removes,
        }


def compare(target: Tenant, source: Snapshot) -> list[Difference]:
    """Return what makes the visible version of ``target`` different from ``source``, as steps towards the source."""
    plan = diff(target.model().snapshot, source, target.language)
    return [Difference(operation) for operation in plan.operations]


def source_of(target: Tenant, documents: Sequence[object]) -> Snapshot:
    """Return documents that came from elsewhere as a snapshot, with the core's. Raises :class:`InvalidMetadata`."""
    return target.publisher.check(documents, replace_all=True)


def plan_promotion(
    target: Tenant, source: Snapshot, *, only: Collection[str] = (), removals: bool = False
) -> TenantPlan:
    """Plan to take over the differences named in ``only`` (empty: all), each with everything below it.

    ``removals``: also remove what the source does not have; a removal that is named itself needs no such leave. Raises
    :class:`UnknownDifference`, :class:`CannotPromote`, or :class:`InvalidMetadata` if the result would be wrong.
    """
    found = compare(target, source)
    _refuse_unknown(only, found)
    chosen = [d for d in found if _is_chosen(d, only, removals)]
    base = new = target.model().snapshot
    try:
        for difference in chosen:
            new = difference.operation.apply(new)
    except CannotApply as problem:
        raise CannotPromote(
            f"'{difference.name}' cannot be taken over alone: {problem.message} Choose what it needs too, or its document."
        ) from None
    changed = [d for k, d in new.documents.items() if base.digests.get(k) != new.digests[k]]
    return target.publisher.plan_documents(changed, removed=[k for k in base.documents if k not in new.documents])


def _refuse_unknown(only: Collection[str], found: list[Difference]) -> None:
    names = [d.name for d in found]
    for name in only:
        if not any(n == name or n.startswith(name + "/") for n in names):
            raise UnknownDifference(
                f"The two do not differ at '{name[:120]}'.{did_you_mean(name[:120], names)} "
                "Names look like object/deal or object/deal/fields/amount.",
                differences=names[:200],
            )


def _is_chosen(difference: Difference, only: Collection[str], removals: bool) -> bool:
    if difference.removes and not removals:
        return difference.name in only
    return not only or any(difference.name == n or difference.name.startswith(n + "/") for n in only)


__all__ = [
    "CannotPromote",
    "Difference",
    "InvalidMetadata",
    "UnknownDifference",
    "compare",
    "plan_promotion",
    "source_of",
]
