"""People whom steps name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.named_people import Named, resolve

if TYPE_CHECKING:
    from trellis.automation.flow import Case, Flow


def named(flow: Flow, rules: Sequence[Mapping[str, Any]], cases: Sequence[Case]) -> list[tuple[Case, Named]]:
    """Return, per case, whom ``rules`` name; who did it is the person who caused the run."""
    model = flow.model_of(cases)
    found = resolve(flow.tx, model, rules, [c.values for c in cases], [c.run.actor for c in cases])
    return list(zip(cases, found, strict=True))
