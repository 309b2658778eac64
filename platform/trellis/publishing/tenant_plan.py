"""A plan with what it means for the records of one tenant: what people look at and confirm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from trellis.publishing.expansion import Fill
from trellis.publishing.findings import Finding
from trellis_metadata.plan import Plan
from trellis_metadata.snapshot import Snapshot


@dataclass(frozen=True)
class TenantPlan:
    """A plan with what it means for this tenant's records. ``hash`` is what a person confirms."""

    plan: Plan
    new: Snapshot
    findings: tuple[Finding, ...] = ()
    revive: bool = False
    undoes: int | None = None
    fills: tuple[Fill, ...] = field(default=())

    @property
    def base(self) -> str:
        """The hash of the version that the plan starts from."""
        return self.plan.base

    @property
    def destructive(self) -> bool:
        """Whether applying needs confirmation."""
        return any(op.danger.value == "destructive" for op in self.plan.operations) or any(
            f.destructive for f in self.findings
        )

    @property
    def hash(self) -> str:
        """SHA-256 over base, target and findings: the very plan that was shown."""
        text = "\n".join([self.plan.hash, self.new.hash, *(f"{f.code} {f.subject} {f.count}" for f in self.findings)])
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the plan as the API and the command line show it."""
        return {
            "hash": self.hash,
            "base": self.plan.base,
            "target": self.plan.target,
            "destructive": self.destructive,
            "operations": [
                {"text": op.describe(language), "danger": op.danger.value, "operation": op.to_json()}
                for op in self.plan.operations
            ],
            "findings": [f.to_json(language) for f in self.findings],
        }
