"""What a page may offer for a formula field: whether records can be filtered, sorted and grouped by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.access.principal import SYSTEM
from trellis.model import Model, ObjectModel
from trellis.query.formulas import Surroundings
from trellis.query.paths import Paths, UnknownPath

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def refusal_of(tenant: Tenant, model: Model, root: ObjectModel, path: str) -> str | None:
    """Return why records cannot be filtered, sorted and grouped by the formula field at ``path``; None when they can."""
    known: dict[str, str | None] = root.__dict__.setdefault("_refusals", {})
    if path not in known:
        try:
            known[path] = Paths(model, root, SYSTEM, Surroundings.of(tenant)).resolve(path).refused
        except UnknownPath as unknown:
            known[path] = unknown.problem["message"]
    return known[path]
